"""A step of reinforcement learning beside plain TRL: CPU seconds by part, the same questions, weights and settings.

Sides take turns in one process on one thread, in float32, and speed is in CPU seconds, so that other work weighs
little. Questions are as `trainer.recipes.tiny data` makes them, not chosen: most groups are dead, some replies
run to the limit. Plain TRL generates by `generate()`, and keeps every group; `egpo` leaves out dead ones, as is the
default here.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

from tabulate import tabulate

STEPS, WARM = 2, 1
QUESTIONS, SIZE, MICRO = 8, 8, 2
TOKENS = 128
PARTS = ("generation", "passes without gradient", "update", "step")


def settings(folder: Path, **changes: Any) -> Any:
    """Eight questions of eight replies, in two micro-batches."""
    from trainer.recipes.tiny.synth import item
    from trainer.rl.config import RLConfig

    data, rng = folder / "items.jsonl", Random("rl/questions/1")
    made = [asdict(item(rng, 1, "train").example(str(n))) for n in range(QUESTIONS * (STEPS + WARM))]
    data.write_text("".join(json.dumps(each) + "\n" for each in made))
    return RLConfig(
        model="tiny",
        data=(str(data),),
        output_dir=str(folder / "out"),
        per_device_train_batch_size=QUESTIONS * SIZE // MICRO,
        gradient_accumulation_steps=MICRO,
        num_generations=SIZE,
        max_completion_length=TOKENS,
        temperature=1.0,
        learning_rate=1e-5,
        max_steps=STEPS + WARM,
        keep_replies=0,
        save_steps=10**6,
        use_cpu=True,
        report_to="none",
        **changes,
    )


def timed(owner: Any, name: str, part: str, spent: dict[str, float], when: Callable[[], bool] = lambda: True) -> None:
    """Add the CPU seconds of a method to a part, without those of parts inside it."""
    method = getattr(owner, name)

    def measured(*args: Any, **kwargs: Any) -> Any:
        if not when():
            return method(*args, **kwargs)
        inside, start = sum(spent.values()), time.process_time()
        try:
            return method(*args, **kwargs)
        finally:
            spent[part] += time.process_time() - start - (sum(spent.values()) - inside)

    setattr(owner, name, measured)


def watch(trainer: Any) -> list[dict[str, float]]:
    """Measure each step of a trainer that is about to train."""
    import torch
    from transformers import TrainerCallback

    steps: list[dict[str, float]] = []
    spent: dict[str, float] = defaultdict(float)
    begun = [0.0]
    timed(trainer, "training_step", "update", spent)
    timed(trainer, "_generate_single_turn", "generation", spent)
    without = "passes without gradient"
    timed(trainer, "_get_per_token_logps_and_entropies", without, spent, lambda: not torch.is_grad_enabled())

    class Steps(TrainerCallback):
        """Notes what each step took."""

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            spent.clear()
            begun[0] = time.process_time()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            whole = time.process_time() - begun[0]
            # The optimizer's own step belongs to the update.
            spent["update"] += whole - sum(spent.values())
            steps.append({**spent, "step": whole})

    trainer.add_callback(Steps())
    return steps


def ours(folder: Path, **changes: Any) -> Any:
    """This project's trainer."""
    from tests.trainer.rl.worlds import trainer_of

    return trainer_of(settings(folder, **changes))


def theirs(folder: Path) -> Any:
    """TRL's own, with the same questions, reward and settings."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import GRPOTrainer

    from harness import models
    from harness.engines.hf import ends_of
    from trainer.data import end_of_turn
    from trainer.model import stop_at
    from trainer.rl import rewards
    from trainer.rl.engine import trl_arguments
    from trainer.rl.items import read_items
    from trainer.rl.reward import Scorer
    from trainer.run import load_tokenizer

    config = settings(folder)
    tokenizer = load_tokenizer(config)
    corpus, handler = read_items(config, tokenizer, rewards.load("exact"))
    items = corpus.records
    model = AutoModelForCausalLM.from_pretrained(models.locate("tiny").folder, dtype="float32")
    stop_at(model, tokenizer, end_of_turn(tokenizer))
    scorer = Scorer(rewards.load("exact"), handler, tokenizer, ends_of(model, tokenizer))

    def reward(prompts: list[str], completion_ids: list[list[int]], item: list[int], **_: Any) -> list[float | None]:
        return [scorer(items[place], ids).reward for place, ids in zip(item, completion_ids, strict=True)]

    data = {"prompt": [tokenizer.decode(item.prompt) for item in items], "item": list(range(len(items)))}
    arguments = trl_arguments(replace(config, output_dir=str(folder / "theirs")))
    return GRPOTrainer(
        model=model,
        reward_funcs=[reward],
        args=arguments,
        train_dataset=Dataset.from_dict(data),
        processing_class=tokenizer,
    )


SIDES: dict[str, Callable[[Path], Any]] = {
    "plain TRL": theirs,
    "grpo, every group kept": lambda folder: ours(folder, method="grpo", drop_dead_groups=False),
    "egpo, every group kept": lambda folder: ours(folder, drop_dead_groups=False),
    "egpo": ours,
}


def main() -> int:
    """Measure all sides and print the table."""
    import torch

    torch.set_num_threads(1)
    medians: dict[str, dict[str, float]] = {}
    for name, make in SIDES.items():
        with tempfile.TemporaryDirectory() as folder:
            trainer = make(Path(folder))
            steps = watch(trainer)
            trainer.train()
            told = [line for line in trainer.state.log_history if "reward" in line]
        print(f"{name}: reward {[round(line['reward'], 2) for line in told]}", file=sys.stderr, flush=True)
        medians[name] = {part: statistics.median(step.get(part, 0.0) for step in steps[WARM:]) for part in PARTS}
    first = medians["plain TRL"]
    rows = [
        [
            name,
            *(f"{found[part]:.1f}" for part in PARTS),
            f"{first['generation'] / found['generation']:.2f}",
            f"{first['step'] / found['step']:.2f}",
        ]
        for name, found in medians.items()
    ]
    print(f"CPU seconds a step of {QUESTIONS} x {SIZE} replies of at most {TOKENS} tokens, median of {STEPS} steps")
    head = ["", *PARTS, "generation, times as fast", "step, times as fast"]
    print(tabulate(rows, head, "github", disable_numparse=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

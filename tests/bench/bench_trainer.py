"""Training beside TRL's `SFTTrainer`, and the fused loss beside full logits.

TRL may live elsewhere: `HARNESS_TRL_PYTHON` names an interpreter that has it (and torch and transformers); by default
it is looked for in this one, and left out where it is not. Each measurement is a process of its own on one thread;
speed is in CPU seconds, so that other work on the machine weighs little; the sides take turns, medians are compared.
The same SFT on a real model, SmolLM2-135M-Instruct in float32, is measured where `harness data fetch smollm2`
was done (`python -m tests.bench.bench_trainer real` for that alone).
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from tabulate import tabulate

STEPS, BATCH, WARM = 10, 4, 2
ROUNDS = 2
REAL, REAL_STEPS = "smollm2", 3
"""Model of the table on a real one, and its steps; it is big enough for one warm-up step and one round to do."""
LOSSES = ("sft", "msl", "ssb")
FOLDER = "BENCH_MODEL"
"""Variable that names the real model's folder to the interpreter of either side."""
VOCABULARY, HIDDEN, ROWS, LENGTH = 151_936, 256, 4, 1024
"""Of the memory measurement: Qwen's vocabulary on a small body."""


def model(vocabulary: int, hidden: int, layers: int, feed_forward: int) -> Any:
    """A random Qwen2 model."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=feed_forward,
            num_hidden_layers=layers,
            num_attention_heads=hidden // 64,
            num_key_value_heads=hidden // 64,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
        )
    )


def small() -> Any:
    """Seven million parameters."""
    return model(8192, 256, 6, 768)


def real() -> Any:
    """The real model, in float32 as training starts from it."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(os.environ[FOLDER], dtype="float32")


def records(count: int = (STEPS + WARM) * BATCH) -> list[tuple[list[int], int, int]]:
    """Ids of 300 to 640 tokens, and where thinking and result start: half prompt, result a twelfth of the reply."""
    rng = Random(0)
    made = []
    for _ in range(count):
        length = rng.randrange(300, 641)
        think = length // 2
        made.append(([rng.randrange(10, 8000) for _ in range(length)], think, length - (length - think) // 12))
    return made


def arguments(folder: str) -> dict[str, Any]:
    """Settings that both trainers share."""
    return {
        "output_dir": folder,
        "per_device_train_batch_size": BATCH,
        "max_steps": STEPS + WARM,
        "learning_rate": 1e-4,
        "save_strategy": "no",
        "logging_steps": 1,
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "seed": 0,
        "bf16": False,
    }


def clock() -> Any:
    """A callback that notes the CPU time at the end of each step."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        times: list[float] = []  # noqa: RUF012

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.times.append(time.process_time())

    return Clock()


def our_trainer(net: Any, loss: str, folder: str, **changes: Any) -> Any:
    """This project's trainer on the records."""
    from array import array

    import transformers

    from trainer import losses
    from trainer.collate import Collator
    from trainer.data import Record
    from trainer.run import Rows
    from trainer.train import RegionTrainer

    rows = []
    for ids, think, result in records():
        regions = [0] * think + [1] * (result - think) + [2] * (len(ids) - result)
        rows.append(Record("", array("i", ids), array("b", regions)))
    return RegionTrainer(
        loss=losses.load(loss, losses.LossSettings()),
        about={},
        model=net,
        args=transformers.TrainingArguments(remove_unused_columns=False, **arguments(folder) | changes),
        train_dataset=Rows(rows),
        data_collator=Collator(0),
    )


def train_ours(folder: str, net: Any, **changes: Any) -> dict[str, float]:
    """Train with plain SFT."""
    from trainer.train import fuse

    fuse(net)
    return _run(our_trainer(net, "sft", folder, **changes))


def losses_in_turn(folder: str) -> dict[str, float]:
    """CPU seconds of a forward and backward pass with each loss, taking turns on every batch of one model."""
    from trainer.train import fuse

    net = small()
    fuse(net)
    trainers = {name: our_trainer(net, name, folder) for name in LOSSES}
    times: dict[str, list[float]] = {name: [] for name in LOSSES}
    for batch in trainers["sft"].get_train_dataloader():
        for name, trainer in trainers.items():
            began = time.process_time()
            trainer.get_batch_samples(iter([batch]), 1, trainer.args.device)
            trainer.training_step(net, batch)
            times[name].append(time.process_time() - began)
    return {name: statistics.median(taken[WARM:]) for name, taken in times.items()}


def train_trl(folder: str, net: Any, **changes: Any) -> dict[str, float]:
    """Train with TRL, loss on completions only."""
    import datasets
    import trl

    rows = [
        {"input_ids": ids, "completion_mask": [0] * think + [1] * (len(ids) - think)} for ids, think, _ in records()
    ]
    trainer = trl.SFTTrainer(
        model=net,
        args=trl.SFTConfig(
            max_length=None, completion_only_loss=True, gradient_checkpointing=False, **arguments(folder) | changes
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=_tokenizer(),
    )
    return _run(trainer)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1}, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>")


def _run(trainer: Any) -> dict[str, float]:
    timer = clock()
    trainer.add_callback(timer)
    trainer.train()
    took = [after - before for before, after in zip(timer.times, timer.times[1:], strict=False)]
    took, steps = took[WARM - 1 :] if len(took) > REAL_STEPS else took, len(timer.times)
    tokens = sum(len(ids) for ids, *_ in records(steps * BATCH)) / steps
    return {"tokens/s": tokens / statistics.median(took), "step": statistics.median(took), "rss": _peak()}


def step_memory(fused: bool) -> dict[str, float]:
    """One forward and backward pass at a large vocabulary, every token scored."""
    import torch
    from torch.nn.functional import cross_entropy

    from trainer.train import fuse

    net = model(VOCABULARY, HIDDEN, 2, 768)
    ids = torch.randint(VOCABULARY, (ROWS, LENGTH), generator=torch.Generator().manual_seed(0))
    before, began = _now(), time.process_time()
    if fused:
        fuse(net)
        before_each = torch.arange(ROWS * LENGTH).view(ROWS, LENGTH)[:, :-1].flatten()
        weights = torch.full_like(before_each, 1, dtype=torch.float32) / len(before_each)
        loss = net(input_ids=ids, targets=ids[:, 1:].flatten(), before=before_each, weights=weights)["loss"]
    else:
        targets = torch.cat([ids[:, 1:], torch.full((ROWS, 1), -100)], 1)  # shifting logits would copy them
        loss = cross_entropy(net(input_ids=ids, use_cache=False).logits.flatten(0, 1), targets.flatten())
    loss.backward()
    norm = sum(float(p.grad.square().sum()) for p in net.parameters()) ** 0.5
    return {"loss": loss.item(), "norm": norm, "step": time.process_time() - began, "own": _peak() - before}


def _peak() -> float:
    """Largest resident size of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _now() -> float:
    """Resident size of this process, in GB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e9


def _measure(side: str, python: str = sys.executable) -> dict[str, float] | None:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1", "CI": "1"}
    done = subprocess.run(
        [python, "-m", "tests.bench.bench_trainer", side], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        print(f"{side}: {done.stderr.strip().splitlines()[-1][:200]}")
        return None
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _side(name: str) -> dict[str, float]:
    if name.startswith("memory"):
        return step_memory(name == "memory-fused")
    side, _, body = name.partition("-")
    with tempfile.TemporaryDirectory() as folder:
        if side == "losses":
            return losses_in_turn(folder)
        train = {"trl": train_trl, "ours": train_ours}[side]
        return train(folder, real(), max_steps=REAL_STEPS + 1) if body else train(folder, small())


def main() -> None:
    """Measure and print four tables."""
    if len(sys.argv) == 2 and sys.argv[1] != "real":
        print(json.dumps(_side(sys.argv[1])))
        return
    if _is_here(REAL):
        print(f"\nSFT on {REAL}, {REAL_STEPS} steps of {BATCH} x 300-640 tokens, float32, one thread")
        print(_beside("-real", 1))
    if len(sys.argv) == 2:
        return
    print(f"\nSFT, {STEPS} steps of {BATCH} x 300-640 tokens, 7M parameters, one thread, median of {ROUNDS} runs")
    print(_beside("", ROUNDS))
    if steps := _measure("losses"):
        print("\nthe same model and batches, losses taking turns")
        rows = [[name, f"{steps[name]:.3f}", f"{steps[name] / steps['sft']:.3f}"] for name in LOSSES]
        print(tabulate(rows, ["loss", "CPU s a step", "to sft"], disable_numparse=True))
    full, fused = _measure("memory-full"), _measure("memory-fused")
    if full and fused:
        print(f"\none step, vocabulary {VOCABULARY}, hidden {HIDDEN}, 2 layers, {ROWS} x {LENGTH} tokens")
        print(_memory(full, fused))


def _is_here(name: str) -> bool:
    from harness.errors import HarnessError
    from harness.models import locate

    try:
        os.environ[FOLDER] = str(locate(name, offline=True).folder)
    except HarnessError:
        print(f"{name} was not fetched (harness data fetch {name})")
        return False
    return True


def _beside(body: str, rounds: int) -> str:
    """TRL and ours, taking turns."""
    pythons = {"trl": os.environ.get("HARNESS_TRL_PYTHON", sys.executable), "ours": sys.executable}
    taken: dict[str, list[dict[str, float]]] = {side: [] for side in pythons}
    for _ in range(rounds):
        for side, python in pythons.items():
            if found := _measure(side + body, python):
                taken[side].append(found)
    return _speeds({side: _medians(runs) for side, runs in taken.items() if runs})


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def _speeds(sides: dict[str, dict[str, float]]) -> str:
    base = sides.get("trl", sides["ours"])
    rows = [
        [side, f"{found['tokens/s']:.0f}", f"{found['tokens/s'] / base['tokens/s']:.2f}", f"{found['rss']:.2f}"]
        for side, found in sides.items()
    ]
    return tabulate(rows, ["side", "tokens/CPU s", "ratio", "peak GB"], disable_numparse=True)


def _memory(full: dict[str, float], fused: dict[str, float]) -> str:
    rows = [
        [
            name,
            f"{found['loss']:.5f}",
            f"{found['norm']:.5f}",
            f"{found['step']:.1f}",
            f"{found['own']:.2f}",
            f"{found['own'] / full['own']:.0%}",
        ]
        for name, found in (("full logits", full), ("fused", fused))
    ]
    return tabulate(rows, ["loss", "value", "gradient norm", "CPU s", "own GB", "of full"], disable_numparse=True)


if __name__ == "__main__":
    main()

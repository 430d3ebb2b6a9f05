"""What happens beside the steps: the log on screen and on disk, and scores by the harness while training."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from transformers import PrinterCallback, ProgressCallback, TrainerCallback

from trainer.checkpoints import Staged
from trainer.config import RunConfig
from trainer.data import Corpus

LOG = "log.jsonl"


def install(trainer: Staged, config: RunConfig, corpus: Corpus) -> None:
    """Replace transformers' printing by ours, and score every `eval_every` steps.

    Args:
        trainer: Gets the callbacks.
        config: What to score, and how often.
        corpus: Its counts open the log.
    """
    for other in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(other)
    trainer.add_callback(Log(corpus, trainer.told))
    if config.eval_every:
        trainer.add_callback(Evaluate(trainer, config))


class Log(TrainerCallback):
    """One line a step on screen, one JSON object a step in `log.jsonl`; main process only.

    Args:
        corpus: Told once at the start.
        told: From a step's figures to the part of its line that is the trainer's own.
    """

    def __init__(self, corpus: Corpus, told: Callable[[Mapping[str, float]], str]) -> None:
        self.corpus, self.told = corpus, told
        self.last = (0.0, 0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say what is trained on; drop lines of steps that a kill lost."""
        self.last = (time.monotonic(), state.global_step)
        if not state.is_world_process_zero:
            return
        click.echo(", ".join(f"{name}: {count}" for name, count in self.corpus.counts.items() if count))
        path = Path(args.output_dir) / LOG
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text().splitlines() if path.exists() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= state.global_step]
        path.write_text("".join(line + "\n" for line in kept))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """Write a line."""
        if not state.is_world_process_zero or not logs:
            return
        line = {"step": state.global_step, **logs}
        with (Path(args.output_dir) / LOG).open("a") as file:
            file.write(json.dumps(line) + "\n")
        if "loss" in logs:
            click.echo(self._line(state, logs))

    def _line(self, state: Any, logs: dict[str, float]) -> str:
        now, (then, step) = time.monotonic(), self.last
        self.last = (now, state.global_step)
        pace = (now - then) / max(state.global_step - step, 1)
        left = (state.max_steps - state.global_step) * pace / 60
        return (
            f"step {state.global_step}/{state.max_steps}  {self.told(logs)}  lr {logs['learning_rate']:.2e}  "
            f"{pace:.2f} s a step, {left:.0f} min left"
        )


class Evaluate(TrainerCallback):
    """Scores the running model with the harness, as `harness run` would.

    Args:
        trainer: Whose model is scored.
        config: Tasks, limit and interval.
    """

    def __init__(self, trainer: Staged, config: RunConfig) -> None:
        from harness.running.selection import resolve

        self.trainer, self.config = trainer, config
        resolve(config.eval_tasks.split(","))  # a misspelt task is refused before the first step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save the model aside and score it; all ranks save, the main process scores, the others wait."""
        if state.global_step % self.config.eval_every:
            return
        folder = Path(args.output_dir) / ".eval" / f"step-{state.global_step}"
        self.trainer.save_model(str(folder))
        if state.is_world_process_zero:
            self.trainer.log(score(folder, self.config))
            shutil.rmtree(folder.parent, ignore_errors=True)
        self.trainer.accelerator.wait_for_everyone()


def score(model: Path, config: RunConfig) -> dict[str, float]:
    """Run the harness on a model folder.

    Args:
        model: The folder.
        config: `eval_tasks`, `eval_limit`, `handler` and `output_dir` are used; runs are kept in `output_dir/results`.

    Returns:
        Accuracy by category, as `eval/<category>`, with the number of judged items as `eval/<category>/n`.
    """
    from harness.running.plan import RunSpec
    from harness.running.runner import run
    from harness.running.selection import resolve
    from harness.types import EngineSettings

    scores: dict[str, float] = {}
    for benchmark, categories in resolve(config.eval_tasks.split(",")).items():
        spec = RunSpec(
            settings=EngineSettings(str(model), device="cpu" if config.use_cpu else "auto"),
            benchmark=benchmark,
            categories=categories,
            engine="hf",
            handler=config.handler,
            limit=config.eval_limit,
            output=Path(config.output_dir) / "results",
        )
        for category, got in run(spec).scores.items():
            if got.judged:
                scores[f"eval/{category}"] = got.passed / got.judged
                scores[f"eval/{category}/n"] = got.judged
    return scores

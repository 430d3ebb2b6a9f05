"""What happens beside the steps: the log on screen and on disk, and its picture."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from transformers import PrinterCallback, ProgressCallback, TrainerCallback

from trainer import picture
from trainer.checkpoints import Staged
from trainer.config import RunConfig
from trainer.data import Corpus
from trainer.evaluation import Evaluate

LOG = "log.jsonl"


def install(
    trainer: Staged, config: RunConfig, corpus: Corpus, measure: Callable[[], Mapping[str, float]] | None = None
) -> None:
    """Replace transformers' printing by ours, and measure the model every `eval_every` steps.

    Args:
        trainer: Gets the callbacks.
        config: What to measure, and how often.
        corpus: Its counts open the log.
        measure: Gives the held-out loss, where something is held out.
    """
    for other in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(other)
    trainer.add_callback(Log(corpus, trainer.told))
    if config.eval_every:
        trainer.add_callback(Evaluate(trainer, config, measure))


class Log(TrainerCallback):
    """One line a step on screen, one JSON object a step in `log.jsonl`, and `training.svg`; main process only.

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

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Draw what there is so far."""
        if state.is_world_process_zero:
            picture.write(Path(args.output_dir), LOG)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Draw it all."""
        self.on_save(args, state, control)

    def _line(self, state: Any, logs: dict[str, float]) -> str:
        now, (then, step) = time.monotonic(), self.last
        self.last = (now, state.global_step)
        pace = (now - then) / max(state.global_step - step, 1)
        left = (state.max_steps - state.global_step) * pace / 60
        return (
            f"step {state.global_step}/{state.max_steps}  {self.told(logs)}  lr {logs['learning_rate']:.2e}  "
            f"{pace:.2f} s a step, {left:.0f} min left"
        )

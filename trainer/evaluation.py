"""Held-out loss and scores by the harness while training, which step was best, and when to stop.

All that is decided is a function of the log's history, which every checkpoint keeps: a run that is killed and continued
stops where an undisturbed one would have, with the same step for its best.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from accelerate.utils import broadcast_object_list
from transformers import TrainerCallback

from harness.errors import DataError, UsageProblem
from trainer.checkpoints import STATE, Staged
from trainer.config import RunConfig
from trainer.data import Corpus
from trainer.store import Picked, names

LOSS, SCORE = "eval_loss", "eval_score"
"""Held-out loss, and the mean of all categories' accuracies."""


class Evaluate(TrainerCallback):
    """Measures the running model every `eval_every` steps, and keeps track of the best.

    Args:
        trainer: Whose model is measured.
        config: What, how often, and what follows from it.
        measure: Gives the held-out loss and its parts; called on all ranks. None where nothing is held out.
    """

    def __init__(
        self, trainer: Staged, config: RunConfig, measure: Callable[[], Mapping[str, float]] | None = None
    ) -> None:
        from harness.running.selection import resolve

        self.trainer, self.config, self.measure = trainer, config, measure
        if config.eval_tasks:
            resolve(config.eval_tasks.split(","))  # a misspelt task is refused before the first step

    @property
    def metric(self) -> str:
        """What decides which step is best."""
        named = self.config.metric_for_best_model
        return named or (LOSS if self.measure else SCORE)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take up what a checkpoint tells, and stop where it had stopped."""
        self._conclude(state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure; a checkpoint is saved where it is the best so far."""
        if state.global_step % self.config.eval_every:
            return
        found = dict(self.measure()) if self.measure else {}
        if self.config.eval_tasks:
            found |= self._scores(Path(args.output_dir), state)
        if self.metric not in found:
            raise UsageProblem(
                f"--metric-for-best-model {self.metric} is not measured", f"There is {', '.join(sorted(found))}."
            )
        logs = control.should_log
        self.trainer.log(dict(found))
        control.should_log = logs  # the step's own line is still to come, and a log takes it for written
        since = self._conclude(state, control)
        control.should_save |= since == 0
        if state.is_world_process_zero:
            click.echo(f"step {state.global_step}: {_line(found)}{'; the best so far' if since == 0 else ''}")
            if self._is_enough(since):
                click.echo(f"stopped: {since} evaluations without a better {self.metric}")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take the best step's weights, where they are asked for."""
        best = self.trainer.best
        if not (self.config.load_best_model_at_end and best) or best["step"] == state.global_step:
            return
        checkpoint = Path(args.output_dir) / best["checkpoint"]
        if not (checkpoint / STATE).is_file():
            raise DataError(f"the best checkpoint, {checkpoint}, is gone", "Continue without --load-best-model-at-end.")
        state.best_model_checkpoint = str(checkpoint)
        self.trainer._load_best_model()

    def _conclude(self, state: Any, control: Any) -> int | None:
        """Name the best step, and stop where none was better for long enough.

        Returns:
            Evaluations since the best one; None before the first.
        """
        lower = self.metric.endswith("loss")
        since = self.trainer.about["evaluated"]["since"]
        told = [
            (line[self.metric], line["step"])
            for line in state.log_history
            if self.metric in line and line["step"] > since
        ]
        told = [(value if math.isfinite(value) else math.inf if lower else -math.inf, step) for value, step in told]
        if not told:
            return None
        value, step = (min if lower else max)(told, key=lambda each: each[0])
        ago = [step for _, step in told][::-1].index(step)
        self.trainer.best = {
            **{"metric": self.metric, "value": value, "step": step, "checkpoint": f"checkpoint-{step}"},
            "loaded": self.config.load_best_model_at_end,
        }
        control.should_training_stop |= self._is_enough(ago)
        return ago

    def _is_enough(self, since: int | None) -> bool:
        return since is not None and 0 < self.config.early_stopping_patience <= since

    def _scores(self, output: Path, state: Any) -> dict[str, float]:
        """Save the model aside and score it: all ranks save, the main process scores and tells the others."""
        folder = output / ".eval" / f"step-{state.global_step}"
        self.trainer.save_model(str(folder))
        found: list[dict[str, float]] = [{}]
        if state.is_world_process_zero:
            found = [score(folder, self.config)]
            shutil.rmtree(folder.parent, ignore_errors=True)
        broadcast_object_list(found)
        return found[0]


def _line(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in found.items() if not name.endswith("/n"))


def score(model: Path, config: RunConfig) -> dict[str, float]:
    """Run the harness on a model folder.

    Args:
        model: The folder.
        config: `eval_tasks`, `eval_limit`, `handler` and `output_dir` are used; runs are kept in `output_dir/results`.

    Returns:
        Accuracy by category, as `eval/<category>`, with the number of judged items as `eval/<category>/n`, and the mean
        over categories, each counting alike, as `eval_score`.
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
    accuracies = [value for name, value in scores.items() if not name.endswith("/n")]
    return scores | ({SCORE: sum(accuracies) / len(accuracies)} if accuracies else {})


def held_out(corpus: Corpus, fraction: float, seed: int) -> tuple[Corpus, Corpus]:
    """Take some conversations out of a corpus, with all their turns, however often they are in it.

    Args:
        corpus: What there is.
        fraction: Of its conversations; one at least is taken and one is left.
        seed: Of the choice, which does not depend on the order of the records.

    Returns:
        What is left to train on, and what is held out.

    Raises:
        DataError: There is one conversation only.
    """
    conversations = [_conversation(name) for name in names(corpus.records)]
    order = sorted(set(conversations), key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    if len(order) < 2:
        raise DataError("--eval-fraction leaves nothing to train on: the data is one conversation", "Give --eval-data.")
    taken = set(order[: min(max(1, round(fraction * len(order))), len(order) - 1)])
    out = np.array([name in taken for name in conversations])
    left, kept = (_part(corpus, np.flatnonzero(places)) for places in (~out, out))
    left.counts["records held out"] = len(kept.records)
    return left, kept


def _part(corpus: Corpus, places: np.ndarray) -> Corpus:
    part = Corpus(Picked([corpus.records], places), corpus.counts.copy(), corpus.sha256)
    part.counts["records"] = len(part.records)
    return part


def _conversation(name: str) -> str:
    """A record's example: turns are called `7@1`, and their last one `7`."""
    whole, at, place = name.rpartition("@")
    return whole if at and place.isdigit() else name


def in_batches(rows: Sequence[Any], size: int, rank: int, ranks: int) -> list[list[Any]]:
    """A rank's batches of some rows.

    Args:
        rows: All of them.
        size: Rows of a batch.
        rank: This one.
        ranks: How many there are; each gets as many batches, as sharded models need.

    Returns:
        Batches, empty where there is nothing left for this rank.
    """
    rounds = -(-len(rows) // (size * ranks))
    return [list(rows[start : start + size]) for start in range(rank * size, rounds * ranks * size, ranks * size)]

"""Answers from a recorded run: the same path again without a model, for other rules or a mended checker.

    harness run --engine replay --model-args run=results/tiny/bfcl/20261121T031511Z-a77181 --tasks simple_python

What the recording does not hold is a fault, and so is what faulted there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageProblem, unknown_name
from harness.results import store
from harness.types import Completion, EngineSettings, ModelInfo, Prompt, RequestKey, Sampling


def _recording(settings: EngineSettings) -> Path:
    for name in settings.options:
        if name != "run":
            raise unknown_name("option of engine replay", name, ["run"])
    if "run" not in settings.options:
        raise UsageProblem("engine replay has no recording", "Give --model-args run=FOLDER of a run.")
    return Path(settings.options["run"])


class Replaying:
    """A recording being answered from.

    Args:
        run: Folder of the recorded run.
    """

    slots = 64

    def __init__(self, run: Path) -> None:
        self.run = run
        self.version = store.read_run(run).run_id
        self._lines = {line.key: line for line in store.read_samples(run)}
        self._out: list[Completion] = []

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Look the reply up."""
        line = self._lines.get((key.sample_id, key.repeat))
        if line is not None and key.step < len(line.steps):
            self._out.append(Completion(key, line.steps[key.step].generation))
            return
        fault = line.fault if line is not None else None
        self._out.append(Completion(key, None, fault or f"{self.run} does not hold step {key.step} of {key.sample_id}"))

    def collect(self) -> Sequence[Completion]:
        """All that was asked."""
        out, self._out = self._out, []
        return out

    def close(self) -> None:
        """Forget the recording."""
        self._lines = {}


class ReplayEngine:
    """Opens recordings."""

    name = "replay"
    scores = True

    def describe(self, settings: EngineSettings) -> ModelInfo:
        """The model that was recorded."""
        return store.read_run(_recording(settings)).model

    def open(self, settings: EngineSettings) -> Replaying:
        """Read the recording."""
        return Replaying(_recording(settings))


PLUGIN = ReplayEngine()

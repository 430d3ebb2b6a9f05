"""The one path of a run: samples -> requests -> episodes -> verdicts -> store.

The same command continues an unfinished run: what is finished is skipped, what faulted is tried again, and where
nothing is left no engine is loaded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Literal

from harness.results import store
from harness.results.tally import Tally
from harness.results.usage import account, recorded_prices
from harness.results.writer import Writer
from harness.running.budget import Budget
from harness.running.judges import Judges
from harness.running.plan import RunPlan, RunSpec, SharedEngine, plan
from harness.running.progress import Progress, Silent
from harness.running.scheduler import Scheduler, Work
from harness.types import Key, MachineInfo, RunRecord

__all__ = ["RunSpec", "SharedEngine", "execute", "plan", "run"]

CHECKPOINT = 10.0
"""Seconds between two updates of `run.json` while a run is under way."""
KEPT = ("started", "seconds", "engine", "code", "machine", "usage")
"""What a run that is continued takes over from its earlier sessions."""


def run(
    spec: RunSpec, engine: SharedEngine | None = None, progress: Progress | None = None, budget: Budget | None = None
) -> RunRecord:
    """Measure a model on one benchmark, or continue where an earlier run of the same configuration stopped.

    Args:
        spec: The run.
        engine: Shared with other runs and left open; None opens one for this run.
        progress: Told how it goes; None for silence.
        budget: Shared with other runs; None holds the spec's own limit for this run alone.

    Returns:
        The record, as in `run.json`. Its status is `incomplete` where items faulted or cost too much.
    """
    own = engine or SharedEngine(spec.engine, spec.settings)
    try:
        return execute(plan(spec, own), own, progress or Silent(), budget or Budget(spec.cost_limit))
    finally:
        if engine is None:
            own.close()


def execute(plan: RunPlan, engine: SharedEngine, progress: Progress, budget: Budget) -> RunRecord:
    """Carry out a plan. Interrupted, it keeps what is finished and marks the run incomplete.

    Args:
        plan: What to do.
        engine: Opened only if something is left to be played.
        progress: Told how it goes.
        budget: Once it is spent, no further sample is started.

    Returns:
        The record, as in `run.json`.
    """
    if plan.folder is None and plan.keys and not budget.reached():
        engine.session()  # First, so that a model that cannot be loaded leaves no empty run.
    folder = plan.folder or store.new_run(plan.spec.output, plan.record.model, plan.record.benchmark.name)
    writer = Writer(folder, plan.again)
    try:
        return _Run(plan, writer, progress, budget).execute(engine)
    finally:
        writer.close()


class _Run:
    """A run whose folder is ours to write."""

    def __init__(self, plan: RunPlan, writer: Writer, progress: Progress, budget: Budget) -> None:
        self.plan, self.writer, self.progress, self.budget = plan, writer, progress, budget
        self.mutex = threading.Lock()
        self.began: float | None = None
        self.saved = time.monotonic()
        self.gpus: int | None = None
        self.record = replace(plan.record, run_id=writer.run.name)
        if plan.folder is not None and not plan.spec.overwrite:
            earlier = store.read_run(plan.folder)
            kept = {name: getattr(earlier, name) for name in KEPT}
            self.record = replace(self.record, **kept)
        self.tally = Tally(plan.totals, plan.spec.prices or recorded_prices(self.record))
        budget.tallies.append(self.tally)

    def execute(self, engine: SharedEngine) -> RunRecord:
        """Play what is left and save the record whatever happens."""
        needed = {name for sample in self.plan.samples.values() for name in sample.after}
        done, stored = set(), {}
        for line in store.read_samples(self.writer.run):
            self.tally.add(line)
            done.add(line.key)
            if line.id in needed:
                stored[line.key] = line
        left = [key for key in self.plan.keys if key not in done]
        title = f"{self.record.benchmark.name} {self.record.model.name}"
        self.progress.begin(title, len(self.plan.keys), self.tally)
        try:
            if left and not self.budget.reached():
                self._save("running")
                self._play(left, stored, engine)
        finally:
            self.progress.end()
            record = self._save("complete" if self.tally.finished == len(self.plan.keys) else "incomplete")
        return record

    def _play(self, left: Sequence[Key], stored: dict[Key, store.SampleLine], engine: SharedEngine) -> None:
        plan, spec = self.plan, self.plan.spec
        session = engine.session()
        user = SharedEngine(plan.user.engine, plan.user.settings) if plan.user else None
        self.began, self.gpus = time.monotonic(), session.gpus
        versions = dict.fromkeys([*(self.record.engine.version or "").split("; "), session.version])
        served = replace(plan.record.engine, version="; ".join(name for name in versions if name))
        self.record = replace(self.record, engine=served, code=plan.record.code, machine=self._prepare(left))
        work = Work(plan.benchmark, plan.handler, plan.samples, stored, spec.sampling, spec.sample_timeout)
        if plan.user:
            work = replace(work, user_sampling=plan.user.sampling)
        with (
            Judges(plan.benchmark, None if spec.predict_only else spec.rules, self._keep) as judges,
            closing(user) if user else nullcontext(),
        ):
            stop = None if self.budget.limit is None else self.budget.reached
            for batch in Scheduler(work, session, stop, user.session() if user else None).play(left):
                for played in batch:
                    judges.submit(played)
                self.writer.sync()
                self.progress.update()
                if time.monotonic() - self.saved > CHECKPOINT:
                    self._save("running")

    def _prepare(self, left: Sequence[Key]) -> MachineInfo:
        """Let the benchmark get ready to judge; the machine, with the sandbox that programs will be judged in."""
        benchmark, machine = self.plan.benchmark, self.plan.record.machine
        if self.plan.spec.predict_only or benchmark.prepare is None:
            return machine
        return replace(machine, sandbox=benchmark.prepare([self.plan.samples[name] for name, _ in left]))

    def _keep(self, line: store.SampleLine) -> None:
        with self.mutex:
            self.writer.append(line)
            self.tally.add(line)

    def _save(self, status: Literal["running", "complete", "incomplete"]) -> RunRecord:
        self.saved = time.monotonic()
        played = 0.0 if self.began is None else self.saved - self.began
        seconds = round(self.record.seconds + played, 3)
        hours = self.record.usage.gpu_hours
        if self.gpus:
            hours = (hours or 0.0) + self.gpus * played / 3600
        with self.mutex:
            tally = self.tally
            record = replace(
                self.record,
                status=status,
                benchmark=replace(self.record.benchmark, left=len(self.plan.keys) - tally.finished),
                scores=tally.scores(),
                tokens=tally.tokens,
                seconds=seconds,
                usage=account(tally.used, seconds, hours, tally.prices),
            )
        store.write_run(self.writer.run, record)
        return record

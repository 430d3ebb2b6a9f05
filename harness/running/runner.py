"""The one path of a run: samples -> requests -> episodes -> verdicts -> store.

The same command continues an unfinished run: what is finished is skipped, what was answered is judged, what faulted is
tried again from its last reply on, and where nothing is left to be asked no engine is loaded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Literal

from harness.protocols import Session
from harness.results import store
from harness.results.tally import Tally
from harness.results.usage import account, recorded_prices
from harness.results.writer import Writer
from harness.running.budget import Budget
from harness.running.interrupts import Interrupts
from harness.running.judges import Judges
from harness.running.plan import RunPlan, RunSpec, SharedEngine, plan
from harness.running.progress import Progress, Silent
from harness.running.readings import readings
from harness.running.scheduler import Orders, Scheduler, Work, never
from harness.types import Completion, Key, MachineInfo, Prompt, RequestKey, RunRecord, Sampling

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
    writer = Writer(folder, plan.again, forget=plan.spec.overwrite)
    try:
        return _Run(plan, writer, progress, budget).execute(engine)
    finally:
        writer.close()


class _WhenAsked:
    """An engine session that is opened by the first request.

    Args:
        engine: The engine.
        opened: Told the session.
    """

    version = ""
    gpus: int | None = None

    def __init__(self, engine: SharedEngine, opened: Callable[[Session], None]) -> None:
        self._engine, self._opened = engine, opened
        self._session: Session | None = None
        self.slots = 1

    def open(self) -> Session:
        """The session."""
        if self._session is None:
            self._session = self._engine.session()
            self.slots = self._session.slots
            self._opened(self._session)
        return self._session

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Queue one request."""
        self.open().submit(key, prompt, sampling)

    def collect(self) -> Sequence[Completion]:
        """Wait for replies."""
        return self.open().collect()

    def close(self) -> None:
        """Nothing: whoever shares the engine closes it."""


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
        self.tally = Tally(plan.totals, plan.spec.prices or recorded_prices(self.record), plan.benchmark.called)
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
        session = _WhenAsked(engine, self._opened)
        user = SharedEngine(plan.user.engine, plan.user.settings) if plan.user else None
        if user is not None or not self.writer.replies:
            session.open()  # Here, as each of two engines is fed by a thread of its own.
        self.began = self.began or time.monotonic()
        self.record = replace(self.record, code=plan.record.code, machine=self._prepare(left))
        replies = self.writer.replies
        work = Work(plan.benchmark, plan.handler, plan.samples, stored, spec.sampling, spec.sample_timeout)
        work = replace(work, replies=replies, user_sampling=plan.user.sampling if plan.user else work.user_sampling)
        with (
            Interrupts() as interrupts,
            Judges(plan.benchmark, None if spec.predict_only else spec.rules, self._keep) as judges,
            closing(user) if user else nullcontext(),
        ):
            stop = never if self.budget.limit is None else self.budget.reached
            orders = Orders(self.writer.receive, stop, lambda: judges.full, lambda: interrupts.asked)
            scheduler = Scheduler(work, session, orders, user.session() if user else None)
            # What was answered comes first: it is judged even where the engine cannot be loaded again.
            for batch in scheduler.play(sorted(left, key=lambda key: (*key, 0) not in replies)):
                for played in batch:
                    judges.submit(played)
                if not batch:
                    judges.wait()
                self.writer.sync()
                self.progress.update()
                if time.monotonic() - self.saved > CHECKPOINT:
                    self._save("running")
            interrupts.settle()

    def _opened(self, session: Session) -> None:
        """Record the engine as it opened; what its loading took is not a time of the run."""
        self.began, self.gpus = time.monotonic(), session.gpus
        versions = dict.fromkeys([*(self.record.engine.version or "").split("; "), session.version])
        served = replace(self.plan.record.engine, version="; ".join(name for name in versions if name))
        self.record = replace(self.record, engine=served)

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
            self.tally.waiting = self.writer.waiting

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
                benchmark=replace(
                    self.record.benchmark, left=len(self.plan.keys) - tally.finished, waiting=self.writer.waiting
                ),
                scores=tally.scores(),
                readings={} if status == "running" else readings(tally.unread),
                tokens=tally.tokens,
                seconds=seconds,
                usage=account(tally.used, seconds, hours, tally.prices),
            )
        store.write_run(self.writer.run, record)
        return record

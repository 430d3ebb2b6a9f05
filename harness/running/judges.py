"""Judging finished episodes, in the runner's thread or in a few of their own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType

from harness.errors import HarnessError
from harness.protocols import Benchmark
from harness.results.lines import RecordedStep, SampleLine
from harness.running.episodes import OVERFLOW, explain
from harness.running.scheduler import Played
from harness.types import Episode, Verdict

BACKLOG = 512
"""Episodes that may wait in memory where judging is slower than the engine."""
SLOW = 0.05
"""Seconds of a check that is worth a thread although its benchmark asks for none: meanwhile replies arrive."""


def judged(benchmark: Benchmark, played: Played, rules: str | None) -> SampleLine:
    """Judge one episode.

    Args:
        benchmark: Has the rules.
        played: The episode.
        rules: Which rules; None stores the episode without a verdict.

    Returns:
        Its line. A fault, also one inside the checker, is `unscored` and never a score.
    """
    sample, episode, seconds = played
    fault, verdicts = episode.fault, dict[str, Verdict]()
    if fault is None and rules is not None:
        try:
            verdicts = dict(benchmark.check(sample, episode, rules))
            if episode.steps and episode.steps[-1].reply.problem == OVERFLOW:
                verdicts = {name: _overflowed(verdict, episode, rules) for name, verdict in verdicts.items()}
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad sample never ends a run
            fault = explain("check", error)
    if fault is not None:
        verdicts = {sample.category: Verdict("unscored", "fault", fault)}
    steps = tuple(RecordedStep(step.turn, step.generation, step.asked) for step in episode.steps)
    return SampleLine(sample.id, episode.repeat, sample.category, steps, fault, verdicts, seconds)


def _overflowed(verdict: Verdict, episode: Episode, rules: str) -> Verdict:
    """The verdict of an item that did not fit: wrong.

    The official evaluators judge the text of the error. Where no call is wanted that is right (BFCL's quirk 15), and
    `upstream` rules say so; such an item is counted among those that did not fit all the same.
    """
    wants_none = verdict.evidence.get("expected") == []
    if rules == "upstream" and len(episode.steps) == 1 and verdict.outcome == "pass" and wants_none:
        return verdict
    return Verdict("fail", OVERFLOW, episode.steps[-1].generation.text)


class Judges:
    """Judges episodes and hands on their lines; as a context manager, waits for all of them.

    Left by an error it waits for nothing: what has no verdict then is judged when the run is continued. Its threads
    hold up no exit of the program.

    Args:
        benchmark: Has the rules, and says how many threads are worth having.
        rules: Which rules; None stores episodes without a verdict.
        sink: Takes each line, one at a time; called from any of the threads.
    """

    def __init__(self, benchmark: Benchmark, rules: str | None, sink: Callable[[SampleLine], None]) -> None:
        self.benchmark, self.rules, self.sink = benchmark, rules, sink
        self._todo: queue.SimpleQueue[Played | None] = queue.SimpleQueue()
        self._change = threading.Condition()
        self._threads = self._unjudged = 0
        self._left = False
        self._error: Exception | None = None
        for _ in range(benchmark.check_workers if rules is not None else 0):
            self._start()

    @property
    def full(self) -> bool:
        """Whether nothing more should be played for now."""
        return self._unjudged >= BACKLOG

    def submit(self, played: Played) -> None:
        """Judge an episode now or soon; an error of an earlier one that ends the run surfaces here."""
        if self._error:
            raise self._error
        if self._threads:
            with self._change:
                self._unjudged += 1
            self._todo.put(played)
            return
        began = time.monotonic()
        self.sink(judged(self.benchmark, played, self.rules))
        if time.monotonic() - began > SLOW:
            self._start()

    def wait(self, most: int | None = None) -> None:
        """Wait until no more than so many episodes are unjudged; None until there is room for another."""
        with self._change:
            self._change.wait_for(lambda: self._error or (not self.full if most is None else self._unjudged <= most))
        if self._error:
            raise self._error

    def _start(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name="judge", daemon=True).start()

    def _work(self) -> None:
        while (played := self._todo.get()) and not self._left:
            try:
                line = judged(self.benchmark, played, self.rules)
                with self._change:
                    if not self._left:
                        self.sink(line)
            except Exception as error:  # noqa: BLE001 - raised again by who submits or waits
                self._error = error
            with self._change:
                self._unjudged -= 1
                self._change.notify_all()

    def __enter__(self) -> Judges:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.wait(0)
        finally:
            with self._change:
                self._left = True
            for _ in range(self._threads):
                self._todo.put(None)

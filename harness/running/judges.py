"""Judging finished episodes, in the runner's thread or in a few of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType

from harness.errors import HarnessError
from harness.protocols import Benchmark
from harness.results.lines import RecordedStep, SampleLine
from harness.running.episodes import OVERFLOW, explain
from harness.running.scheduler import Played
from harness.types import Verdict


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
                verdicts = dict.fromkeys(verdicts, Verdict("fail", OVERFLOW, episode.steps[-1].generation.text))
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad sample never ends a run
            fault = explain("check", error)
    if fault is not None:
        verdicts = {sample.category: Verdict("unscored", "fault", fault)}
    steps = tuple(RecordedStep(step.turn, step.generation, step.asked) for step in episode.steps)
    return SampleLine(sample.id, episode.repeat, sample.category, steps, fault, verdicts, seconds)


class Judges:
    """Judges episodes and hands on their lines; as a context manager, waits for those under way.

    Args:
        benchmark: Has the rules, and says how many threads are worth having.
        rules: Which rules; None stores episodes without a verdict.
        sink: Takes each line; called from any of the threads.
    """

    def __init__(self, benchmark: Benchmark, rules: str | None, sink: Callable[[SampleLine], None]) -> None:
        self.benchmark, self.rules, self.sink = benchmark, rules, sink
        workers = benchmark.check_workers if rules is not None else 0
        self._pool = ThreadPoolExecutor(workers, "judge") if workers else None
        # Bounded, so that episodes do not pile up in memory where judging is slower than the engine.
        self._most = 4 * workers
        self._pending: set[Future[None]] = set()

    def submit(self, played: Played) -> None:
        """Judge an episode now or soon; an error of an earlier one that ends the run surfaces here."""
        if self._pool is None:
            self._one(played)
            return
        self._pending.add(self._pool.submit(self._one, played))
        self._reap(self._most)

    def _one(self, played: Played) -> None:
        self.sink(judged(self.benchmark, played, self.rules))

    def _reap(self, most: int) -> None:
        done = {future for future in self._pending if future.done()}
        while len(self._pending) - len(done) > most:
            done |= wait(self._pending - done, return_when=FIRST_COMPLETED).done
        self._pending -= done
        for future in done:
            future.result()

    def __enter__(self) -> Judges:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            if kind is None:
                self._reap(0)
            self._pool.shutdown(cancel_futures=kind is not None)

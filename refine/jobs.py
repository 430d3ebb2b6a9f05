"""What every job with books has in common: its folder, its shards, its outputs, its cost limit, the models it asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness import plugins
from harness.errors import RunIncomplete, UsageProblem
from harness.types import EngineSettings, Sampling
from refine.judge import Judge
from refine.ledger import Ledger, read_lines
from refine.outputs import books, write_outputs, write_status
from refine.pipeline import Pipeline, Tally, spent
from refine.types import Item

Watch = Callable[[Tally], None]
"""Called with the live counts after each round of completions."""


class Job(Protocol):
    """What is carried out with books in a folder."""

    @property
    def output(self) -> Path:
        """Where the books are."""

    @property
    def overwrite(self) -> bool:
        """Whether what the folder holds is thrown away."""

    @property
    def cost_limit(self) -> float | None:
        """In USD."""

    @property
    def prices(self) -> Mapping[str, Mapping[str, float]]:
        """By model."""

    @property
    def votes(self) -> int:
        """Calls for each yes-or-no question."""

    @property
    def sampling(self) -> Sampling:
        """How models sample."""

    def identity(self) -> dict[str, Any]:
        """What may not change between a run and its resume."""


@dataclass(frozen=True)
class Work:
    """What is asked, and who."""

    judges: Sequence[Judge]
    items: Iterator[Item]
    """Those without an outcome."""
    by_stage: Mapping[str, Sequence[Judge]] = field(default_factory=dict)
    """Who is asked instead, by stage."""
    paid: Sequence[Path] = ()
    """Other folders with books, whose calls count towards the cost limit."""


def unwatched(tally: Tally) -> None:
    """Watch nothing."""


def work_through(
    job: Job, folder: Path, shard: tuple[int, int], begin: Callable[[set[int], ExitStack], Work], watch: Watch
) -> int:
    """Work through one shard, with books of its own.

    Args:
        job: What to do.
        folder: Where the books are.
        shard: Number of the shard, from 0, and how many there are.
        begin: Given the indices that have an outcome and what closes all that is opened: the work.
        watch: Called with the live counts.

    Returns:
        Items that the cost limit kept from starting.
    """
    with Ledger(folder, job.identity() | {"shard": list(shard)}) as ledger, ExitStack() as opened:
        finished = ledger.finished()
        work = begin(finished, opened)
        pipeline = Pipeline(
            work.judges,
            ledger,
            by_stage=work.by_stage,
            votes=job.votes,
            sampling=job.sampling,
            stop=budget(job.cost_limit, job.prices, folder, *work.paid),
        )
        for tally in pipeline.run(work.items, ledger.unfinished_calls(finished)):
            watch(tally)
        return sum(1 for _ in work.items) if pipeline.stopped else 0


def check_complete(counts: Mapping[str, int], limit: float | None, what: str) -> None:
    """Tell of what is left to do.

    Args:
        counts: As `carry_out` returns them.
        limit: In USD.
        what: Is counted, in the plural.

    Raises:
        RunIncomplete: The cost limit kept some from starting, or some wait for another session.
    """
    if left := counts.get("left"):
        raise over_limit(limit, f"{left} {what} were not started")
    if waiting := counts["unjudged"]:
        raise RunIncomplete(f"{waiting} {what} are unjudged", "The same command tries them again.")


def over_limit(limit: float | None, problem: str) -> RunIncomplete:
    """The error of a cost limit that is reached."""
    return RunIncomplete(f"--cost-limit {limit} is reached: {problem}", "The same command with more money goes on.")


def carry_out(job: Job, work: Callable[[], int]) -> dict[str, int]:
    """Work in a folder and write what came of it, however the work ends.

    Args:
        job: Names the folder.
        work: Does it; returns how many examples the cost limit kept from starting.

    Returns:
        Examples by outcome, over all sessions; `left` are those that were not started.
    """
    job.identity()  # what cannot be meant is refused before anything is written
    if job.overwrite:
        for book in books(job.output):
            for name in ("run.json", "calls.jsonl", "outcomes.jsonl"):
                (book / name).unlink(missing_ok=True)
    job.output.mkdir(parents=True, exist_ok=True)
    left = 0
    try:
        left = work()
    finally:
        counts = write_outputs(job.output)
        write_status(job.output, job.cost_limit, left)
    return counts | ({"left": left} if left else {})


def check_cost_limit(limit: float | None, models: Iterable[str], prices: Mapping[str, Mapping[str, float]]) -> None:
    """Refuse a limit that could not be held.

    Args:
        limit: In USD; None is no limit.
        models: All that will be asked.
        prices: By model.

    Raises:
        UsageProblem: It is not an amount of money, or a model has no price.
    """
    if limit is None:
        return
    if not math.isfinite(limit) or limit < 0:
        raise UsageProblem(f"--cost-limit {limit} is not an amount of money")
    if unpriced := [model for model in models if model not in prices]:
        raise UsageProblem(
            f"--cost-limit needs --prices, and there are none for {', '.join(unpriced)}",
            "For example --prices 0.15,0.60, or a file with a line for each model.",
        )


def open_judge(engine: str, settings: EngineSettings, opened: ExitStack) -> Judge:
    """Open one model.

    Args:
        engine: Name of its engine.
        settings: For the engine.
        opened: Closes the session.

    Returns:
        The judge.
    """
    session = plugins.load("engines", engine).open(settings)
    opened.callback(session.close)
    return Judge(settings.model, session)


def budget(limit: float | None, prices: Mapping[str, Mapping[str, float]], *folders: Path) -> Callable[[Tally], bool]:
    """Whether a cost limit is reached, earlier sessions included.

    Args:
        limit: In USD; None is never reached.
        prices: By model.
        *folders: With books.

    Returns:
        What a pipeline asks before each new example.
    """
    if limit is None:
        return lambda tally: False
    before = sum(
        spent({line["model"]: (line["prompt_tokens"], line["completion_tokens"])}, prices)
        for folder in folders
        for line in read_lines(folder / "calls.jsonl")
    )
    return lambda tally: before + spent(tally.tokens, prices) >= limit

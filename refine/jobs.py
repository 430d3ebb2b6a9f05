"""What every job with books has in common: its folder, its outputs, its cost limit, the models that it asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from harness import plugins
from harness.errors import UsageProblem
from harness.types import EngineSettings
from refine.judge import Judge
from refine.ledger import Ledger
from refine.outputs import books, write_outputs, write_status
from refine.pipeline import Tally, spent


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

    def identity(self) -> dict[str, Any]:
        """What may not change between a run and its resume."""


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


def budget(limit: float | None, prices: Mapping[str, Mapping[str, float]], ledger: Ledger) -> Callable[[Tally], bool]:
    """Whether a cost limit is reached, earlier sessions included.

    Args:
        limit: In USD; None is never reached.
        prices: By model.
        ledger: The books.

    Returns:
        What a pipeline asks before each new example.
    """
    if limit is None:
        return lambda tally: False
    before = spent(ledger.spent(), prices)
    return lambda tally: before + spent(tally.tokens, prices) >= limit

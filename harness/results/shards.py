"""Shards of a run: what they hold, and what they must share to be shards of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageProblem
from harness.protocols import Report
from harness.results import store
from harness.results.lines import SampleLine
from harness.types import Key, RunRecord

SERVED = ("name", "tokenizer", "dtype", "chat_template", "chat_template_kwargs", "options")
"""Facts of an engine that shards must share; its version, device and batch size may differ between machines."""


def asked(record: RunRecord) -> dict[str, Any]:
    """What makes a reply, apart from the question and the engine."""
    return {
        "model": {name: getattr(record.model, name) for name in ("name", "revision", "sha256", "adapter")},
        "handler": {"name": record.handler, **record.handler_options},
        "sampling": asdict(record.sampling),
    }


def judged(record: RunRecord) -> dict[str, Any]:
    """What a verdict depends on, apart from the reply."""
    return {name: getattr(record.benchmark, name) for name in ("version", "data_sha256", "checker_sha256")}


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard, or several that were joined."""

    records: tuple[RunRecord, ...]
    """Of its runs; of attempts the one that counts comes first."""
    lines: Mapping[Key, SampleLine]
    n: int | None
    """Episodes that were planned."""
    whole: bool
    """Each of its runs was finished and could be read."""

    @property
    def record(self) -> RunRecord:
        """Of the run that counts."""
        return self.records[0]

    @property
    def ids(self) -> set[str]:
        """Items, without helpers that have no verdict."""
        return {line.id for line in self.lines.values() if not is_helper(line)}


def is_helper(line: SampleLine) -> bool:
    """Whether an episode only serves others: it has no verdict, and no fault either."""
    return not line.verdicts and line.fault is None


def read(folder: Path, report: Report) -> Shard:
    """Read a run as a shard; `report` is told about lines that cannot be used."""
    problems: list[str] = []
    lines = {line.key: line for line in store.read_samples(folder, problems.append)}
    for problem in problems:
        report(problem)
    record = store.read_run(folder)
    left = store.unfinished(record, sum(line.fault is None for line in lines.values()))
    ended = record.status == "complete" or (record.status == "running" and record.benchmark.n is not None)
    return Shard((record,), lines, record.benchmark.n, not problems and not left and ended)


def check(runs: Sequence[Shard]) -> None:
    """Refuse runs that differ in more than the samples they played and the seed.

    Args:
        runs: One or more.

    Raises:
        UsageProblem: They do.
    """

    def identity(record: RunRecord) -> dict[str, Any]:
        engine = {name: getattr(record.engine, name) for name in SERVED}
        facts = asked(record) | judged(record) | {"engine": engine, "rules": record.rules}
        facts["sampling"].pop("seed")
        return {"benchmark": record.benchmark.name, **facts}

    first = runs[0].record
    for run in runs[1:]:
        one, other = identity(first), identity(run.record)
        users = {first.user.sha256, run.record.user.sha256} - {None}
        if differing := [name for name in one if one[name] != other[name]] + ["user"] * (len(users) > 1):
            raise UsageProblem(
                f"{first.run_id} and {run.record.run_id} are not shards of one run: {', '.join(differing)} differs",
                "Merge runs of one model, asked and judged in one way; `harness compare` holds others side by side.",
            )

"""What the rows of a leaderboard cost: latency, tokens, steps and price, from the recorded generations."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.analysis.entries import Entry
from harness.results import store
from harness.results.usage import cost, measure
from harness.text import inert, table

COLUMNS = (
    *("model", "samples", "steps", "tokens in", "cached", "tokens out"),
    *("latency mean", "std", "95 %", "GPU-hours", "cost"),
)
SPARE = ("std", "samples", "steps", "95 %", "cached", "GPU-hours")
"""Columns that a narrow terminal is not shown, the first one first."""


def rows(entries: Sequence[Entry], prices: Mapping[str, float] | None = None) -> list[list[Any]]:
    """One line a row of the leaderboard, as `COLUMNS`; None where nothing was recorded.

    Args:
        entries: Rows of the leaderboard.
        prices: As `usage.parse_prices` gives them; None for those that the runs were made with.

    Returns:
        Values: steps are replies a sample, cached is the share of the prompts' tokens that came from the prefix cache,
        latencies are seconds a reply, the cost is USD.
    """
    found = []
    for entry in entries:
        used = measure(line for folder in entry.folders for line in store.read_samples(Path(folder)))
        latency = [used.latency_mean, used.latency_std, used.latency_p95]
        tokens = {"prompt": used.prompt_tokens, "completion": used.completion_tokens}
        usd = cost(tokens, prices) if prices else _sum(record.usage.usd for record in entry.records)
        counts = [used.samples, used.steps_per_sample, used.prompt_tokens, used.cache_hit_rate, used.completion_tokens]
        found.append([entry.label, *counts, *latency, _sum(record.usage.gpu_hours for record in entry.records), usd])
    return found


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum over a row's runs; None where one of them does not know."""
    found = list(values)
    return None if None in found else sum(value for value in found if value is not None)


def terminal(found: Sequence[Sequence[Any]], width: int) -> str:
    """A table for a terminal of some characters' width."""
    shown = [dict(zip(COLUMNS, (str(row[0]), *map(_shown, row[1:])), strict=True)) for row in found]
    return "What it cost\n" + table(shown, width, SPARE, right=COLUMNS[1:])


def _shown(value: float | None) -> str:
    if value is None:
        return "N/A"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def comma_separated(found: Sequence[Sequence[Any]]) -> str:
    """CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([inert(value) for value in row] for row in found)
    return text.getvalue()

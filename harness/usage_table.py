"""What the rows of a leaderboard cost: latency, tokens, steps and price, from the recorded generations."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import store
from harness.entries import Entry
from harness.tables import inert
from harness.usage import cost, measure, recorded

COLUMNS = (
    *("model", "samples", "steps", "tokens in", "cached", "tokens out"),
    *("latency mean", "std", "95 %", "GPU-hours", "cost"),
)


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
        usd = cost(tokens, prices) if prices else _sum(entry, "usd")
        counts = [used.samples, used.steps_per_sample, used.prompt_tokens, used.cache_hit_rate, used.completion_tokens]
        found.append([entry.label, *counts, *latency, _sum(entry, "gpu_hours"), usd])
    return found


def _sum(entry: Entry, name: str) -> float | None:
    """The sum over a row's runs; None where one of them does not know."""
    values = [recorded(record, name) for record in entry.records]
    return None if None in values else sum(value for value in values if value is not None)


def terminal(table: Sequence[Sequence[Any]]) -> str:
    """A table for a terminal."""
    from tabulate import tabulate

    wrapped = [[_short(str(row[0])), *row[1:]] for row in table]
    return "What it cost\n" + tabulate(wrapped, COLUMNS, floatfmt=".2f", missingval="N/A")


def _short(label: str) -> str:
    return label if len(label) <= 20 else f"{label[:19]}…"


def comma_separated(table: Sequence[Sequence[Any]]) -> str:
    """CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([inert(value) for value in row] for row in table)
    return text.getvalue()

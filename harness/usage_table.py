"""What the rows of a leaderboard cost: latency, tokens, steps and price, from the recorded generations."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import store
from harness.entries import Entry
from harness.errors import UsageProblem
from harness.tables import inert
from harness.usage import measure

COLUMNS = ("model", "samples", "steps", "tokens in", "tokens out", "latency mean", "std", "95 %", "cost")


def parse_prices(text: str) -> dict[str, float]:
    """USD for a million prompt and completion tokens.

    Args:
        text: `0.15,0.60`.

    Returns:
        Prices of `prompt` and `completion`.

    Raises:
        UsageProblem: It is not two numbers.
    """
    try:
        prompt, completion = map(float, text.split(","))
    except ValueError:
        raise UsageProblem(f"--prices {text!r} is not two numbers", "For example --prices 0.15,0.60") from None
    return {"prompt": prompt, "completion": completion}


def rows(entries: Sequence[Entry], prices: Mapping[str, float] | None = None) -> list[list[Any]]:
    """One line a row of the leaderboard, as `COLUMNS`; None where nothing was recorded.

    Args:
        entries: Rows of the leaderboard.
        prices: As `parse_prices` gives them.

    Returns:
        Values: steps are replies a sample, latencies seconds a reply, the cost USD.
    """
    found = []
    for entry in entries:
        used = measure(line for folder in entry.folders for line in store.read_samples(Path(folder)))
        latency = [used.latency_mean, used.latency_std, used.latency_p95]
        cost = used.cost(prices) if prices else None
        counts = [used.samples, used.steps_per_sample, used.prompt_tokens, used.completion_tokens]
        found.append([entry.label, *counts, *latency, cost])
    return found


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

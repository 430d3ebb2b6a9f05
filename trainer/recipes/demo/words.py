"""How the page writes names, numbers and tables."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from trainer.recipes.demo.experiment import EMBEDDED

LABELS: Mapping[str, str] = {
    EMBEDDED: "embedded model, before",
    "base": "base",
    "sft-raw": "SFT, raw data",
    "sft": "SFT",
    "msl-0.3": "MSL, alpha 0.3",
    "msl-0.5": "MSL, alpha 0.5",
    "msl-0.5-batch": "MSL, alpha 0.5, means over the batch",
    "msl-0.7": "MSL, alpha 0.7",
    "ssb": "SSB",
    "srml": "SRML, one round",
}


Numbers = Mapping[str, Any]


def seeded(numbers: Numbers, method: str) -> tuple[str, ...]:
    """Names of a method's models."""
    return tuple(f"{method}-{seed}" for seed in numbers["seeds"])


def mean(scores: Sequence[Numbers]) -> str:
    """Percent with the interval of a single score, or the mean of several with their standard deviation."""
    values = [100 * score["value"] for score in scores]
    if len(values) == 1:
        return f"{values[0]:.1f} ({100 * scores[0]['low']:.0f}-{100 * scores[0]['high']:.0f})"
    return f"{fmean(values):.1f} ± {stdev(values):.1f}"


def points(value: float) -> str:
    """A difference in percentage points."""
    return f"{100 * value:+.1f}"


def interval(limits: Sequence[float] | None) -> str:
    """Limits in percentage points."""
    return "-" if limits is None else f"{points(limits[0])} to {points(limits[1])}"


def ratio(part: int, whole: int) -> str:
    """A share in percent."""
    return f"{part / whole:.1%}" if whole else "-"


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" + ("s" if number != 1 else "")


def flowing(text: str) -> str:
    """Paragraphs with lines of even length; tables, lists and titles as they are."""
    paragraphs = (
        part if part.startswith(("|", "#", "- ")) else textwrap.fill(part, 120, break_on_hyphens=False)
        for part in text.split("\n\n")
    )
    return "\n\n".join(paragraphs)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown, all columns but the first to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

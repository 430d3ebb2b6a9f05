"""What replies without a readable call are written in: a set-up that does not fit must not look like a bad model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.handlers import dialects, split_think
from harness.results.tally import Unread
from harness.text import one_line
from harness.types import Reading

NOTABLE = 0.2
"""Share of replies without a readable call above which a score may say more of the set-up than of the model."""
BEGINNING = 12
"""Characters that tell one way to write calls from another."""
KEPT = 3
"""Beginnings and dialects that are kept."""


def readings(unread: Mapping[str, Unread]) -> dict[str, Reading]:
    """Say of each category how many replies could be read, and what the others look like where these are many.

    Args:
        unread: Counts by category, with a sample of the texts.

    Returns:
        By category.
    """
    return {category: _reading(found) for category, found in sorted(unread.items())}


def notable(reading: Reading) -> bool:
    """Whether so many replies could not be read that a reader has to know it."""
    return reading.asked > 0 and reading.unread / reading.asked > NOTABLE


def _reading(found: Unread) -> Reading:
    bare = Reading(found.asked, found.count)
    if not notable(bare) or not found.texts:
        return bare
    answers = (split_think(text)[1].strip() for text in found.texts)
    beginnings = Counter(one_line(text[:BEGINNING]).strip() for text in answers)
    readers = dialects.readers(found.texts)
    best = dict(readers.most_common(KEPT))
    return Reading(found.asked, found.count, dict(beginnings.most_common(KEPT)), best, len(found.texts))


def warning(category: str, reading: Reading, dialect: str | None = None) -> str | None:
    """What a reader of the category's score has to know.

    Args:
        category: Its name.
        reading: What could be read of it.
        dialect: The one by which it was read.

    Returns:
        A sentence; None where nearly all could be read.
    """
    if not notable(reading):
        return None
    said = f"{category}: {reading.unread} of {reading.asked} replies that should be calls hold no readable call"
    if reading.beginnings:
        shown = ", ".join(f"{text!r} ({n})" for text, n in reading.beginnings.items())
        said += f"; they begin with {shown}"
    others = {name: n for name, n in reading.dialects.items() if name != dialect}
    if others and (best := max(others, key=others.__getitem__)) and 2 * others[best] > reading.sampled:
        said += f"; {100 * others[best] / reading.sampled:.0f} % of them read as {best}: --dialect {best}"
    return said


def warnings(found: Mapping[str, Reading], dialect: str | None = None) -> list[str]:
    """The same for all categories of a run."""
    return [said for category, reading in found.items() if (said := warning(category, reading, dialect))]

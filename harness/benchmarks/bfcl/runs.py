"""The shortest run of comma-separated groups, such as `{..}, {..}]`, in one pass from the right.

Upstream finds such runs with patterns in which every group may swallow the next ones; on hostile text these backtrack
without end. The answer is the same: each group closes at the first place from which the rest can be completed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple


class Groups(NamedTuple):
    """Where groups can close so that a whole run follows, in the order of the text."""

    text: str
    opening: str
    across_lines: bool
    closes: list[int]
    """Positions of closing marks."""
    ends: list[int]
    """End of the run that is completed from the closing mark at the same place in `closes`."""

    def run_from(self, at: int) -> int | None:
        """End of the run whose first group follows this position, blanks allowed; None where there is no run."""
        opened = skip_blanks(self.text, at)
        if not self.text.startswith(self.opening, opened):
            return None
        place = bisect_right(self.closes, opened)
        if place == len(self.closes):
            return None
        if not self.across_lines and "\n" in self.text[opened : self.closes[place]]:
            return None
        return self.ends[place]


def groups(text: str, marks: str, across_lines: bool) -> Groups:
    """Find all completions.

    Args:
        text: Where to look.
        marks: Three characters: what opens a group, what closes it, what ends the run.
        across_lines: Whether a group may hold line breaks.

    Returns:
        The completions, to be asked for a run from any start.
    """
    opening, closing, final = marks[0], marks[1], marks[2]
    ends: dict[int, int] = {}
    nearest: int | None = None
    for close in reversed([found.start() for found in re.finditer(re.escape(closing), text)]):
        after = skip_blanks(text, close + 1)
        if text.startswith(final, after):
            ends[close] = after + 1
        elif nearest is not None and text.startswith(",", after):
            opened = skip_blanks(text, after + 1)
            if text.startswith(opening, opened) and (across_lines or "\n" not in text[opened:nearest]):
                ends[close] = ends[nearest]
        nearest = close if close in ends else nearest
    closes = sorted(ends)
    return Groups(text, opening, across_lines, closes, [ends[close] for close in closes])


def skip_blanks(text: str, at: int) -> int:
    """The first position from here on that holds no white space."""
    while at < len(text) and text[at].isspace():
        at += 1
    return at

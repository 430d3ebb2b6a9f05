"""Text for people: what a model wrote made safe for terminals, logs, XML, Markdown and pages, and tables that fit."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""C0 and C1 controls except tab and newline, direction marks, line separators, lone surrogates, non-characters."""


def printable(text: str, limit: int | None = None) -> str:
    """Text without anything that can move a cursor, change a colour or reorder what is read.

    Args:
        text: Anything a model, a server or a file may have said.
        limit: Characters to keep; a cut is marked.

    Returns:
        Every unsafe character as its escape, such as `\\x1b`.
    """
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]} [... {len(text) - limit} more characters]"
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def one_line(text: str, limit: int | None = None) -> str:
    """`printable` text on one line."""
    return " ".join(printable(text, limit).split())


def escaped(text: str) -> str:
    """A label as Markdown text: nothing in it can end the cell, open a tag or start markup."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in "\\`*_[]|" else char for char in text)


def inert(value: Any) -> Any:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def templates() -> Environment:
    """The pages of this package; what is put into them is escaped."""
    from jinja2 import Environment, PackageLoader

    return Environment(loader=PackageLoader("harness.reports"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


NARROWEST = 16
"""Characters that a wrapped column keeps."""


def table(rows: Sequence[Mapping[str, str]], width: int, spare: Sequence[str] = (), right: Collection[str] = ()) -> str:
    """Rows as a table for a terminal: what does not fit is left out or wrapped.

    Spare columns go first, then the widest column is wrapped, then the last ones go. The first
    one and the widest stay.

    Args:
        rows: One or more, all with the same columns; cells are printed as they are.
        width: Of the terminal, in characters.
        spare: Columns that can be left out, the first one first.
        right: Columns that are aligned right.

    Returns:
        Text without a final newline.
    """
    from tabulate import tabulate

    # tabulate gives a header two characters more than it has.
    breadth = {name: max(len(name) + 2, *(len(row[name]) for row in rows)) for name in rows[0]}

    def over() -> int:
        return sum(breadth.values()) + 2 * (len(breadth) - 1) - width

    for name in spare:
        if over() > 0:
            del breadth[name]
    widest = max(breadth, key=breadth.__getitem__)
    for name in list(breadth)[:0:-1]:  # all but the first
        if over() > max(0, breadth[widest] - NARROWEST) and name != widest:
            del breadth[name]
    limit = max(NARROWEST, breadth[widest] - over()) if over() > 0 else None
    return tabulate(
        [[row[name] for name in breadth] for row in rows],
        headers=[*breadth],
        disable_numparse=True,
        colalign=["right" if name in right else "left" for name in breadth],
        maxcolwidths=[limit if name == widest else None for name in breadth],
    )


def percent(fraction: float, decimals: int = 2) -> str:
    """A percentage, rounded half up as papers do (0.83655 -> 83.66), free of binary noise."""
    exact = Decimal(repr(round(fraction * 100, 9)))
    return str(exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP) + 0)  # + 0 turns -0.00 into 0.00

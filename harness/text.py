"""Text for people: what a model wrote made safe for terminals, logs, XML, Markdown and pages, and tables that fit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
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


def first_line(error: BaseException) -> str:
    """What an error says first; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


_FOLDERS = re.compile(
    r"""(?P<quote>['"])(?:~|(?=/(?!v\d+/)))/?(?:[^'"\n]*/)(?P<last>[^'"/\n]+)/?(?P=quote)"""
    r"""|(?<![\w.:/~<>-])(?:~|(?=/(?!v\d+/)))(?:/[^\s/'"<>|:;,()\[\]{}=]+)*/(?P<end>[^\s/'"<>|:;,()\[\]{}=]+)/?"""
)
"""An absolute path, or one below a home folder, in quotes or between spaces; no URL, and no `/v1/...` of a server."""


def without_folders(text: str) -> str:
    """A sentence of this program's own with every absolute path cut to its last part: a shared page names no folder.

    Args:
        text: A fact or a message; what a model wrote is not to be changed.

    Returns:
        The text, in which `/home/ann/models/base-7b` is `base-7b`.
    """
    return _FOLDERS.sub(
        lambda found: "".join(found.group("quote", "last", "quote")) if found["last"] else found["end"], text
    )


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


def table(
    rows: Sequence[Mapping[str, str]],
    width: int,
    spare: Sequence[str] = (),
    right: Collection[str] = (),
    headers: Mapping[str, str] | None = None,
) -> str:
    """Rows as a table for a terminal: what does not fit is left out or wrapped.

    Spare columns go first, then the widest column is wrapped, then the last ones go. The first
    one and the widest stay.

    Args:
        rows: One or more, all with the same columns; cells are printed as they are, line breaks included.
        width: Of the terminal, in characters.
        spare: Columns that can be left out, the first one first.
        right: Columns that are aligned right.
        headers: What stands over a column; its name where this says nothing.

    Returns:
        Text without a final newline.
    """
    from tabulate import tabulate

    titles = {name: (headers or {}).get(name, name) for name in rows[0]}
    breadth = {
        name: _breadth(titles[name], [row[name] for row in rows]) for name in fitting(rows, width, spare, titles)
    }
    widest = max(breadth, key=breadth.__getitem__)
    for name in list(breadth)[:0:-1]:  # all but the first
        if _over(breadth, width) > max(0, breadth[widest] - NARROWEST) and name != widest:
            del breadth[name]
    over = _over(breadth, width)
    limit = max(NARROWEST, breadth[widest] - over) if over > 0 else None
    return tabulate(
        [[row[name] for name in breadth] for row in rows],
        headers=[titles[name] for name in breadth],
        disable_numparse=True,
        colalign=["right" if name in right else "left" for name in breadth],
        maxcolwidths=[limit if name == widest else None for name in breadth],
    )


def fitting(
    rows: Sequence[Mapping[str, str]], width: int, spare: Sequence[str], headers: Mapping[str, str]
) -> list[str]:
    """Columns of a terminal table after as many spare ones as must have gone; arguments as of `table`."""
    breadth = {name: _breadth(headers[name], [row[name] for row in rows]) for name in rows[0]}
    for name in spare:
        if _over(breadth, width) > 0:
            del breadth[name]
    return list(breadth)


def _breadth(header: str, cells: Iterable[str]) -> int:
    """Characters that a column takes; tabulate gives a header two more than it has."""
    lines = [len(line) for cell in cells for line in cell.split("\n")]
    return max([len(line) + 2 for line in header.split("\n")] + lines)


def _over(breadth: Mapping[str, int], width: int) -> int:
    """Characters by which columns are wider than a terminal, two between each pair."""
    return sum(breadth.values()) + 2 * (len(breadth) - 1) - width


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A GitHub Markdown table.

    Args:
        headers: Titles; like the cells they are Markdown already (see `escaped`).
        rows: Cells.
        left: Columns from the start that are aligned left; the others hold numbers and are aligned right.

    Returns:
        Text without a final newline.
    """
    rule = ["---" if number < left else "---:" for number in range(len(headers))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headers, rule, *rows))


def count(number: float) -> str:
    """A count in full; the sum of graded judgements, which need not be whole, with two decimals."""
    return str(number) if isinstance(number, int) else f"{number:.2f}"


def percent(fraction: float, decimals: int = 2) -> str:
    """A percentage, rounded half up as papers do (0.83655 -> 83.66), free of binary noise."""
    exact = Decimal(repr(round(fraction * 100, 9)))
    return str(exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP) + 0)  # + 0 turns -0.00 into 0.00


def telling(fraction: float, *others: float) -> str:
    """A percentage with the digits that tell it from others: two decimals, or more where they would look alike.

    Args:
        fraction: What is shown.
        *others: What it is compared with.

    Returns:
        For example `69.72`, and `69.7183` beside a demand of 0.697201.
    """
    for decimals in range(2, 9):
        shown = percent(fraction, decimals)
        if all(fraction == other or shown != percent(other, decimals) for other in others):
            break
    return shown

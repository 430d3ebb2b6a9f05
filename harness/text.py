"""Model text made safe for a terminal, a log line or an XML file."""

from __future__ import annotations

import re

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

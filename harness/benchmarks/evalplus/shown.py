"""A value as short text for a person. Whatever a program returned can be written: nothing here raises.

Python's own `repr` does not do: it raises for integers of more than 4,300 digits and for values that hold themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from math import log10
from typing import Any

LONGEST = 1000
"""Characters in all, a little more where a value is cut."""

_TEXT = 200
_ITEMS = 12
_DEPTH = 6
_BITS = 664
"""Integers up to this length have no more than 200 digits."""
_SORTED = 1000
"""Sets of more items are shown in no particular order."""
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}
_EMPTY: dict[type, str] = {set: "set()", frozenset: "frozenset()"}
_WRITTEN_BY_PYTHON = {bool, float, complex, type(None), type(Ellipsis)}


def shown(value: Any) -> str:
    """Write a value as Python would, as far as that is short.

    Args:
        value: Of exact built-in types; anything else, also inside, is shown as the name of its class.

    Returns:
        At most about 1,000 characters; what is left out is marked by `...`, a long integer by its digits' number.
    """
    written: list[str] = []
    length = 0
    for piece in _pieces(value, _DEPTH):
        written.append(piece)
        length += len(piece)
        if length > LONGEST:
            return f"{''.join(written)}..."
    return "".join(written)


def _pieces(value: Any, depth: int) -> Iterator[str]:
    kind = type(value)
    if kind in _BRACKETS:
        yield from _container(value, kind, depth)
    elif kind is int:
        yield str(value) if value.bit_length() <= _BITS else _long(value)
    elif kind is str or kind is bytes:
        yield repr(value) if len(value) <= _TEXT else f"{value[:_TEXT]!r}..."
    elif kind in _WRITTEN_BY_PYTHON:
        yield repr(value)
    else:
        yield f"<{type.__dict__['__name__'].__get__(kind)}>"  # a metaclass may have a `__name__` of its own


def _long(value: int) -> str:
    digits = int(value.bit_length() * log10(2)) + 1
    return f"<{'negative ' if value < 0 else ''}integer of about {digits:,} digits>"


def _container(value: Any, kind: type, depth: int) -> Iterator[str]:
    opening, closing = _BRACKETS[kind]
    if not value and kind in _EMPTY:
        yield _EMPTY[kind]
        return
    yield opening
    if depth:
        yield from _items(value, kind, depth - 1)
    else:
        yield "..." if value else ""
    yield ",)" if kind is tuple and len(value) == 1 else closing


def _items(value: Any, kind: type, depth: int) -> Iterator[str]:
    for place, item in enumerate(islice(_ordered(value) if kind in _EMPTY else value, _ITEMS)):
        yield ", " if place else ""
        yield from _pieces(item, depth)
        if kind is dict:
            yield ": "
            yield from _pieces(value[item], depth)
    if len(value) > _ITEMS:
        yield ", ..."


def _ordered(value: Collection[Any]) -> Collection[Any]:
    """A set's items, numbers and texts the same way each time where that is little work."""
    if len(value) > _SORTED:
        return value
    return sorted(value, key=lambda item: "" if type(item) in _BRACKETS else shown(item))

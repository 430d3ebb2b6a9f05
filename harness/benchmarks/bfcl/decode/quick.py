"""The usual kind of Python call list, read without a syntax tree: `[f(a=1, b="x"), g.h(c=[True, {"k": 1.5}])]`.

Building the tree is most of what judging a reply costs. This reader knows named arguments that are plain literals and
nothing else; where anything differs (escapes, signs, arithmetic, names, positional arguments, comments, keywords, ...)
it gives up and `decode.python` decides. A test holds the two to agreement wherever this one answers.
"""

from __future__ import annotations

import keyword
import re
from typing import Any

from harness.benchmarks.bfcl.decode import Calls

MAX_DEPTH = 20
"""Of nested literals."""

_BLANK = r"[ \t\n]*"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_TEXT = r"""'([^'\\\n\r\0\ud800-\udfff]*)'|"([^"\\\n\r\0\ud800-\udfff]*)\""""
_WHOLE = r"(-?(?:0|[1-9][0-9]{0,17}))(?![\w.])"
_DECIMAL = r"(-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,40}(?:[eE][+-]?[0-9]{1,4})?)(?![\w.])"
_SCALAR = rf"(?:{_TEXT}|{_WHOLE}|{_DECIMAL}|(True|False|None)(?!\w))"
_MORE = rf"{_BLANK}(?:,{_BLANK}|(?=[)\]}}]))"

_CALL = re.compile(rf"({_NAME}(?:\.{_NAME}){{0,20}})\({_BLANK}")
_KEY = re.compile(rf"({_NAME}) ?= ?(?:{_SCALAR}{_MORE}|(?=[\[{{]))")
_ITEM = re.compile(rf"{_SCALAR}{_MORE}")
_ITEM_KEY = re.compile(rf"(?:{_TEXT}){_BLANK}:{_BLANK}")
_OPEN = re.compile(rf"[\[{{]{_BLANK}")
_END = re.compile(_MORE)

_KEYWORDS = frozenset(keyword.kwlist)
_CONSTANTS = {"True": True, "False": False, "None": None}


class _GiveUpError(Exception):
    """The text has something that only the full reader knows."""


def read(text: str) -> Calls | None:
    """Read a call list.

    Args:
        text: Source with its outer brackets.

    Returns:
        One map a call, or None where the full reader has to decide.
    """
    try:
        return _calls(text)
    except (_GiveUpError, IndexError):
        return None


def _calls(text: str) -> Calls:
    opened = _OPEN.match(text)
    if opened is None or text[0] != "[":
        raise _GiveUpError
    calls: Calls = []
    at = opened.end()
    while found := _CALL.match(text, at):
        name, arguments = found[1], dict[Any, Any]()
        if name in _KEYWORDS or ("." in name and not _KEYWORDS.isdisjoint(name.split("."))):
            raise _GiveUpError
        at = _arguments(text, found.end(), arguments)
        if text[at] != ")":
            raise _GiveUpError
        calls.append({name: arguments})
        at = _after(text, at + 1)
    if text[at] != "]" or at + 1 != len(text):
        raise _GiveUpError
    return calls


def _arguments(text: str, at: int, arguments: dict[Any, Any]) -> int:
    """Read named arguments; returns the position after them."""
    while found := _KEY.match(text, at):
        name, group = found[1], found.lastindex or 1
        if name in _KEYWORDS:
            raise _GiveUpError
        if group == 1:
            arguments[name], at = _nested(text, found.end(), MAX_DEPTH)
        else:
            arguments[name] = found[group] if group < 4 else _READ[group - 4](found[group])
            at = found.end()
    return at


def _nested(text: str, at: int, depth: int) -> tuple[Any, int]:
    """Read a list or map and what separates it from the next item."""
    if depth == 0:
        raise _GiveUpError
    opened = _OPEN.match(text, at)
    assert opened is not None
    is_map, at = text[at] == "{", opened.end()
    keys: list[str] = []
    values: list[Any] = []
    while text[at] != ("}" if is_map else "]"):
        if is_map:
            key = _ITEM_KEY.match(text, at)
            if key is None:
                raise _GiveUpError
            keys.append(key[key.lastindex or 1])
            at = key.end()
        if found := _ITEM.match(text, at):
            group = found.lastindex or 1
            values.append(found[group] if group < 3 else _READ[group - 3](found[group]))
            at = found.end()
        elif text[at] in "[{":
            value, at = _nested(text, at, depth - 1)
            values.append(value)
        else:
            raise _GiveUpError
    return dict(zip(keys, values, strict=True)) if is_map else values, _after(text, at + 1)


def _after(text: str, at: int) -> int:
    """Position after the comma or before the bracket that follows."""
    end = _END.match(text, at)
    if end is None:
        raise _GiveUpError
    return end.end()


_READ = (int, float, _CONSTANTS.__getitem__)
"""Readers of the groups of `_SCALAR` after the two kinds of text."""

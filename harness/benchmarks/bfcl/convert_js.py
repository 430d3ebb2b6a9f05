"""JavaScript source text to values, by the type that the schema names: `[1, 2]` for an `array` of `integer`.

Text that does not look like its type stays text. Collections are read by pattern, as upstream does, with its limits:
commas split also inside strings, an object ends at its first closing brace, nothing nests but an array of arrays.
Upstream rule: `bfcl_eval/eval_checker/ast_eval/type_convertor/js_type_converter.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from harness.benchmarks.bfcl.convert_java import MAX_TEXT, number_or_text
from harness.benchmarks.bfcl.decode.javascript import unquote
from harness.benchmarks.bfcl.runs import groups

CLASSES: dict[str, type] = {
    "String": str,
    "any": str,
    "integer": int,
    "Bigint": int,
    "float": float,
    "Boolean": bool,
    "array": list,
    "dict": dict,
}
"""Class that a value of each schema type has after conversion."""

COLLECTIONS = ("array",)
"""Types whose elements are converted and checked."""

_WHOLE = re.compile(r"-?\d+\n?")
_BIG = re.compile(r"-?\d+n\n?")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?\n?")

_NEW_ARRAY = re.compile(r"new\s+Array\(")
_FLAT = re.compile(r"\[(.*?)\]|new\s+Array\((.*?)\)")
_INNER = re.compile(r"\[(.*?)\]")
_OBJECT = re.compile(r"\{(.*?)\}")


def convert(text: str, kind: str, element: str | None = None) -> Any:
    """Give a text its type.

    Args:
        text: Source of one argument.
        kind: Schema type, a key of `CLASSES`.
        element: Schema type of an array's elements; without it they are typed by their look.

    Returns:
        The value, or the text itself where it does not fit.
    """
    try:
        match kind:
            case "String":
                return unquote(text)
            case "integer" if _WHOLE.fullmatch(text):
                return int(text)
            case "Bigint" if _BIG.fullmatch(text):
                return int(text.rstrip("\nn"))
            case "float" if _DECIMAL.fullmatch(text):
                return float(text)
            case "Boolean" if text in ("true", "false"):
                return text == "true"
            case "array" if len(text) <= MAX_TEXT:
                return _array(text.strip(), element)
            case "dict" if len(text) <= MAX_TEXT:
                return _object(text.strip())
    except ValueError:  # more digits than Python reads
        return text
    return text


def _array(text: str, element: str | None) -> Any:
    rows = _rows(text)
    if rows is not None:
        return rows
    found = _FLAT.match(text)
    if found is None:
        return text
    inner = (found[2] if found[1] is None else found[1]).strip()
    parts = [part.strip() for part in inner.split(",")] if inner else []
    return [_by_look(part) if element is None else convert(part, element) for part in parts]


def _rows(text: str) -> list[list[Any]] | None:
    """An array of arrays, or None where the text does not begin with one."""
    prefix = _NEW_ARRAY.match(text)
    start, final = (prefix.end(), ")") if prefix else (1, "]")
    if not prefix and not text.startswith("["):
        return None
    end = groups(text, f"[]{final}", across_lines=False).run_from(start)
    if end is None:
        return None
    inner = _INNER.findall(text[:end])
    if inner[0].strip().startswith("["):  # the outer bracket, where the pattern begins
        inner[0] = inner[0].strip()[1:]
    return [[_by_look(part) for part in row.strip().split(",")] for row in inner]


def _object(text: str) -> Any:
    found = _OBJECT.match(text)
    if found is None:
        return text
    return {key.strip().strip("'\""): _property(value.strip()) for key, value in _pairs(found[1])}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """`key: value` pairs; a comma ends a value only where another key and colon come before the next comma."""
    at, segments = 0, text.split(",")
    starts = [0, *accumulate(len(segment) + 1 for segment in segments)]
    ends = [start - 1 for start, segment in zip(starts[1:], segments[1:], strict=False) if ":" in segment[1:]]
    while (colon := text.find(":", at := len(text) - len(text[at:].lstrip(":")))) >= 0:
        end = next((end for end in ends if end > colon), len(text))
        yield text[at:colon], text[colon + 1 : end]
        at = end + 1


def _property(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return _array(text, None)
    return _by_look(text.strip("'\""))


def _by_look(text: str) -> Any:
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    cut = unquote(text)
    return number_or_text(text) if cut is text else cut

"""Java source text to values, by the type that the schema names: `5L` for a `long` is 5.

Text that does not look like its type stays text, which the type check then finds. Collections are read by pattern, as
upstream does, with its limits: no nesting, commas split also inside strings.
Upstream rule: `bfcl_eval/eval_checker/ast_eval/type_convertor/java_type_converter.py`.
"""

from __future__ import annotations

import re
from typing import Any

CLASSES: dict[str, type] = {
    "byte": int,
    "short": int,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": bool,
    "char": str,
    "String": str,
    "any": str,
    "Array": list,
    "ArrayList": list,
    "Queue": list,
    "Stack": list,
    "HashMap": dict,
    "Hashtable": dict,
    "Set": set,
}
"""Class that a value of each schema type has after conversion."""

COLLECTIONS = ("Array", "ArrayList")
"""Types whose elements are converted and checked."""

MAX_TEXT = 3000
"""Characters of a collection; the patterns take quadratic time on hostile text, and no answer is half as long."""

_WHOLE = re.compile(r"-?\d+\n?")
_LONG = re.compile(r"-?\d+[lL]\n?")
_DOUBLE = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?\n?")
_FLOAT = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?[fF]\n?")

_ARRAY = re.compile(r"new\s+\w+\[\]\s*\{([^}\n]*)\}")
_LIST_OF = re.compile(r"new\s+ArrayList<\w*>\(Arrays\.asList\((.+?)\)\)")
_LIST = re.compile(r"new\s+ArrayList<\w*>\(\)")
_LIST_BODY = re.compile(r"new\s+ArrayList<\w*>\(\)\s*\{\{\s*+")
_ADD = re.compile(r"add\((.+?)\)")
_MAP = re.compile(r"new\s+HashMap<.*?>\s*\(\)", re.DOTALL)
_MAP_BODY = re.compile(r"new\s+HashMap<.*?>\s*\(\)\s*\{\s*\{?", re.DOTALL)
_PUT = re.compile(r'put\("(.*?)",\s*([^)\n]*)\)')


def convert(text: str, kind: str, element: str | None = None) -> Any:
    """Give a text its type.

    Args:
        text: Source of one argument.
        kind: Schema type, a key of `CLASSES`.
        element: Schema type of a collection's elements; without it they are typed by their look.

    Returns:
        The value, or the text itself where it does not fit.
    """
    match kind:
        case "byte" | "short" | "integer" if _WHOLE.fullmatch(text):
            return _number(int, text)
        case "long" if _LONG.fullmatch(text):
            return _number(int, text.rstrip("\nlL"))
        case "float" if _FLOAT.fullmatch(text):
            return float(text.rstrip("\nfF"))
        case "double" if _DOUBLE.fullmatch(text):
            return float(text)
        case "boolean" if text in ("true", "false"):
            return text == "true"
        case "Array" | "ArrayList" | "HashMap" if len(text) <= MAX_TEXT:
            return _READERS[kind](text, element)
    return text


def _number(kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:  # more digits than Python reads
        return text


def _array(text: str, element: str | None) -> Any:
    found = _ARRAY.search(text)
    if found is None:
        return text
    parts = [part.strip() for part in found[1].split(",")]
    return [_element(part, element) for part in parts if part]


def _array_list(text: str, element: str | None) -> Any:
    if listed := _LIST_OF.search(text):
        return [_quoted_element(part.strip(), element) for part in listed[1].split(",")]
    if opened := _LIST_BODY.search(text):
        # The body holds at least one character, so a brace pair that follows at once does not close it.
        close = text.find("}}", opened.end() + 1)
        body = text[opened.end() : close] if close >= 0 else ""
        if close >= 0 or _LIST.search(text):
            return [_quoted_element(part.strip(), element) for part in _ADD.findall(body)]
    return [] if _LIST.search(text) else text


def _hash_map(text: str, element: str | None) -> Any:
    opened = _MAP_BODY.search(text)
    close = text.find("}", opened.end()) if opened else -1
    if opened and close >= 0:
        return {key: _by_look(value.strip()) for key, value in _PUT.findall(text[opened.end() : close].strip())}
    return {} if _MAP.search(text) else text


_READERS = {"Array": _array, "ArrayList": _array_list, "HashMap": _hash_map}


def _element(text: str, kind: str | None) -> Any:
    return _by_look(text) if kind is None else convert(text, kind)


def _quoted_element(text: str, kind: str | None) -> Any:
    """In an ArrayList texts lose their first and last character, whatever these are; in an array they keep them."""
    return text[1:-1] if kind in ("char", "String") else _element(text, kind)


def _by_look(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    if _LONG.fullmatch(text):
        return _number(int, text[:-1])
    if _FLOAT.fullmatch(text):
        return float(text[:-1])
    return number_or_text(text)


def number_or_text(text: str) -> Any:
    """A whole number, else a decimal, in any spelling that Python reads (`1_000`, `1e3`, `nan`), else the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

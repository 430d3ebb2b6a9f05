"""One argument against the one expected value, as upstream compares: by class, then by parts of texts.

Numbers and booleans of the right class are not compared at all, texts pass where they contain the expected one, and
inside objects everything but objects is compared as text (quirks 1 and 2).
Upstream rule: `model_eval/checker.py` (commit 56dd66cf).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CLASSES: Mapping[str, type] = {
    "string": str,
    "any": str,
    "integer": int,
    "int": int,
    "number": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,
    "list": list,
    "objectArray": list,
    "list(string)": list,
    "list(enum)": list,
    "dict": dict,
    "object": dict,
    "enum": enumerate,
}
"""Type in a function document -> class of a value; `number` stands for whole numbers only (quirk 4)."""
NESTED = ("array", "tuple", "list(string)", "list(enum)", "object", "objectArray")
"""Types whose elements have a class too."""

_DROPPED = str.maketrans("'", '"', " ,./-_*^")
_BOOLEANS = {"true": True, "false": False}


@dataclass(slots=True)
class Finding:
    """One thing that is wrong with a reply."""

    code: str
    """Upstream's error type."""
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    """Where, as JSON values: `function`, `argument`, `given`, `expected`."""


class Crash(Exception):
    """The official program would have ended with the exception that is named."""


def standard(text: str) -> str:
    """Text as it is compared: without blanks and `,./-_*^`, in lower case, one kind of quote."""
    return text.translate(_DROPPED).lower()


def check_value(given: Any, expected: Any, schema: Mapping[str, Any]) -> Finding | None:
    """Compare one argument by upstream's rules.

    Args:
        given: What was decoded.
        expected: The ground truth's value.
        schema: The parameter's document.

    Returns:
        What is wrong, or None.

    Raises:
        Crash: The official program would have ended here.
    """
    kind = schema["type"]
    wanted, inner = CLASSES[kind], _inner(kind, schema)
    if kind == "float" and type(given) is int:
        given = float(given)
    if kind == "tuple" and type(given) is tuple:
        given = list(given)
    fault, variable = _check_class(given, expected, wanted, inner)
    if fault or variable:
        return fault
    if wanted is dict:
        return _check_object(given, expected)
    if wanted is list and inner is dict:
        return _check_objects(given, expected)
    if wanted is str and standard(expected) not in standard(given):
        return Finding("value_error:string", "does not contain the expected text")
    if wanted is list and _standard_items(given) != _standard_items(expected):
        return Finding("value_error:list/tuple", "is not the expected list")
    return None


def _inner(kind: str, schema: Mapping[str, Any]) -> type | None:
    if kind not in NESTED:
        return None
    items = schema.get("items")
    fallback = "string" if "string" in kind else "enum" if "enum" in kind else "dict"
    return CLASSES[items["type"] if isinstance(items, Mapping) and "type" in items else fallback]


def _check_class(given: Any, expected: Any, wanted: type[Any], inner: type | None) -> tuple[Finding | None, bool]:
    """What is wrong with a value's class, if anything, and whether it counts as a variable, which is not compared."""
    if type(given) is str:
        given = _BOOLEANS.get(given, given)
    has_class = expected != ""  # an empty expected text has none
    if type(given) is wanted:
        if inner is None or _elements_fit(given, expected, inner):
            return None, has_class and type(expected) is not wanted
        return Finding("type_error", "its elements have the wrong class"), False
    if has_class and (type(given) is type(expected) or expected == given):
        return None, True
    return Finding("type_error", f"{type(given).__name__} where {wanted.__name__} is expected"), False


def _elements_fit(given: Any, expected: Any, inner: type) -> bool:
    """Only an expected list of lists asks for something; an empty expected value never fits (quirk of upstream)."""
    for element in expected:
        if type(element) is not list:
            return True
        if all(_check_class(item, element, inner, None)[0] is None for item in given):
            return True
    return False


def _standard_items(items: Sequence[Any]) -> list[Any]:
    return [standard(item) if type(item) is str else item for item in items]


def _check_objects(given: Sequence[Any], expected: Sequence[Any]) -> Finding | None:
    if len(given) != len(expected):
        return Finding("value_error:list_dict_count", f"{len(given)} objects where {len(expected)} are expected")
    for item, wanted in zip(given, expected, strict=True):
        if fault := _check_object(item, wanted):
            return fault
    return None


def _check_object(given: Any, expected: Any) -> Finding | None:
    if not isinstance(given, dict):
        return Finding("value_error", f"{type(given).__name__} where an object is expected")
    if not isinstance(expected, dict):
        raise Crash("AttributeError")
    if len(given) != len(expected):
        return Finding("value_error", f"{len(given)} keys where {len(expected)} are expected")
    for key, item in given.items():
        if key not in expected:
            return Finding("value_error", f"key {str(key)[:100]!r} is not expected")
        item, wanted = _BOOLEANS.get(item, item) if type(item) is str else item, expected[key]
        if isinstance(wanted, dict):
            if fault := _check_object(item, wanted):
                return fault
        elif not _contains(item, wanted):
            return Finding("value_error", f"the value of key {str(key)[:100]!r} does not contain the expected one")
    return None


def _contains(given: Any, expected: Any) -> bool:
    """Whether the text of a value contains that of the expected one; texts are standardised, nothing else is."""
    wanted = standard(expected) if type(expected) is str else str(expected)
    return wanted in (standard(given) if type(given) is str else str(given))


def check_strictly(given: Any, expected: Any) -> Finding | None:
    """Compare a value as a whole: classes, numbers, booleans, texts apart from blanks, case and punctuation.

    Returns:
        What is wrong, or None. A whole number and a decimal of the same value are alike.
    """
    if type(expected) is bool and type(given) is str:
        given = _BOOLEANS.get(given, given)
    if _class(given) != _class(expected):
        return Finding("type_error", f"{type(given).__name__} where {type(expected).__name__} is expected")
    if isinstance(expected, str):
        return None if standard(given) == standard(expected) else Finding("value_error:string", "is another text")
    if isinstance(expected, list):
        same = len(given) == len(expected)
        same = same and not any(check_strictly(item, wanted) for item, wanted in zip(given, expected, strict=True))
        return None if same else Finding("value_error:list/tuple", "is another list")
    if isinstance(expected, dict):
        same = given.keys() == expected.keys()
        same = same and not any(check_strictly(given[key], expected[key]) for key in expected)
        return None if same else Finding("value_error", "is another object")
    return None if given == expected else Finding("value_error", "is another value")


def _class(value: Any) -> type:
    """Classes that are alike share one."""
    return {int: float, tuple: list}.get(type(value), type(value))

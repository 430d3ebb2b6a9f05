"""One argument against its acceptable values: class by class, then by the class's own notion of equality.

An expected value of another class than the schema's stands for a variable name and is compared exactly. The empty
string among the acceptable values marks a parameter that may be left out; upstream also takes it for a value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.benchmarks.bfcl.rules import Rules


@dataclass(slots=True)
class Finding:
    """One thing that is wrong with a reply."""

    code: str
    """Upstream's error type."""
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    """Where, as JSON values: `function`, `argument`, `given`, `acceptable`, ..."""


MAX_SHOWN = 2000
"""Characters of one text, and elements of one list, that evidence keeps."""
MAX_DEPTH = 100
"""Levels of nesting that evidence keeps: a reply's JSON may be deeper than Python's stack."""

_DROPPED = str.maketrans("'", '"', " ,./-_*^")


def standard(text: Any) -> Any:
    """Text as it is compared: without blanks and `,./-_*^`, in lower case, one kind of quote. Other values as they are.

    So "1.5" equals "15" and "..." equals "" (quirks 1 and 13).
    """
    return text.translate(_DROPPED).lower() if type(text) is str else text


def check_type(value: Any, answers: Sequence[Any], wanted: type, inner: type | None) -> tuple[Finding | None, bool]:
    """Check a value's class.

    Args:
        value: Converted argument.
        answers: Acceptable values.
        wanted: Class that the schema asks for; a subclass is not enough.
        inner: Class of the elements of a collection.

    Returns:
        What is wrong, if anything, and whether the value counts as a variable.
    """
    first = _class_of_first(answers)
    if type(value) is wanted:
        if inner is None or any(_elements_fit(value, answer, inner) for answer in answers):
            return None, first is not None and first is not wanted
        if first is wanted:
            return Finding("type_error:nested", f"elements are not all {inner.__name__}"), False
    elif first is not None and type(value) is first:
        return None, True
    return Finding("type_error:simple", f"{type(value).__name__} where {wanted.__name__} is expected"), False


def _class_of_first(answers: Sequence[Any]) -> type | None:
    for answer in answers:
        if answer != "":
            return type(answer)
    return None


def _elements_fit(value: Any, answer: Any, inner: type) -> bool:
    """Elements have the class of the schema or of the answer's first; an answer that is not a list asks for nothing."""
    if type(answer) is not list:
        return True
    first = _class_of_first(answer)
    return all(type(element) is inner or type(element) is first for element in value)


def check_value(
    value: Any, answers: Sequence[Any], wanted: type | None, inner: type | None, rules: Rules
) -> Finding | None:
    """Check a value of the right class.

    Args:
        value: Converted argument.
        answers: Acceptable values.
        wanted: Class that decides how values are compared; None compares exactly.
        inner: Class of the elements of a collection.
        rules: Which quirks hold.

    Returns:
        What is wrong, or None.
    """
    if wanted is dict:
        return _check_maps(value, answers, rules)
    if wanted is list and inner is dict:
        return _check_lists_of_maps(value, answers, rules)
    if wanted is str:
        return None if standard(value) in [standard(a) for a in answers if type(a) is str] else _not_among("string")
    if wanted is list:
        alike = [standard(element) for element in value]
        return None if any(alike == [standard(e) for e in answer] for answer in answers) else _not_among("list/tuple")
    return None if value in answers else _not_among("others")


def _not_among(kind: str) -> Finding:
    return Finding(f"value_error:{kind}", "is none of the acceptable values")


def _check_maps(value: Mapping[Any, Any], answers: Sequence[Any], rules: Rules) -> Finding | None:
    """The last alternative's fault is the one that is reported."""
    fault: Finding | None = Finding("dict_checker:unclear", "should not be given")
    for answer in answers:
        if answer != "":
            fault = _check_map(value, answer, rules)
            if fault is None:
                return None
    return fault


def _check_map(value: Mapping[Any, Any], answer: Mapping[str, Any], rules: Rules) -> Finding | None:
    # A missing key is reported before a wrong value.
    for key, accepted in answer.items():
        if key not in value and "" not in accepted:
            return Finding("value_error:dict_key", f"key {key!r} is missing")
    for key, inner in value.items():
        if key not in answer:
            return Finding("value_error:dict_key", f"key {key!r} is not expected")
        accepted = [standard(candidate) for candidate in answer[key] if not rules.marker_is_no_value or candidate != ""]
        if standard(inner) not in accepted:
            return Finding("value_error:dict_value", f"the value of key {key!r} is not acceptable")
    return None


def _check_lists_of_maps(value: Sequence[Any], answers: Sequence[Any], rules: Rules) -> Finding | None:
    fault: Finding | None = None
    for answer in answers:
        fault = _check_list_of_maps(value, answer, rules)
        if fault is None:
            return None
    return fault


def _check_list_of_maps(value: Sequence[Any], answer: Sequence[Any], rules: Rules) -> Finding | None:
    if len(value) != len(answer):
        return Finding("value_error:list_dict_count", f"{len(value)} maps where {len(answer)} are expected")
    for element, wanted in zip(value, answer, strict=True):
        fault = _check_maps(element, [wanted], rules) if type(element) is dict else _not_among("dict_value")
        if fault is not None:
            return fault
    return None


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A decoded value as JSON can hold it and a person can read it: long and deep ones cut, odd classes as text."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}… ({len(value)} characters)"
    if kind is int or kind is bool or value is None:
        return value
    if depth == 0:
        return "…"
    if kind is dict:
        pairs = value.items() if len(value) <= MAX_SHOWN else list(value.items())[:MAX_SHOWN]
        return {
            key if type(key) is str and len(key) <= MAX_SHOWN else str(plain(key, depth - 1)): plain(v, depth - 1)
            for key, v in pairs
        }
    if kind is list or kind is tuple:
        return [plain(inner, depth - 1) for inner in value[:MAX_SHOWN]]
    if kind is float and math.isfinite(value):
        return value
    return repr(value)[:MAX_SHOWN]

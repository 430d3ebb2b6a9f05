"""How the arguments of Python, Java and JavaScript calls become values.

Upstream rule: the type maps of `bfcl_eval/constants/type_mappings.py` and the converters in `ast_eval/type_convertor/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.benchmarks.bfcl import convert_java, convert_js


@dataclass(frozen=True, slots=True)
class Language:
    """How one language's arguments become values."""

    classes: Mapping[str, type]
    collections: Sequence[str]
    convert: Callable[[Any, str, str | None], Any]
    text_only: str | None = None
    """Error type for an argument that is not text; None where arguments are values already."""
    scalars: frozenset[type] = frozenset()
    """Classes that conversion leaves as they are and that are not collections."""


def _convert_python(value: Any, kind: str, element: str | None) -> Any:
    if kind == "tuple" and type(value) is tuple:
        return list(value)
    if kind == "float" and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return value


PYTHON = Language(
    {
        "string": str,
        "any": str,
        "integer": int,
        "float": float,
        "boolean": bool,
        "array": list,
        "tuple": list,
        "dict": dict,
    },
    ("array", "tuple"),
    _convert_python,
    scalars=frozenset({str, int, float, bool}),
)
JAVA = Language(convert_java.CLASSES, convert_java.COLLECTIONS, convert_java.convert, "type_error:java")
JAVASCRIPT = Language(convert_js.CLASSES, convert_js.COLLECTIONS, convert_js.convert, "type_error:js")

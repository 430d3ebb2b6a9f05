"""What tool documents say: parameters with their kinds and options, fields of responses, and names that match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from harness.types import Tool
from refine.checks import parameters

Kind = Literal["text", "whole", "number", "truth", "list", "object", "any"]
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("string", "str"), "text"),
    **dict.fromkeys(("integer", "int"), "whole"),
    **dict.fromkeys(("number", "float"), "number"),
    **dict.fromkeys(("boolean", "bool"), "truth"),
    **dict.fromkeys(("array", "list", "tuple", "set"), "list"),
    **dict.fromkeys(("object", "dict"), "object"),
}
GENERIC = frozenset(
    {"id", "name", "status", "value", "result", "message", "type", "number", "text", "key", "date", "list"}
)
"""Names that say nothing alone: `id` of `create_ticket` is a ticket's id."""
_OPTIONS = re.compile(r"(?:\[enum\]|options(?: are)?|one of|either|allowed values(?: are)?)\s*:?\s*(.+)", re.IGNORECASE)
_OPTION = re.compile(r"""["']([^"']{1,40})["']|\b([A-Za-z][\w-]{1,30})\b""")
_QUOTED = re.compile(r"'([\w-]{1,20})' (?:for|to|means)\b")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_JOINING = frozenset({"a", "an", "and", "or", "the", "of", "to", "for", "in", "on", "by", "is", "be", "default"})


@dataclass(frozen=True)
class Parameter:
    """One parameter of a tool."""

    name: str
    kind: Kind
    schema: Mapping[str, Any]
    required: bool
    options: tuple[Any, ...] = ()
    """The only values that it takes, where the document says so."""


@dataclass(frozen=True)
class Field:
    """One leaf of a tool's documented response."""

    pattern: tuple[str, ...]
    kind: Kind


def kind_of(schema: Mapping[str, Any]) -> Kind:
    """The kind of a schema in any of the spellings of data sets."""
    word = re.match(r"[a-z]+", str(schema.get("type", "")).lower())
    return _KINDS.get(word.group() if word else "", "any")


def parameters_of(tool: Tool) -> list[Parameter]:
    """The parameters of a tool, required ones first."""
    schemas, required = parameters(tool)
    found = [
        Parameter(name, kind_of(schema), schema, name in required, _options(schema)) for name, schema in schemas.items()
    ]
    return sorted(found, key=lambda parameter: not parameter.required)


def _options(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    inner = schema.get("items") if isinstance(schema.get("items"), Mapping) else {}
    if listed := schema.get("enum") or (inner or {}).get("enum"):
        return tuple(listed)
    kind = kind_of(schema)
    if kind == "truth":
        return (True, False)
    text = str(schema.get("description", ""))
    if kind not in ("text", "list"):
        return ()
    if match := _OPTIONS.search(text):
        listed_text = match[1].split(". ")[0]
        quoted = [found[0] for found in _OPTION.findall(listed_text) if found[0]]
        if quoted or "," in listed_text:
            parts = quoted or [part.strip(" .[]") for part in re.split(r",| or | and ", listed_text)]
            return tuple(part for part in parts if part and part.lower() not in _JOINING)
    return tuple(_QUOTED.findall(text))


def fields_of(tool: Tool) -> list[Field]:
    """The leaves of a tool's documented response."""
    response = tool.get("response")
    return list(_fields(response, ())) if isinstance(response, Mapping) else []


def _fields(schema: Mapping[str, Any], pattern: tuple[str, ...]) -> Iterator[Field]:
    kind = kind_of(schema)
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and properties:
        for name, inner in properties.items():
            if isinstance(inner, Mapping):
                yield from _fields(inner, (*pattern, name))
    elif kind == "list" and isinstance(schema.get("items"), Mapping):
        yield from _fields(schema["items"], (*pattern, "*"))
    else:
        yield Field(pattern, kind)


def fits(value: Any, kind: Kind) -> bool:
    """Whether a value is of a kind: whole numbers are numbers, too."""
    if isinstance(value, bool):
        return kind in ("truth", "any")
    if isinstance(value, int):
        return kind in ("whole", "number", "any")
    if isinstance(value, float):
        return kind in ("number", "any") or (kind == "whole" and value.is_integer())
    return kind in ("text", "any") if isinstance(value, str) else False


def inner_kind(parameter: Parameter) -> Kind:
    """The kind of a parameter's value, of a list's items."""
    if parameter.kind != "list":
        return parameter.kind
    inner = parameter.schema.get("items")
    return kind_of(inner) if isinstance(inner, Mapping) else "any"


def feeds(source: Kind, parameter: Parameter) -> bool:
    """Whether a value of one kind can be a parameter's, alone or in its list."""
    kind = inner_kind(parameter)
    return source == kind or "any" in (source, kind) or (source == "whole" and kind == "number")


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The words of an identifier in lower case, without numbers and the plural's s."""
    found = [word.lower() for word in _WORD.findall(name) if not word.isdigit()]
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found
    )


@lru_cache(maxsize=65536)
def named_alike(tool: str, pattern: tuple[str, ...], parameter: str) -> Literal["equal", "loose", ""]:
    """Whether a value of a result is called as a parameter is.

    Args:
        tool: The tool that returned it; its words complete a name that says nothing alone.
        pattern: Where the value stands.
        parameter: The parameter's name.

    Returns:
        `equal`; `loose` where one name ends or begins with the words of the other; or nothing.
    """
    names = [part for part in pattern if part not in ("*", "(key)")]
    if not names:
        return ""
    if names[-1] == parameter:
        return "equal" if words_of(parameter) and not (set(words_of(parameter)) <= GENERIC) else "loose"
    source, target = words_of(names[-1]), words_of(parameter)
    around = {word for name in (tool, *names[:-1]) for word in words_of(name)}
    if not source or not target or source == target:
        return "loose" if source and source == target else ""
    if set(source) <= GENERIC:
        rest = [word for word in target if word not in source]
        return "loose" if source[-1] == target[-1] and rest and set(rest) <= around else ""
    shorter, longer = sorted((source, target), key=len)
    inside = longer[-len(shorter) :] == shorter or longer[: len(shorter)] == shorter
    return "loose" if inside and not set(shorter) <= GENERIC else ""

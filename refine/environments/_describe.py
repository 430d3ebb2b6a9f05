"""Documents of a user's class, from signatures and docstrings: sent to the sandbox behind `_inside`, when asked for."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refine.environments._inside import KNOWN, find, methods, plain

DEEPEST_TYPE = 40
_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}
_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):\s*$")
_ITEM = re.compile(r"^(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


def documents() -> dict[str, Any]:
    """Documents of the public methods, values to try, and whether an instance can be made from a seed."""
    cls = find()
    can = hasattr(cls, "fresh") or "seed" in inspect.signature(cls).parameters
    tools = [_document(name, method) for name, method in methods()]
    return {"tools": tools, "values": plain(getattr(cls, "VALUES", {})), "fresh": can}


def _document(name: str, method: Callable[..., Any]) -> dict[str, Any]:
    hints = _hints(method)
    text, parameters, returns = _docstring(inspect.getdoc(method) or "")
    properties, required = {}, []
    for parameter in list(inspect.signature(method).parameters.values()):
        if parameter.name == "self" or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        schema = _schema(hints.get(parameter.name, Any))
        schema["description"] = parameters.get(parameter.name, "")
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        else:
            schema["default"] = plain(parameter.default)
        properties[parameter.name] = schema
    document = {
        "name": name,
        "description": text,
        "parameters": {"type": "object", "properties": properties, "required": required},
    }
    if "return" in hints:
        response = _schema(hints["return"])
        if returns:
            response["description"] = returns
        document["response"] = response
    return document


def _hints(method: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(method)
    except Exception:  # noqa: BLE001  # a name that is only there for a type checker
        return {}


def _schema(hint: Any, depth: int = 0) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if origin is typing.Literal:
        return {"type": _SIMPLE.get(type(arguments[0]), "string"), "enum": list(arguments)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"type": "string", "enum": [plain(member.value) for member in hint]}
    if origin in (typing.Union, types.UnionType):
        kinds = [argument for argument in arguments if argument is not type(None)]
        return _schema(kinds[0], depth) if len(kinds) == 1 else {}
    if origin in (list, tuple, set) or hint in (list, tuple, set):
        return {"type": "array", **({"items": _schema(arguments[0], depth + 1)} if arguments else {})}
    fields = dict(_fields(hint))
    if fields and depth < DEEPEST_TYPE:
        return {"type": "object", "properties": {name: _schema(kind, depth + 1) for name, kind in fields.items()}}
    return {"type": "object"} if hint is dict or origin is dict else {}


def _fields(hint: Any) -> Iterator[tuple[str, Any]]:
    """Fields of a TypedDict or a dataclass."""
    if typing.is_typeddict(hint) or dataclasses.is_dataclass(hint):
        yield from typing.get_type_hints(hint).items()


def _docstring(text: str) -> tuple[str, dict[str, str], str]:
    """Description, texts by parameter, and what is returned, of a docstring in Google's style."""
    parts: dict[str, list[str]] = {"": []}
    section = ""
    for line in text.splitlines():
        if match := _SECTION.match(line):
            section = match[1]
        else:
            parts.setdefault(section, []).append(line.strip())
    parameters: dict[str, str] = {}
    last = ""
    for line in (line for name in ("Args", "Arguments", "Parameters") for line in parts.get(name, ())):
        if match := _ITEM.match(line):
            last, parameters[match[1]] = match[1], match[2]
        elif last and line:
            parameters[last] += f" {line}"
    return " ".join(filter(None, parts[""])), parameters, " ".join(filter(None, parts.get("Returns", ())))


KNOWN["documents"] = documents

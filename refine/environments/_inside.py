"""The program around a user's class: sent to the sandbox as text, together with the class's own source.

It is asked for documents, a fresh instance, calls and the state, one JSON text at a time, and answers with JSON texts.
It needs the standard library only: nothing of this project can be read where it runs.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

OWN = ("fresh", "state")
"""Methods that are not tools."""
DEEPEST = 40
_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}
_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):\s*$")
_ITEM = re.compile(r"^(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")

_class: Any = None
_instance: Any = None


def load(source: str, file: str, name: str) -> None:
    """Execute the source as a module of its own and find the class in it.

    Raises:
        LookupError: It has no such class.
    """
    global _class
    module = types.ModuleType("environment")
    sys.modules["environment"] = module
    exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  # runs in the sandbox only
    _class = getattr(module, name, None)
    if not isinstance(_class, type):
        known = [
            key for key, value in vars(module).items() if isinstance(value, type) and value.__module__ == "environment"
        ]
        raise LookupError(f"{file} has no class {name}; it has {', '.join(known) or 'none'}")


def answer(text: str) -> str:
    """Carry out one request."""
    request = json.loads(text)
    known: dict[str, Callable[..., Any]] = {"documents": documents, "fresh": fresh, "execute": execute, "state": state}
    return json.dumps(known[request.pop("do")](**request))


def documents() -> dict[str, Any]:
    """Documents of the public methods, values to try, and whether an instance can be made from a seed."""
    can = hasattr(_class, "fresh") or "seed" in inspect.signature(_class).parameters
    tools = [_document(name, method) for name, method in _methods()]
    return {"tools": tools, "values": plain(getattr(_class, "VALUES", {})), "fresh": can}


def fresh(seed: int) -> None:
    """Make the instance."""
    global _instance
    _instance = _class.fresh(seed) if hasattr(_class, "fresh") else _class(seed=seed)


def execute(name: str, arguments: dict[str, Any]) -> list[Any]:
    """Call a method: its result as text, and whether it is an error."""
    if name not in dict(_methods()):
        return [f"Error: there is no tool {name!r}", True]
    method = getattr(_instance, name)
    try:
        inspect.signature(method).bind(**arguments)
        result = method(**arguments)
        text = result if isinstance(result, str) else json.dumps(plain(result), ensure_ascii=False)
    except Exception as error:  # noqa: BLE001  # whatever goes wrong is what the model is told
        return [
            f"Error: {error.args[0] if isinstance(error, KeyError) and error.args else error or type(error).__name__}",
            True,
        ]
    return [text, isinstance(result, dict) and bool(result.get("error"))]


def state() -> Any:
    """The class's own `state`, else all attributes."""
    return plain(_instance.state() if hasattr(_class, "state") else vars(_instance))


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON values: objects by their attributes, sets in order, dates as text, others by their type."""
    if value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, enum.Enum) else value
    if depth > DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {str(plain(key, depth + 1)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item, depth + 1) for item in value), key=str)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return plain(value.value, depth + 1)
    if hasattr(value, "getstate"):  # a generator of random numbers
        return f"random:{hash(value.getstate())}"
    return plain(vars(value), depth + 1) if hasattr(value, "__dict__") else str(type(value).__name__)


def _methods() -> list[tuple[str, Callable[..., Any]]]:
    public = [name for name in dir(_class) if not name.startswith("_") and name not in OWN]
    order = {name: place for owner in reversed(_class.__mro__) for place, name in enumerate(vars(owner))}
    found = [(name, getattr(_class, name)) for name in sorted(public, key=lambda name: order[name])]
    return [(name, method) for name, method in found if inspect.isfunction(method)]


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
    if fields and depth < DEEPEST:
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

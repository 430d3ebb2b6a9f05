"""The program around a user's class: sent to the sandbox as text, together with the class's own source.

It is asked for a fresh instance, calls and the state, one JSON text at a time, and answers with JSON texts.
It needs the standard library only: nothing of this project can be read where it runs.
"""

from __future__ import annotations

import datetime
import enum
import inspect
import json
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

OWN = ("fresh", "state")
"""Methods that are not tools."""
DEEPEST = 40

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


def find() -> Any:
    """The class."""
    return _class


def answer(text: str) -> str:
    """Carry out one request."""
    request = json.loads(text)
    return json.dumps(KNOWN[request.pop("do")](**request))


def fresh(seed: int) -> None:
    """Make the instance."""
    global _instance
    _instance = _class.fresh(seed) if hasattr(_class, "fresh") else _class(seed=seed)


def execute(name: str, arguments: dict[str, Any]) -> list[Any]:
    """Call a method: its result as text, and whether it is an error."""
    if name not in dict(methods()):
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


def methods() -> list[tuple[str, Callable[..., Any]]]:
    """Public methods in the order of the class."""
    public = [name for name in dir(_class) if not name.startswith("_") and name not in OWN]
    order = {name: place for owner in reversed(_class.__mro__) for place, name in enumerate(vars(owner))}
    found = [(name, getattr(_class, name)) for name in sorted(public, key=lambda name: order[name])]
    return [(name, method) for name, method in found if inspect.isfunction(method)]


KNOWN: dict[str, Callable[..., Any]] = {"fresh": fresh, "execute": execute, "state": state}
"""What can be asked for."""

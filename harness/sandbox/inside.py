"""What runs in a job beside classes of a user's own: makes their objects, carries out calls, reads states.

Its text is the program of the job (`worlds`), with the files of the classes appended; outside a job nothing runs it. It
is trusted with nothing: what it says is read as what any program says.
"""

from __future__ import annotations

import datetime
import json
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any

FILES: list[tuple[str, str, list[str]]] = []
"""Name and text of each file, and the classes that are wanted of it; filled by the text that is appended here."""
LONGEST = 1_000_000
"""Characters of one result."""
_DEEPEST = 40
_EXACT = (bool, int, float, complex, str, bytes, type(None))

_objects: dict[str, Any] = {}
_methods: dict[str, Any] = {}


def respond(action: str, given: Any) -> Any:
    """The entry point: `open` with a state for each class, then `call` with a chain and `look`, in any order."""
    actions: dict[str, Callable[[Any], Any]] = {"open": _open, "call": _call, "look": _look}
    return actions[action](given)


class _Still(datetime.datetime):
    """A clock that stands still: the same calls give the same results at any time."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return cls(2026, 1, 1, tzinfo=tz)

    @classmethod
    def today(cls) -> Any:
        return cls(2026, 1, 1)

    utcnow = today


def _open(states: Mapping[str, Any]) -> Any:
    random.seed(0)
    vars(datetime)["datetime"] = _Still
    vars(time)["time"] = lambda: 1_767_225_600.0
    try:
        for place, (file, code, names) in enumerate(FILES):
            module = ModuleType(f"environment{place}")
            sys.modules[module.__name__] = module
            exec(compile(code, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - in the sandbox
            for name in names:
                _add(name, getattr(module, name), states.get(name, {}))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the file's
        return _place(error)
    return sorted(_methods)


def _add(name: str, kind: Any, state: Any) -> None:
    """Make an object as BFCL's classes are made, by `_load_scenario`; one without that takes its state as arguments."""
    loads = hasattr(kind, "_load_scenario")
    made = kind() if loads else kind(**state)
    if loads:
        made._load_scenario(state)
    _objects[name] = made
    for key in dir(kind):
        if not key.startswith("_") and isinstance(getattr(kind, key), FunctionType):
            _methods[key] = getattr(made, key)


def _place(error: BaseException) -> str:
    """An error with the innermost line of a file that led to it."""
    files = {file for file, *_ in FILES}
    where = f"{error.filename}:{error.lineno}: " if isinstance(error, SyntaxError) else ""
    traceback = error.__traceback__
    while traceback is not None:
        if (file := traceback.tb_frame.f_code.co_filename) in files:
            where = f"{file}:{traceback.tb_lineno}: "
        traceback = traceback.tb_next
    return f"{where}{type(error).__name__}: {str(error)[:500]}"


def _call(chain: Sequence[tuple[str, Sequence[Any], Mapping[str, Any]]]) -> str:
    """Carry out calls of which later ones use the results of earlier ones; the last one's result, or the error."""
    results: list[Any] = []
    try:
        for name, args, kwargs in chain:
            given = {key: _resolved(value, results) for key, value in kwargs.items()}
            results.append(_methods[name](*[_resolved(value, results) for value in args], **given))
        text = _text(results[-1])
        if len(text) > LONGEST:
            return f"Error during execution: the result has {len(text)} characters"
    except BaseException as error:  # noqa: BLE001 - a method that ends the program only fails
        return f"Error during execution: {str(error)[:LONGEST]}"
    return text


def _resolved(value: Any, results: Sequence[Any]) -> Any:
    """A value in which `(..., n)` stands for the result of the call at that place."""
    kind = type(value)
    if kind is tuple and len(value) == 2 and value[0] is ...:
        return results[value[1]]
    if kind in (list, tuple, set):
        return kind([_resolved(item, results) for item in value])
    if kind is dict:
        return {_resolved(key, results): _resolved(item, results) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    """A result as BFCL writes it: text as it is, a map as JSON where that can be, everything else by `str`."""
    if type(value) is dict:
        try:
            return json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            return str(value)
    return value if type(value) is str else str(value)


def _look(_: Any) -> dict[str, Any]:
    """The public attributes of every object as plain values."""
    return {name: _attributes(made, ()) for name, made in _objects.items()}


def _attributes(made: Any, above: tuple[int, ...]) -> dict[str, Any]:
    slots = [name for kind in type(made).__mro__ for name in getattr(kind, "__slots__", ())]
    names = [*getattr(made, "__dict__", ()), *slots]
    there = [name for name in names if not name.startswith("_") and hasattr(made, name)]
    return {name: _plain(getattr(made, name), (*above, id(made))) for name in there}


def _plain(value: Any, above: tuple[int, ...]) -> Any:
    """A value of exact built-in types. Objects become `{"<Class>": {public attributes}}`."""
    for exact in _EXACT:
        if type(value) is exact:
            return value
    if id(value) in above:
        return f"<{type(value).__name__} above>"
    if len(above) > _DEEPEST:
        return "<too deep>"
    inner = (*above, id(value))
    if isinstance(value, dict):
        return {_key(key): _plain(item, inner) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        found = [_plain(item, inner) for item in value]
        return tuple(found) if isinstance(value, tuple) else found
    if isinstance(value, (set, frozenset)):
        return {"<set>": sorted((_plain(item, inner) for item in value), key=repr)}
    kind = f"<{type(value).__name__}>"
    return {kind: _attributes(value, above) or _shown(value)}


def _key(key: Any) -> Any:
    return key if type(key) in _EXACT else _shown(key)


def _shown(value: Any) -> str:
    """What a value without public attributes is: a date, a member of an enumeration, a number of another kind."""
    plain = type(value).__str__ is object.__str__ and type(value).__repr__ is object.__repr__
    return type(value).__name__ if plain else str(value)

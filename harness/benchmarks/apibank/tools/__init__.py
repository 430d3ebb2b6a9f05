"""The 50 APIs of levels 1 and 2 that a dialogue calls, written anew as functions over the benchmark's databases.

A function's signature is the API's schema: its annotations say how the text of a value is converted, its defaults
what may be missing. Each item starts from the initial databases and executes one call, so nothing is ever written to
them. An API that says no raises `Refused`; no recorded result has an exception, so what it says does not matter.

To add one: write the function in a module of this package and decorate it with `@tool(its rule)`; its name in
PascalCase is the API's, or give `name`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from harness.benchmarks.apibank.records import MISSING, UNKNOWN, CallError, Record, Refused

Rule = Callable[[Record, Record], bool]
"""Compares a result with the recorded one; a key that a record lacks is a `KeyError`."""

MODULES = ("accounts", "calendar", "clinic", "home", "lookups", "calculator", "search")


class Tool(NamedTuple):
    """One API."""

    name: str
    run: Callable[..., Any]
    rule: Rule
    parameters: Mapping[str, str]
    """Name -> `str`, `int`, `float`, `bool` or `list`."""
    required: tuple[str, ...]
    sparse: bool
    """Whether the result's `input` holds only what was given, and not the defaults of the rest."""


_TOOLS: dict[str, Tool] = {}


def tool(rule: Rule, name: str = "", sparse: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as an API.

    Args:
        rule: How its result is compared with the recorded one.
        name: Of the API, where the function's name does not give it.
        sparse: The result's `input` holds only what was given.

    Returns:
        A decorator that leaves the function as it is.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        made = make_tool(function, rule, name, sparse)
        _TOOLS[made.name] = made
        return function

    return register


def make_tool(function: Callable[..., Any], rule: Rule, name: str = "", sparse: bool = False) -> Tool:
    """Read the schema off a function."""
    parameters = inspect.signature(function).parameters
    return Tool(
        name or "".join(part.capitalize() for part in function.__name__.split("_")),
        function,
        rule,
        {key: str(parameter.annotation).partition(" ")[0] for key, parameter in parameters.items()},
        tuple(key for key, parameter in parameters.items() if parameter.default is parameter.empty),
        sparse,
    )


@cache
def tools() -> Mapping[str, Tool]:
    """All APIs by name."""
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
    return _TOOLS


def execute(called: Tool, given: Mapping[str, str]) -> Record:
    """Execute a call.

    Args:
        called: The API.
        given: Values by name, as text.

    Returns:
        The result; `exception` is set where the API says no.

    Raises:
        CallError: The call does not reach the API's body.
    """
    arguments = convert(called, given)
    if absent := [name for name in called.required if name not in arguments]:
        raise CallError("TypeError", MISSING, ", ".join(absent))
    shown: Any = arguments if called.sparse else {name: arguments.get(name) for name in called.parameters}
    output: Any = None
    exception = None
    try:
        output = called.run(**arguments)
    except Refused as refusal:
        exception = str(refusal) or "refused"
    return {"api_name": called.name, "input": shown or None, "output": output, "exception": exception}


RESERVED = ("self", "tool_name")
"""Names of the parameters of upstream's own method that makes the call."""


def convert(called: Tool, given: Mapping[str, str]) -> dict[str, Any]:
    """Convert the text of each value as the schema says (`tool_manager.py: api_call`).

    Args:
        called: The API.
        given: Values by name.

    Returns:
        Converted values by name.

    Raises:
        CallError: A name is unknown, or a number cannot be read.
    """
    if any(name in given for name in RESERVED):
        raise CallError("TypeError", "a reserved name")
    return {name: _value(called, name, text) for name, text in given.items()}


def _value(called: Tool, name: str, text: str) -> Any:
    kind = called.parameters.get(name)
    if kind is None:
        raise CallError("AssertionError", UNKNOWN, name)
    if kind == "bool":
        return text == "True"
    if kind not in ("int", "float"):
        return text
    if not (text if kind == "int" else text.replace(".", "", 1)).isdigit():
        raise CallError("AssertionError", "not a number", name)
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:  # a superscript digit, or more digits than `int` reads
        raise CallError("ValueError", "not a number", name) from None

"""One item's environments, and the execution of call strings in them.

    World.of(question).execute("cd(folder='docs')") -> '{"current_working_directory": "docs"}'

Every world has instances of its own, so nothing that a model does outlives its item. Upstream keeps instances for the
life of the process (quirks 25 and 26: judging twice starts from what was left, shared cards leak between items); what
it shares inside one judgement, the default lists of a method, is shared here too, by `pair`.
Upstream: `bfcl_eval/eval_checker/multi_turn_eval/multi_turn_utils.py`.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import localcontext
from functools import cache, lru_cache
from types import FunctionType, MethodType
from typing import Any

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.multi_turn import modules
from harness.benchmarks.bfcl.multi_turn.calls import CallPlan, Refused, plan
from harness.benchmarks.bfcl.multi_turn.guards import expanded, guarded

MAX_RESULT = 1_000_000
"""Characters of one result; the longest of the data has some 50 thousand."""
MAX_CALLS = 5_000
"""Calls of one world; 21 steps a turn are far below it."""
MAX_CHARACTERS = 30_000_000
"""Calls and results of one world together."""
MAX_SECONDS = 20.0
"""Spent in the calls of one world: each is bounded by itself, this ends an item that strings costly ones together."""

BANNED = frozenset({"kill", "exit", "quit", "remove", "unlink", "popen", "Popen", "run"})
"""Names upstream refuses to call, whoever they belong to."""

KEPT = 1_000
"""Characters of the longest call string whose parse is kept: the same calls come again in many items."""
PRECISE = ("logarithm", "square_root")
"""Methods of MathAPI that set the precision of mpmath or decimal for the whole process."""

_BLANK_BRACKET = re.compile(r"\s\(")
_WORD_BLANK_BRACKET = re.compile(r"\b([a-zA-Z_]\w*)\s+(?=\()")

# Long-context tables, decimal and mpmath precision are global to the process while a method runs.
_RUNNING = threading.RLock()


class World:
    """Instances of the classes that an item involves, each made when it is first needed.

    Args:
        question: The question record: `initial_config`, `involved_classes`, `id`.
        own: Functions that stand in for methods of the same name, from `own_methods`.
    """

    def __init__(self, question: Mapping[str, Any], own: Mapping[str, FunctionType]) -> None:
        self.used: dict[str, Any] = {}  # by class: what has not been called is as it was
        self.classes = tuple(question["involved_classes"])
        self._question = question
        self._methods = _methods(self.classes)
        self._own = own
        self._precise = PRECISE[0] in self._methods
        self._tangled = False
        self.new_session()

    @classmethod
    def of(cls, question: Mapping[str, Any]) -> World:
        """A world of its own."""
        return cls(question, own_methods(question))

    def execute(self, call: str) -> str:
        """Carry out a call string.

        Args:
            call: What the model wrote, as `call_strings` gives it.

        Returns:
            Its result as upstream shows it to the model and compares it; errors are results too.
        """
        with _RUNNING:
            started = time.perf_counter()
            try:
                self._spend(len(call))
                self._tangled = self._tangled or call.count("(") > 1
                if self._precise and any(name in call for name in PRECISE):
                    with _private_precision():
                        return self._rendered(_planned(call)(self._find))
                return self._rendered(_planned(call)(self._find))
            except Exception as error:  # noqa: BLE001  # whatever goes wrong is what the model is told
                return f"Error during execution: {str(error)[:MAX_RESULT]}"
            finally:
                self._seconds += time.perf_counter() - started

    def instance(self, name: str) -> Any:
        """The instance of a class, as the calls so far have left it."""
        if name not in self.used:
            config = self._question.get("initial_config", {}).get(name, {})
            self.used[name] = _instance(name, config, "long_context" in data.category_of(self._question["id"]))
        return self.used[name]

    def new_session(self) -> None:
        """Count costs from zero: another conversation in the same environments begins."""
        self._calls = self._characters = 0
        self._seconds = 0.0

    def _find(self, name: str) -> Callable[..., Any] | None:
        if name not in self._methods:
            return None
        owner, function = self._methods[name]
        return guarded(name, MethodType(self._own.get(name, function), self.instance(owner)))

    def _spend(self, characters: int) -> None:
        self._calls += 1
        self._characters += characters
        if self._calls > MAX_CALLS or self._characters > MAX_CHARACTERS or self._seconds > MAX_SECONDS:
            raise Refused("the item has used up what it may cost")

    def _rendered(self, value: Any) -> str:
        # A result that was handed on as an argument may share parts; written out, these can grow exponentially.
        if self._tangled and expanded(value, MAX_RESULT) > MAX_RESULT:
            raise Refused("the result is too long")
        text = as_text(value)
        self._characters += len(text)
        if len(text) > MAX_RESULT:
            raise Refused("the result is too long")
        return text


def pair(question: Mapping[str, Any]) -> tuple[World, World]:
    """The model's and the ground truth's world for one judgement; they share default arguments as upstream's do."""
    own = own_methods(question)
    return World(question, own), World(question, own)


def own_methods(question: Mapping[str, Any]) -> dict[str, FunctionType]:
    """Copies of the methods that have lists as defaults, so that what is put into these stays with one judgement."""
    return {name: _copied(function) for name, function in _remembering(tuple(question["involved_classes"]))}


@cache
def _remembering(classes: tuple[str, ...]) -> list[tuple[str, FunctionType]]:
    return [
        (name, function)
        for name, (_, function) in _methods(classes).items()
        if any(isinstance(value, list | dict | set) for value in function.__defaults__ or ())
    ]


@cache
def _methods(classes: tuple[str, ...]) -> Mapping[str, tuple[str, FunctionType]]:
    """Public methods by name, with the class they belong to."""
    return {key: (name, function) for name in classes for key, function in _public(name).items()}


@cache
def _public(name: str) -> Mapping[str, FunctionType]:
    environment = _class(name)
    found = {key: getattr(environment, key) for key in dir(environment) if not key.startswith("_")}
    return {key: function for key, function in found.items() if isinstance(function, FunctionType)}


def _class(name: str) -> type[Any]:
    environment: type[Any] = getattr(modules.load(data.FUNCTION_DOCS[name]), name)
    return environment


def _copied(function: FunctionType) -> FunctionType:
    defaults = tuple(modules.plain_copy(value) for value in function.__defaults__ or ())
    copied = FunctionType(function.__code__, function.__globals__, function.__name__, defaults, function.__closure__)
    copied.__qualname__ = function.__qualname__
    return copied


def _instance(name: str, config: Mapping[str, Any], long_context: bool) -> Any:
    instance = _class(name)()
    if hasattr(instance, "_load_scenario") and not name.startswith("Memory"):  # math has no state, memory starts empty
        instance._load_scenario(modules.plain_copy(config), long_context=long_context)
    if long_context:  # cards and bookings are merged in by reference (quirk 26)
        for key, value in vars(instance).items():
            setattr(instance, key, modules.plain_copy(value) if isinstance(value, dict | list) else value)
    return instance


def _planned(call: str) -> CallPlan:
    return _kept(call) if len(call) <= KEPT else plan(_rewritten(call))


@lru_cache(maxsize=16_384)
def _kept(call: str) -> CallPlan:
    return plan(_rewritten(call))


def _rewritten(call: str) -> str:
    """What upstream does to a call string first: no blanks between a word and a bracket, also inside strings."""
    callee = call.partition("(")[0].rstrip()
    callee = callee.split(".")[1] if "." in callee else callee
    if callee in BANNED:
        raise Refused(f"Function call {callee} is not allowed.")
    return _WORD_BLANK_BRACKET.sub(r"\1", call) if _BLANK_BRACKET.search(call) else call


@contextmanager
def _private_precision() -> Iterator[None]:
    """Keep what MathAPI does to mpmath's and decimal's precision from everything that comes after."""
    import mpmath

    before = mpmath.mp.prec
    try:
        with localcontext():
            yield
    finally:
        mpmath.mp.prec = before


def as_text(value: Any) -> str:
    """A result as upstream writes it: text as it is, a map as JSON where that can be, everything else by `str`."""
    if type(value) is str:
        return value
    if type(value) is dict:
        try:
            return _dumps(value)
        except (TypeError, ValueError, RecursionError):  # holds an mpf, a Decimal, a File, ...
            return str(value)
    return str(value)


def _quick_dumps() -> Callable[[Any], str]:
    """`json.dumps`, which makes a new C encoder for each value; making one takes longer than writing most results."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.dumps
    text = json.encoder.encode_basestring_ascii
    chunks = make(None, json.JSONEncoder().default, text, None, ": ", ", ", False, False, True)
    return lambda value: "".join(chunks(value, 0))


_dumps = _quick_dumps()

"""Calls and states of BFCL's multi-turn items, which no synthesised conversation may repeat.

What users say there is known to `refine.questions`; the queries of a conversation are held against it as those of any
example are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from harness.types import FunctionCall

Call = tuple[str, str]
"""A call to be compared: its name, and its arguments by parameter as JSON."""
ROW = 3
"""Neighbouring calls with equal arguments that are an item's own; single calls (`ls()`) and pairs may coincide."""
SHARED_TEXTS = 3
"""Texts that a state may have in common with an item's."""
COMMON = 10
"""States from which on a text belongs to the class and not to an item, such as a field's name or a ticker symbol; the
205 states have 1,012 texts, 150 of them in eight states or more."""
SHORTEST = 4
"""Characters of a text that says something."""


class ItemCalls:
    """What the ground truth of the multi-turn items calls.

    Raises:
        DataError: BFCL's data is not installed.
    """

    def __init__(self) -> None:
        self._turns: set[tuple[Call, ...]] = set()
        self._rows: set[tuple[Call, ...]] = set()
        for turns in _ground_truth():
            self._turns.update(turn for turn in turns if len(turn) > 1)
            self._rows.update(_rows([call for turn in turns for call in turn]))

    def objection(self, turns: Iterable[Sequence[FunctionCall]]) -> str | None:
        """What speaks against the calls of a conversation.

        Args:
            turns: The calls of each turn in their order.

        Returns:
            A turn's list of several calls is an item's, or three neighbouring calls are; None otherwise.
        """
        made = [tuple(_call(call.name, call.arguments) for call in turn) for turn in turns]
        for number, turn in enumerate(made):
            if turn in self._turns:
                return f"turn {number} makes the calls of an item's turn"
        if any(row in self._rows for row in _rows([call for turn in made for call in turn])):
            return f"{ROW} neighbouring calls are an item's"
        return None


class ItemStates:
    """The initial states of the multi-turn items: the texts in them, and those of a class as a whole.

    Raises:
        DataError: BFCL's data is not installed.
    """

    def __init__(self) -> None:
        states = [{text for text in _texts(state) if len(text) >= SHORTEST} for state in _initial_states()]
        counts = Counter(text for state in states for text in state)
        self._own = [frozenset(text for text in state if counts[text] < COMMON) for state in states]
        parts = (part for state in _initial_states() for part in state.values())
        self._parts = [part for part in parts if _leaves(part) > SHARED_TEXTS]

    def objection(self, state: Any) -> str | None:
        """What speaks against a generated state: it has several texts of one item's state, or holds a class's whole."""
        texts = set(_texts(state))
        shared = max((sorted(own & texts) for own in self._own), key=len, default=[])
        if len(shared) > SHARED_TEXTS:
            return f"the state shares {len(shared)} texts with an item's: {', '.join(shared[: SHARED_TEXTS + 1])}, ..."
        if any(_holds(state, part) for part in self._parts):
            return "the state holds the whole state of a class in an item"
        return None


@cache
def item_states() -> ItemStates:
    """The initial states of the items, read once a process."""
    return ItemStates()


def _ground_truth() -> Iterator[list[tuple[Call, ...]]]:
    from harness.benchmarks.bfcl import data

    for category in data.MULTI_TURN:
        for record, turns in zip(data.questions(category), data.answers(category), strict=True):
            classes = tuple(record["involved_classes"])
            yield [tuple(_read(call, classes) for call in turn) for turn in turns]


def _initial_states() -> list[Any]:
    """The distinct initial states of all items, class by class."""
    from harness.benchmarks.bfcl import data

    records = (record for category in data.MULTI_TURN for record in data.questions(category))
    return [json.loads(text) for text in {json.dumps(each["initial_config"], sort_keys=True): None for each in records}]


@cache
def _read(call: str, classes: tuple[str, ...]) -> Call:
    """A call string, compared by the parameters' names however its arguments were passed."""
    from harness.benchmarks.bfcl.multi_turn.calls import plan

    order = _parameters(classes)
    read: Call = plan(call)(lambda name: partial(_bound, name, order.get(name, ())))
    return read


def _bound(name: str, order: Sequence[str], /, *positional: Any, **named: Any) -> Call:
    return _call(name, {**dict(zip(order, positional, strict=False)), **named})


@cache
def _parameters(classes: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    from harness.benchmarks.bfcl import data

    docs = [doc for name in classes for doc in data.function_docs(name)]
    return {doc["name"]: tuple(doc["parameters"]["properties"]) for doc in docs}


def _call(name: str, arguments: Mapping[str, Any]) -> Call:
    return name, json.dumps(dict(arguments), sort_keys=True, default=str)


def _rows(calls: Sequence[Call]) -> Iterator[tuple[Call, ...]]:
    return (tuple(calls[start : start + ROW]) for start in range(len(calls) - ROW + 1))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of fields (and thus of files) included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _leaves(value: Any) -> int:
    """Values in a JSON value that are neither objects nor lists."""
    if isinstance(value, Mapping | list):
        return sum(map(_leaves, value.values() if isinstance(value, Mapping) else value))
    return 1


def _holds(value: Any, part: Any) -> bool:
    """Whether a value has everything that a part has: objects may have more fields."""
    if isinstance(value, Mapping) and isinstance(part, Mapping):
        return all(key in value and _holds(value[key], item) for key, item in part.items())
    return bool(value == part)

"""The values inside results and states, with the way to each.

A path leads to a value; its pattern names the place whatever the number or key: `("loans", "L401", "card")` has the
pattern `("loans", "*", "card")`. Which keys of an object are fields and which are data shows where states of several
seeds are laid beside each other: a field is in all of them.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from refine.synth.types import Path

ANY = "*"
KEY = "(key)"
"""Ends the path and the pattern of a value that is a key of an object."""
SHORTEST = 3
"""Characters of a text, or digits of a number, from which on it can tell where it comes from."""
LONGEST = 200_000
"""Characters of a result that is looked into."""
LONGEST_NAME = 60
"""Characters of a result that is text and may be a value as a whole."""
NOTHING = (None, "", "None")
MOST = 4_000
"""Leaves of one value."""


class Leaf(NamedTuple):
    """A value that is neither an object nor a list."""

    path: Path
    pattern: tuple[str, ...]
    value: Any


def parsed(text: str) -> Any:
    """A result as JSON values: JSON, a Python literal, else the text itself."""
    if len(text) > LONGEST or text[:1] not in "[{(\"'-0123456789tfnTFN":
        return text
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return text


@dataclass
class Shape:
    """Which keys are fields, by the pattern of their object."""

    fields: dict[tuple[str, ...], frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Sequence[Any]) -> Shape:
        """The shape that values have in common."""
        shape = cls()
        shape._learn((), values)
        return shape

    def _learn(self, pattern: tuple[str, ...], values: Sequence[Any]) -> None:
        objects = [value for value in values if isinstance(value, Mapping)]
        items = [item for value in values if isinstance(value, list | tuple) for item in value]
        if objects:
            fields = frozenset.intersection(*(frozenset(value) for value in objects))
            self.fields[pattern] = fields
            for name in fields:
                self._learn((*pattern, name), [value[name] for value in objects])
            items += [item for value in objects for key, item in value.items() if key not in fields]
        if items:
            self._learn((*pattern, ANY), items)

    def leaves(self, value: Any, keys: bool = True) -> list[Leaf]:
        """Leaves of a value of this shape.

        Args:
            value: JSON values.
            keys: Whether keys that are no fields are leaves, too.

        Returns:
            At most 4,000, in the order of the value.
        """
        found: list[Leaf] = []
        for leaf in self._walk(value, (), (), keys):
            found.append(leaf)
            if len(found) == MOST:
                break
        return found

    def pattern(self, path: Path) -> tuple[str, ...]:
        """The pattern of a path."""
        found: tuple[str, ...] = ()
        for part in path:
            is_field = isinstance(part, str) and (part == KEY or part in self.fields.get(found, ()))
            found = (*found, str(part) if is_field else ANY)
        return found

    def _walk(self, value: Any, path: Path, pattern: tuple[str, ...], keys: bool) -> Iterator[Leaf]:
        if isinstance(value, Mapping):
            fields = self.fields.get(pattern, frozenset())
            for key, item in value.items():
                data = keys and key not in fields
                if data:
                    yield Leaf((*path, key, KEY), (*pattern, ANY, KEY), key)
                yield from self._walk(item, (*path, key), (*pattern, ANY if data else key), keys)
        elif isinstance(value, list | tuple):
            for place, item in enumerate(value):
                yield from self._walk(item, (*path, place), (*pattern, ANY), keys)
        else:
            yield Leaf(path, pattern, value)


def result_leaves(text: str) -> list[Leaf]:
    """Leaves of a call's result; all keys of objects are taken for fields, and a sentence is no value."""
    value = parsed(text)
    if isinstance(value, str) and (len(value) > LONGEST_NAME or not set(value).isdisjoint(" {[(\n")):
        return []
    leaves = Shape().leaves(value, keys=False)
    return [leaf for leaf in leaves if not isinstance(leaf.value, bool) and leaf.value not in NOTHING]


def informative(text: str) -> bool:
    """Whether a result tells something: not empty, not only `false` or nothing."""
    leaves = Shape().leaves(parsed(text), keys=False)
    return any(leaf.value is not False and leaf.value not in NOTHING for leaf in leaves)


def visible(state: Any) -> Any:
    """A state without what draws random numbers: that moves on without anything having happened."""
    if isinstance(state, Mapping):
        return {
            key: visible(item)
            for key, item in state.items()
            if not (isinstance(item, str) and item.startswith("random:"))
        }
    return [visible(item) for item in state] if isinstance(state, list) else state


def telling(value: Any) -> bool:
    """Whether a value is rare enough to tell where it comes from: not short, not a truth value, not 0 or 100."""
    if isinstance(value, bool) or value is None:
        return False
    text = str(abs(value)) if isinstance(value, int | float) else str(value)
    return len(text.strip("0. ")) >= SHORTEST if not isinstance(value, str) else len(text) >= SHORTEST

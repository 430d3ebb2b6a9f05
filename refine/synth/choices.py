"""Which one of several: a call that takes one value out of a list leaves open which, unless somebody says it.

list_copies(book_id="B-7132") -> [{"copy_id": "B-7132/a", "shelf": "L16"}, {"copy_id": "B-7132/b", "shelf": "L17"}]
lend(copy_id="B-7132/b")      -> the 2nd of 2, the one with shelf "L17"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.types import Message
from refine.synth.leaves import parsed
from refine.synth.said import holds
from refine.synth.types import Path, Source, Trace, Turn

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several that a result holds."""

    parameter: str
    """Which parameter takes it."""
    place: int
    """In the list, from 1."""
    of: int
    beside: tuple[tuple[str, Any], ...] = ()
    """What no other of them has: its fields by name; the value itself, by an empty name, where it is not an object."""

    def told(self) -> str:
        """As a writer of queries is told."""
        apart = ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}".strip() for name, value in self.beside)
        return f"{self.parameter}: number {self.place} of {self.of}" + (f", the one with {apart}" if apart else "")

    def is_said(self, text: str) -> bool:
        """Whether a text says which: by what nothing else has, or by its place."""
        if any(holds(text, value) for _, value in self.beside):
            return True
        words = [rf"(?:number|no\.?|#)\s*{self.place}\b", rf"\b{self.place}(?:st|nd|rd|th)\b"]
        words += [rf"\b{ORDINALS[self.place - 1]}\b"] if self.place <= len(ORDINALS) else []
        words += [r"\blast\b"] if self.place == self.of else []
        return re.search("|".join(words), text, re.IGNORECASE) is not None


def choices(turn: Turn, trace: Trace) -> list[Choice]:
    """What the user must choose in a turn.

    Args:
        turn: The turn.
        trace: Its conversation.

    Returns:
        Each choice once, in the order of the calls; none where a call takes all that the list holds.
    """
    results = {step.index: step.result for step in trace.steps()}
    found: dict[Choice, None] = {}
    for step in turn.steps:
        taken = [source for source in step.sources if source.kind == "result" and source.step in results]
        for source in taken:
            for prefix, place, items, rest in _lists(parsed(results[source.step or 0]), source.path):
                siblings = [each for each in taken if each.step == source.step and each.path[: len(prefix)] == prefix]
                if len({each.path[len(prefix)] for each in siblings}) < len(items):
                    found |= dict.fromkeys(_choice(source, place, items, rest))
    return list(found)


def choice_problem(query: str, before: Sequence[Message], open_choices: Sequence[Choice]) -> str | None:
    """What a user's message leaves open.

    Args:
        query: The message.
        before: The conversation so far.
        open_choices: Of the turn.

    Returns:
        The reason; None where every choice is said in it or was before.
    """
    heard = "\n".join([query, *(str(message["content"]) for message in before if message["role"] == "user")])
    unsaid = next((choice for choice in open_choices if not choice.is_said(heard)), None)
    return f"it does not say which {unsaid.parameter} of {unsaid.of} is meant" if unsaid else None


def _lists(value: Any, path: Path) -> Iterator[tuple[Path, int, Sequence[Any], Path]]:
    """Each list on the way to a value: the way to it, the place in it, what it holds, the way on."""
    for depth, part in enumerate(path):
        try:
            if isinstance(value, list | tuple):
                yield path[:depth], int(part), value, path[depth + 1 :]
                value = value[int(part)]
            else:
                value = value[part]
        except (LookupError, TypeError, ValueError):
            return


def _choice(source: Source, place: int, items: Sequence[Any], rest: Path) -> Iterator[Choice]:
    """The choice of one item, where the others would give another value."""
    item, others = items[place], [each for index, each in enumerate(items) if index != place]
    if any(_at(each, rest) != _at(item, rest) for each in others):
        apart: list[tuple[str, Any]] = []
        if not isinstance(item, Mapping | list | tuple):
            apart = [("", item)]
        elif isinstance(item, Mapping):
            apart = [
                (str(name), value)
                for name, value in item.items()
                if isinstance(value, str | int | float)
                and not isinstance(value, bool)
                and value != ""
                and name not in rest[:1]
                and all(not isinstance(each, Mapping) or each.get(name) != value for each in others)
            ]
        yield Choice(str(source.parameter[0]), place + 1, len(items), tuple(apart))


def _at(value: Any, path: Path) -> Any:
    try:
        for part in path:
            value = value[part]
    except (LookupError, TypeError):
        return None
    return value

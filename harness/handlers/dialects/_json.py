"""Calls as JSON objects: each in marks of its own, in one list, or bare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from harness.handlers.dialects._found import Found, beside, call, decode, dump, skip, unfenced
from harness.handlers.dialects._python import literal
from harness.types import FunctionCall, Tool

OPENING = re.compile(r"```[a-z_]*\s*|[\s,;]+")
"""What may stand between a mark and the value, or between two values."""
CANDIDATE = re.compile(r"\[\s*(?=\{|\])|\{\s*(?=[\"'])")
LIKE_A_CALL = re.compile(r"""\{\s*["'](?:name|tool_name|function|tool_call_id|type)["']\s*:""")
TRIES = 20
"""Places in a text at which bare calls are looked for; on hostile text each costs its length."""
ARGUMENTS = ("arguments", "parameters")


@dataclass(frozen=True, slots=True)
class JsonCalls:
    """JSON objects with a name and arguments."""

    starts: tuple[str, ...] = ()
    """Marks after which a value or several stand; without one in the text, values are looked for without."""
    ends: tuple[str, ...] = ()
    """Marks that may follow."""
    name: str = "name"
    arguments: str = "arguments"
    by_name: bool = False
    """The function's name is the key of the object, its arguments the value."""
    nothing: str | None = None
    """The name that is written where no call is made."""
    item: str = "{call}"
    wrap: str = "[{calls}]"
    separator: str = ", "
    numbered: str | None = None
    """A key that holds the call's number as text."""
    outer: tuple[str, ...] = ()
    """Marks around an answer, no part of it."""

    def read(self, text: str, tools: Sequence[Tool]) -> Found:
        """Find the calls behind the marks, or bare ones where there is no mark."""
        for mark in self.outer:
            text = text.replace(mark, "")
        if self._marks(text, 0) is None:
            return self._bare(text)
        first = text.lstrip()
        if first.startswith(("[", "{", "```")) and not first.startswith(self.starts):
            # The mark may stand inside a string.
            bare = self._bare(text)
            if bare.calls and not bare.broken and self._marks(bare.text, 0) is None:
                return bare
        return self._marked(text)

    def write(self, calls: Sequence[FunctionCall]) -> str:
        """Write calls; none are written as nothing at all."""
        written = [self.item.replace("{call}", dump(self._object(call, n))) for n, call in enumerate(calls)]
        return self.wrap.replace("{calls}", self.separator.join(written)) if written else ""

    def _object(self, call: FunctionCall, number: int) -> dict[str, Any]:
        if self.by_name:
            return {call.name: dict(call.arguments)}
        head = {self.numbered: str(number)} if self.numbered else {}
        return {**head, self.name: call.name, self.arguments: dict(call.arguments)}

    def _marks(self, text: str, at: int) -> tuple[int, int] | None:
        """Start and end of the next mark."""
        return _first(self.starts, text, at, len(text))

    def _marked(self, text: str) -> Found:
        calls: list[FunctionCall] = []
        spans, broken, at = [], False, 0
        while place := self._marks(text, at):
            made, at = self._values(text, place[1])
            broken = broken or made is None
            calls += made or ()
            spans.append((place[0], at))
        return Found(tuple(calls), beside(text, spans), broken)

    def _values(self, text: str, at: int) -> tuple[list[FunctionCall] | None, int]:
        """The calls of all values from here to the end mark, and where that ends; None where one is not a call."""
        limit = self._end(text, at)
        calls: list[FunctionCall] = []
        count = opened = 0
        while (start := _skip(text, at)) < len(text) and text[start] in "[{":
            try:
                value, at = self._value(text, start, limit)
                calls += self._calls(value, strict=False)
            except ValueError:
                opened += 1
                if text[start] == "[" and not count and opened < TRIES:  # a list without its end, or with a broken item
                    at = start + 1
                    continue
                return None, max(limit[1], start + 1)
            count += 1
        at = _skip(text, at)
        for end in self.ends:
            if text.startswith(end, at):
                at += len(end)
                break
        return (calls if count else None), at

    def _end(self, text: str, at: int) -> tuple[int, int]:
        following = self._marks(text, at)
        until = following[0] if following else len(text)
        return _first(self.ends, text, at, until) or (until, until)

    @staticmethod
    def _value(text: str, at: int, limit: tuple[int, int]) -> tuple[Any, int]:
        """A JSON value; where it is none, the longest Python literal up to the next mark."""
        try:
            return decode(text, at)
        except ValueError:
            end = limit[0]
        for _ in range(TRIES):
            end = max(text.rfind("]", at, end), text.rfind("}", at, end))
            if end < 0:
                break
            try:
                return literal(text[at : end + 1]), end + 1
            except ValueError:
                continue
        raise ValueError("neither JSON nor a literal")

    def _calls(self, value: Any, strict: bool) -> list[FunctionCall]:
        """The calls in a value.

        Raises:
            ValueError: It is not a call and no list of calls.
        """
        made = [self._call(item, strict) for item in (value if isinstance(value, list) else [value])]
        if None in made:
            raise ValueError("not a call")
        return [item for item in made if item and item.name != self.nothing]

    def _call(self, item: Any, strict: bool) -> FunctionCall | None:
        if not isinstance(item, Mapping):
            return None
        if self.by_name and len(item) == 1:
            [(name, given)] = item.items()
            return call(name, given)
        if isinstance(item.get("function"), Mapping):
            item = item["function"]
        keys = [key for key in (self.arguments, *ARGUMENTS) if key in item]
        if strict and not keys:
            return None
        return call(item.get(self.name, item.get("name")), item[keys[0]] if keys else {})

    def _bare(self, text: str) -> Found:
        """Calls without marks: the whole text, or the first run of them in it."""
        inner = unfenced(text)
        for start in self._places(inner):
            calls, at, end = [], start, start
            try:
                while at < len(inner) and inner[at] in "[{":
                    value, end = self._value(inner, at, (len(inner), len(inner)))
                    calls += self._calls(value, strict=not self.by_name)
                    at = _skip(inner, end)
            except ValueError:
                if not calls:
                    continue
            if calls or inner[start:end].strip("[] \n") == "":
                cut = LIKE_A_CALL.match(inner, at) is not None
                return Found(tuple(calls), beside(inner, [(start, end)]), cut)
        return Found((), text.strip(), LIKE_A_CALL.search(text) is not None)

    @staticmethod
    def _places(text: str) -> Iterator[int]:
        for number, found in enumerate(CANDIDATE.finditer(text)):
            if number == TRIES:
                return
            yield found.start()


def _first(marks: Sequence[str], text: str, at: int, until: int) -> tuple[int, int] | None:
    """Start and end of the first of some marks between two places, the shortest of several that start there."""
    found = _any_of(tuple(marks)).search(text, at, until)
    return found.span() if found else None


@cache
def _any_of(marks: tuple[str, ...]) -> re.Pattern[str]:
    """Any of some marks; without one nothing matches."""
    return re.compile("|".join(map(re.escape, sorted(filter(None, marks), key=len))) or r"(?!)")


def _skip(text: str, at: int) -> int:
    """The place after white space, separators and the opening of a fence."""
    while found := OPENING.match(text, at):
        at = found.end()
    return skip(text, at)

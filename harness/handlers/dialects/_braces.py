"""`call:name{key:value}` with a string delimiter of its own, as Gemma's function-calling models write it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.handlers.dialects._found import Found, beside, dump, primitive, skip
from harness.types import FunctionCall, Tool

PRIMITIVE = re.compile(r"[^,}\]\[{]*")
KEY = re.compile(r"[^:{}\[\],]*")
DEPTH = 50


@dataclass(frozen=True, slots=True)
class BraceCalls:
    """Bare keys; strings between two delimiters; no escapes."""

    start: str
    end: str
    delimiter: str

    def read(self, text: str, tools: Sequence[Tool]) -> Found:
        """Find the calls between the marks."""
        calls: list[FunctionCall] = []
        spans, broken, at = [], False, 0
        while (begin := text.find(self.start, at)) >= 0:
            at = begin + len(self.start)
            try:
                made, at = self._one(text, at)
                calls.append(made)
            except ValueError:
                broken = True
                at = end + len(self.end) if (end := text.find(self.end, at)) >= 0 else len(text)
            spans.append((begin, at))
        return Found(tuple(calls), beside(text, spans), broken)

    def write(self, calls: Sequence[FunctionCall]) -> str:
        """Write calls side by side."""
        return "".join(
            f"{self.start}call:{self._name(call.name)}{self._written(dict(call.arguments))}{self.end}" for call in calls
        )

    def _one(self, text: str, at: int) -> tuple[FunctionCall, int]:
        opened = re.compile(r"\s*call:\s*([\w.\-]+)\s*(?=\{)").match(text, at)
        if not opened:
            raise ValueError("no name")
        value, at = self._value(text, opened.end(), 0)
        at = skip(text, at)
        if not text.startswith(self.end, at):
            if at < len(text):
                raise ValueError("no end mark")
            return FunctionCall(opened[1], value), at
        return FunctionCall(opened[1], value), at + len(self.end)

    def _value(self, text: str, at: int, depth: int) -> tuple[Any, int]:
        """The value at a place and where it ends.

        Raises:
            ValueError: It does not end, or is nested too deeply.
        """
        at = skip(text, at)
        if depth > DEPTH:
            raise ValueError("nested too deeply")
        if text.startswith(self.delimiter, at):
            begin = at + len(self.delimiter)
            end = text.find(self.delimiter, begin)
            if end < 0:
                raise ValueError("a string without an end")
            return text[begin:end], end + len(self.delimiter)
        if text.startswith("{", at):
            return self._members(text, at + 1, depth)
        if text.startswith("[", at):
            return self._items(text, at + 1, depth)
        found = PRIMITIVE.match(text, at)
        raw = found[0].strip() if found else ""
        if not raw or found is None:
            raise ValueError("no value")
        return primitive(raw), found.end()

    def _members(self, text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        while not text.startswith("}", at := skip(text, at)):
            if text.startswith(self.delimiter, at):
                key, at = self._value(text, at, depth + 1)
                at = skip(text, at)
            else:
                found = KEY.match(text, at)
                key, at = (found[0].strip(), found.end()) if found else ("", at)
            if not text.startswith(":", at):
                raise ValueError("a key without a value")
            members[key], at = self._value(text, at + 1, depth + 1)
            at = self._comma(text, at, "}")
        return members, at + 1

    def _items(self, text: str, at: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        while not text.startswith("]", at := skip(text, at)):
            item, at = self._value(text, at, depth + 1)
            items.append(item)
            at = self._comma(text, at, "]")
        return items, at + 1

    @staticmethod
    def _comma(text: str, at: int, end: str) -> int:
        at = skip(text, at)
        if text.startswith(",", at):
            return at + 1
        if not text.startswith(end, at):
            raise ValueError(f"no {end}")
        return at

    def _written(self, value: Any) -> str:
        match value:
            case str():
                if self.delimiter in value:
                    raise ValueError(f"a string holds {self.delimiter}, which ends it")
                return f"{self.delimiter}{value}{self.delimiter}"
            case dict():
                return "{" + ",".join(f"{self._name(key)}:{self._written(item)}" for key, item in value.items()) + "}"
            case list():
                return "[" + ",".join(map(self._written, value)) + "]"
        return dump(value)

    @staticmethod
    def _name(name: Any) -> str:
        if not isinstance(name, str) or not re.fullmatch(r"[\w.\-]+", name):
            raise ValueError(f"{name!r} cannot be written as a name")
        return name

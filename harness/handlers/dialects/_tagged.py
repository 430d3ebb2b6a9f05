"""Parameters in tags, values as untyped text: a value becomes what the parameter's type says.

A value has no escapes, so one that holds its end tag cannot be written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.handlers.dialects._found import Found, beside, dump, skip, types
from harness.handlers.dialects._python import literal
from harness.types import FunctionCall, Tool

TEXT = ("string", "any", "char", "String")
"""Types whose values stay text; so does every type of another language that names no number, list or map."""
TYPED = re.compile(r"int|num|float|double|bool|array|list|tuple|dict|object|map|long|short|byte|null", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TaggedCalls:
    """`<function=name><parameter=key>value</parameter></function>` and its like."""

    head: re.Pattern[str]
    """What opens a call, with the group `name`."""
    key: re.Pattern[str]
    """What opens a parameter, with the group `key`; a group `text` says whether the value is text."""
    value_end: str
    call_end: re.Pattern[str]
    """What closes a call."""
    item: str
    """A call as it is written: `{name}`, `{parameters}`."""
    parameter: str
    """A parameter as it is written: `{key}`, `{value}`, and `{text}` for whether it is text."""
    pad: str = ""
    """White space on each side of a value that belongs to the format, once."""
    wrap: str = "{calls}"
    separator: str = "\n"
    outer: tuple[str, ...] = ()
    """Marks around all calls, no part of the text."""

    def read(self, text: str, tools: Sequence[Tool]) -> Found:
        """Find the calls."""
        calls: list[FunctionCall] = []
        spans, broken, at = [], False, 0
        while begin := self.head.search(text, at):
            made, at = self._one(text, begin, tools)
            broken = broken or made is None
            calls += [made] if made else []
            spans.append((begin.start(), at))
        said = beside(text, spans)
        for mark in self.outer:
            said = said.replace(mark, "")
        cut = not calls and any(mark in text for mark in self.outer[:1])
        return Found(tuple(calls), said.strip(), broken or cut)

    def write(self, calls: Sequence[FunctionCall]) -> str:
        """Write calls; none are written as nothing at all."""
        return self.wrap.replace("{calls}", self.separator.join(map(self._written, calls))) if calls else ""

    def _written(self, call: FunctionCall) -> str:
        if not re.fullmatch(r"[\w.\-]+", call.name):
            raise ValueError(f"{call.name!r} cannot be written as a name")
        parameters = "".join(self._parameter(key, value) for key, value in call.arguments.items())
        return self.item.replace("{name}", call.name).replace("{parameters}", parameters)

    def _parameter(self, key: str, value: Any) -> str:
        if not re.fullmatch(r"\w+", key):
            raise ValueError(f"{key!r} cannot be written as a parameter's name")
        written = value if isinstance(value, str) else dump(value)
        if self.value_end in written:
            raise ValueError(f"the value of {key} holds {self.value_end}, which ends a value")
        head = self.parameter.replace("{key}", key).replace("{text}", str(isinstance(value, str)).lower())
        return head.replace("{value}", written)

    def _one(self, text: str, begin: re.Match[str], tools: Sequence[Tool]) -> tuple[FunctionCall | None, int]:
        name, at = begin["name"].strip(), begin.end()
        known = types(tools, name)
        arguments: dict[str, Any] = {}
        while opened := self.key.match(text, skip(text, at)):
            end = text.find(self.value_end, opened.end())
            if end < 0:
                return None, len(text)
            arguments[opened["key"].strip()] = self._value(text[opened.end() : end], opened, known, bool(tools))
            at = end + len(self.value_end)
        closed = self.call_end.match(text, at)
        if closed:
            return FunctionCall(name, arguments), closed.end()
        # A last mark that is missing at the very end is a slip; text in its place is not a call.
        rest = skip(text, at)
        return (FunctionCall(name, arguments) if arguments and rest == len(text) else None), at

    def _value(self, raw: str, opened: re.Match[str], known: Mapping[str, str] | None, typed: bool) -> Any:
        if self.pad:
            raw = raw.removeprefix(self.pad).removesuffix(self.pad)
        said = opened.groupdict().get("text")
        if said is not None:
            return raw if said == "true" else _untyped(raw)
        if not typed:
            return _untyped(raw)
        kind = (known or {}).get(opened["key"].strip(), "string")
        return raw if kind in TEXT or not TYPED.search(kind) else _untyped(raw)


def _untyped(raw: str) -> Any:
    """The JSON value or Python literal that a text is; itself where it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        pass
    try:
        value = literal(raw.strip())
    except ValueError:
        return raw
    return raw if isinstance(value, str) else value

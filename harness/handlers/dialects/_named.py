"""A name, then its arguments as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.handlers.dialects._found import Found, beside, call, decode, dump, unfenced
from harness.types import FunctionCall, Tool


@dataclass(frozen=True, slots=True)
class NamedCalls:
    """`name` + separator + `{...}`."""

    heads: tuple[re.Pattern[str], ...]
    """What stands before the JSON, with the group `name`; the first that is in the text counts."""
    item: str
    """A call as it is written: `{name}`, `{arguments}`, `{n}`."""
    bare: re.Pattern[str] | None = None
    """A head without marks: the text must start with it, and each further call follow directly."""
    tail: re.Pattern[str] | None = None
    """What may follow the JSON."""
    wrap: str = "{calls}"
    separator: str = ""
    prose: re.Pattern[str] | None = None
    """Where the answer's text is, as group 1; None for everything beside the calls."""
    marks: tuple[str, ...] = ()
    """Marks around all calls, no part of the text."""

    def read(self, text: str, tools: Sequence[Tool]) -> Found:
        """Find the calls behind their heads."""
        for head in self.heads:
            if head.search(text):
                found = self._scan(text, head)
                break
        else:
            found = self._follow(text)
        said = found.text
        for mark in self.marks:
            said = said.replace(mark, "")
        if self.prose:
            said = last[-1] if (last := self.prose.findall(text)) else ("" if found.calls else text)
        return Found(found.calls, said.strip(), found.broken)

    def write(self, calls: Sequence[FunctionCall]) -> str:
        """Write calls; none are written as nothing at all."""
        written = [self._written(call, number) for number, call in enumerate(calls)]
        return self.wrap.replace("{calls}", self.separator.join(written)) if written else ""

    def _written(self, call: FunctionCall, number: int) -> str:
        if not re.fullmatch(r"[\w.\-]+", call.name):
            raise ValueError(f"{call.name!r} cannot be written as a name")
        head, _, rest = self.item.replace("{n}", str(number)).replace("{name}", call.name).partition("{arguments}")
        return f"{head}{dump(dict(call.arguments))}{rest}"

    def _scan(self, text: str, head: re.Pattern[str]) -> Found:
        calls: list[FunctionCall] = []
        spans, broken, at = [], False, 0
        while begin := head.search(text, at):
            made, at = self._one(text, begin)
            broken = broken or made is None
            calls += [made] if made else []
            spans.append((begin.start(), at))
        return Found(tuple(calls), beside(text, spans), broken)

    def _follow(self, text: str) -> Found:
        """Calls without marks, one directly after the other from the start on."""
        if self.bare is None:
            return Found((), text.strip())
        inner = unfenced(text).strip()
        calls: list[FunctionCall] = []
        at = 0
        while begin := self.bare.match(inner, at):
            made, end = self._one(inner, begin)
            if made is None:
                return Found((), text.strip(), True)
            calls.append(made)
            at = end
        return Found(tuple(calls), inner[at:].strip() if calls else text.strip())

    def _one(self, text: str, begin: re.Match[str]) -> tuple[FunctionCall | None, int]:
        try:
            value, end = decode(text, begin.end())
        except ValueError:
            return None, begin.end()
        if self.tail and (after := self.tail.match(text, end)):
            end = after.end()
        return call(begin["name"].strip(), value), end

"""For models that write as much as they like and then `CALL:` and the calls."""

from __future__ import annotations

from dataclasses import dataclass

from harness.handlers import join_think, merge, split_think
from harness.protocols import Written
from harness.types import Generation, ModelInfo, Prompt, Query, Reply

MARK = "CALL: "


@dataclass(frozen=True, slots=True)
class LastCall:
    """Fields are options that a run can replace: `think_prefix` is the flag `--think-prefix`."""

    name: str = "lastcall"
    think_prefix: str = ""
    """Text the reply is forced to start with."""

    def matches(self, model: ModelInfo) -> str | None:
        """Why `--handler auto` should choose it for a model; None leaves the choice to others."""
        return "its chat template asks for CALL:" if MARK in (model.chat_template or "") else None

    def render(self, query: Query) -> Prompt:
        """The benchmark's instruction goes into the system message."""
        return Prompt(merge(query.messages, query.instruction), prefix=self.think_prefix)

    def parse(self, generation: Generation, query: Query) -> Reply:
        """Never raises; what is not as it should be is a `problem`."""
        think, text = split_think(self.think_prefix + generation.text)
        _, mark, answer = text.rpartition(MARK)
        return Reply(think, answer, problem=None if mark else "no_mark")

    def write(self, reply: Reply) -> Written:
        """The inverse of `parse`; training takes its loss regions from the two spans."""
        return join_think(reply.think, MARK + reply.text, prefix=self.think_prefix)


PLUGIN = LastCall()

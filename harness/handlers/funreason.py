"""FunReason's convention (arXiv 2505.20192): a reply is forced to start with `<think>`, and its last line counts.

    <think>                      <- forced: the prefix of the prompt, not part of the generation
    The user asks for the weather.
    </think>

    [get_weather(city='Bern')]   <- the answer: the last piece after splitting at a line break

The first `</think>` closes the block: for the model thinking is over there. Line breaks at the very end belong to the
last line and do not open an empty one. Where a program and not a call is expected, everything after the block counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.handlers import CLOSE, OPEN, require
from harness.handlers._messages import fit, prompted
from harness.protocols import Written
from harness.types import Generation, ModelInfo, Prompt, Query, Reply

TRAINED_SO = re.compile(r"funreason|(^|[/_-])tiny$", re.IGNORECASE)
"""Names of published checkpoints that were trained on this convention; others say so in their `train.json`."""


@dataclass(frozen=True, slots=True)
class FunReasonHandler:
    """BFCL prompting with a forced think block and a one-line answer."""

    name: str = "funreason"
    think_prefix: str = f"{OPEN}\n"
    """Text the reply is forced to start with."""
    answer_delimiter: str = "\n"
    """The answer to a query for calls is what follows the last of these."""
    takes: str = "auto"
    """`api`, or what the chat template takes by commas; auto: as the official local handlers assume."""

    def matches(self, model: ModelInfo) -> str | None:
        """Fits checkpoints that were trained so, by their name; thinking as such does not make a last line count."""
        found = TRAINED_SO.search(model.name) or TRAINED_SO.search(model.adapter or "")
        return f"its name says {found[0].strip('/_-')!r}" if found else None

    def fit(self, model: ModelInfo) -> tuple[Mapping[str, Any], str]:
        """What the model's template takes; a server is sent tool results as a user's message."""
        return fit(self.takes, model)

    def render(self, query: Query) -> Prompt:
        """Merge the benchmark's instruction into the system message and force the start of the reply."""
        return Prompt(prompted(query, self.takes), prefix=self.think_prefix)

    def parse(self, generation: Generation, query: Query) -> Reply:
        """Split thinking and answer.

        A block that never closes is the problem `unclosed_think`; its last line is still given as the answer, because
        the paper's rule splits the whole reply.
        """
        think, rest, problem = self._split(generation)
        if problem is None and generation.finish == "length":
            problem = "truncated"
        if query.expects == "text":
            return Reply(think, rest.lstrip("\n"), problem=problem)
        last = rest.rstrip("\n").rsplit(self.answer_delimiter, 1)[-1]
        return Reply(think, last.strip("\n"), problem=problem)

    def _split(self, generation: Generation) -> tuple[str | None, str, str | None]:
        """Thinking, what follows it, and the problem with it."""
        if generation.reasoning is not None:
            return generation.reasoning, generation.text.rpartition(CLOSE)[2], None
        whole = self.think_prefix + generation.text
        before, opened, body = whole.partition(OPEN)
        if not opened or before.strip():
            before, closed, rest = whole.partition(CLOSE)
            return (before.strip("\n"), rest, None) if closed else (None, whole, None)
        if body.lstrip().startswith(OPEN):  # the model opens the block that was opened for it
            body = body.lstrip().removeprefix(OPEN)
        think, closed, rest = body.partition(CLOSE)
        if not closed:
            return body.removeprefix("\n"), body, "unclosed_think"
        # "<think>\n</think>" is a reply without thinking, "<think>\n\n</think>" one with empty thinking.
        inner = think.removeprefix("\n")
        return (inner.removesuffix("\n") if inner else None), rest, None

    def write(self, reply: Reply) -> Written:
        """The reply as text, from the forced `<think>` on.

        An answer of several lines is written as it is: it reads back whole where text is expected, and only its last
        line where calls are.

        Raises:
            ValueError: It has a problem or native calls, its thinking closes itself, or its answer starts with a
                line break.
        """
        require(reply.problem is None and reply.calls is None, "it is broken or has native calls")
        require(CLOSE not in (reply.think or ""), f"the thinking contains {CLOSE}")
        require(not (reply.think or "").lstrip().startswith(OPEN), f"the thinking starts with a second {OPEN}")
        require(not reply.text.startswith("\n"), "the answer starts with a line break")
        block = f"{OPEN}\n{CLOSE}" if reply.think is None else f"{OPEN}\n{reply.think}\n{CLOSE}"
        text = f"{block}\n\n{reply.text}"
        require(text.startswith(self.think_prefix), f"it does not start with {self.think_prefix!r}")
        return Written(text, (0, len(block)), (len(block), len(text)))


PLUGIN = FunReasonHandler()

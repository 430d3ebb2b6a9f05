"""Plain BFCL prompting: functions in the system text, calls as text, thinking stripped as upstream's Qwen handler does.

<think>            <- only where the model writes it by itself
The user asks for the weather.
</think>

[get_weather(city='Bern')]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.handlers import OPEN, join_think, require, split_think
from harness.handlers._messages import fit, prompted
from harness.protocols import Written
from harness.types import Generation, ModelInfo, Prompt, Query, Reply


@dataclass(frozen=True, slots=True)
class PromptHandler:
    """Prompting mode."""

    name: str = "prompt"
    think_prefix: str = ""
    """Text the reply is forced to start with."""
    takes: str = "auto"
    """`api`, or what the chat template takes by commas; auto: as the official local handlers assume."""

    def matches(self, model: ModelInfo) -> str | None:
        """Fits every model that follows instructions."""
        return "plain prompting suits every chat model"

    def fit(self, model: ModelInfo) -> tuple[Mapping[str, Any], str]:
        """What the model's template takes; a server is sent tool results as a user's message."""
        return fit(self.takes, model)

    def render(self, query: Query) -> Prompt:
        """Merge the benchmark's instruction into the system message."""
        return Prompt(prompted(query, self.takes), prefix=self.think_prefix)

    def parse(self, generation: Generation, query: Query) -> Reply:
        """Answer = text after the last `</think>`; a block that never closes stays in the answer, as upstream."""
        problem = "truncated" if generation.finish == "length" else None
        if generation.reasoning is not None:
            return Reply(generation.reasoning, split_think(generation.text)[1], problem=problem)
        think, text = split_think(self.think_prefix + generation.text)
        if think is None and text.lstrip().startswith(OPEN):
            problem = "unclosed_think"
        return Reply(think, text, problem=problem)

    def write(self, reply: Reply) -> Written:
        """The reply as text, thinking in a block of its own before it.

        Raises:
            ValueError: It has a problem or native calls, or holds think tags in the wrong place.
        """
        require(reply.problem is None and reply.calls is None, "it is broken or has native calls")
        return join_think(reply.think, reply.text, self.think_prefix)


PLUGIN = PromptHandler()

"""Base models: no chat template, text that is continued.

A program is asked for by its beginning, as the benchmark gives it, and is beginning and continuation together:

    def add(a, b):                                              <- asked
        \"\"\"Add two numbers.\"\"\"
        return a + b                                            <- the model's, up to a stop string

Calls are asked for by examples (`harness.handlers._fewshot`), and left as text to the benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.errors import UsageProblem
from harness.handlers import _fewshot, require
from harness.protocols import Written
from harness.types import Generation, ModelInfo, Opening, Prompt, Query, Reply


@dataclass(frozen=True, slots=True)
class CompletionHandler:
    """Continued text."""

    name: str = "completion"
    continues: ClassVar[bool] = True
    think_prefix: str = ""
    """What a continuation is forced to start with."""
    num_fewshot: int = len(_fewshot.EXAMPLES)
    """Examples before a question that wants calls."""

    def __post_init__(self) -> None:
        if not 0 <= self.num_fewshot <= len(_fewshot.EXAMPLES):
            raise UsageProblem(f"--num-fewshot {self.num_fewshot}", f"There are {len(_fewshot.EXAMPLES)} examples.")

    def matches(self, model: ModelInfo) -> str | None:
        """Fits models whose files are known to hold no chat template."""
        known = (model.path or model.model_type) and not model.remote
        return "its tokenizer has no chat template" if known and not model.chat_template else None

    def fit(self, model: ModelInfo) -> tuple[Mapping[str, Any], str]:
        """The number of examples, for the record."""
        why = f"text to be continued, a program's own or {self.num_fewshot} examples before a call"
        unused = ", not its chat template" if model.chat_template else ""
        return {"num_fewshot": self.num_fewshot}, why + unused

    def render(self, query: Query) -> Prompt:
        """The text, for an engine that continues it as it is."""
        opening = self._opening(query)
        message = {"role": "user", "content": opening.text}
        return Prompt((message,), prefix=self.think_prefix, raw=True, stop=opening.stop)

    def parse(self, generation: Generation, query: Query) -> Reply:
        """The continuation, behind the beginning where that belongs to the answer; tabs are four spaces there."""
        text = self.think_prefix + generation.text
        problem = "truncated" if generation.finish == "length" else None
        if query.opening:
            return Reply(None, query.opening.text + text.replace("\t", "    "), problem=problem)
        return Reply(None, text.strip(), problem=problem)

    def write(self, reply: Reply) -> Written:
        """The reply as text: an answer in one line.

        Raises:
            ValueError: It has a problem, thinking, native calls or several lines.
        """
        require(reply.problem is None and reply.calls is None, "it is broken or has native calls")
        require(reply.think is None, "a continuation has no thinking of its own")
        require(reply.text == reply.text.strip() and "\n" not in reply.text, "it is not one line")
        require(reply.text.startswith(self.think_prefix), f"it does not start with {self.think_prefix!r}")
        return Written(reply.text, (0, 0), (0, len(reply.text)))

    def _opening(self, query: Query) -> Opening:
        return query.opening or _fewshot.opening(query, self.num_fewshot)


PLUGIN = CompletionHandler()

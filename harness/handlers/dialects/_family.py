"""A dialect as an entry: a rule for reading and writing, marks, roles, names, and the official handler's quirks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.handlers import CLOSE, OPEN, split_think
from harness.handlers.dialects._found import FAILURES, Found, Rule
from harness.handlers.dialects._official import Official, after_thought
from harness.types import FunctionCall, ModelInfo, Reply, Tool

Thought = tuple[str, str]
THINK: Thought = (OPEN, CLOSE)


@dataclass(frozen=True, slots=True)
class Family:
    """One dialect. Implements `harness.protocols.Dialect`."""

    name: str
    rule: Rule
    families: tuple[str, ...] = ()
    """Names of families of models that write so."""
    signs: tuple[str, ...] = ()
    """What the chat template of such a model holds, all of it."""
    model_types: tuple[str, ...] = ()
    """What `config.json` of such a model says, where the template says nothing."""
    published: re.Pattern[str] | None = None
    """Names of models that write so although their template says otherwise, or nothing."""
    others: tuple[Rule, ...] = ()
    """Further rules that a careful reader tries."""
    think: Thought = THINK
    thought: str = ""
    """How a thought is written where it is not in its marks and on lines of its own: `{think}`."""
    needs_thought: bool = False
    """A thought is written before the calls even where there is none."""
    said: str = "{text}"
    """How an answer without calls is written."""
    official: Official | None = None
    """What the family's official handler reads."""
    prompted: Callable[[str], str] | None = None
    """Instead: the text that the official handler hands to the benchmark's own decoder."""
    official_cut: bool = False
    """The official handler looks only at what follows the last `</think>`."""
    text_arguments: bool = False
    """It runs calls whose arguments are JSON text, though it does not score them."""
    never_run: bool = False
    """It raises wherever calls are to be run."""
    keep_special_tokens: bool = False
    documents: Literal["openai", "plain", "wrapped", "prompt"] = "openai"
    """How tools are offered: in OpenAI's format with its names, or the benchmark's own documents, plain or each in
    `{"type": "function", "function": ...}`; `prompt`: plain, for models that are best asked in prompting mode."""
    underscore_names: bool = False

    def matches(self, model: ModelInfo) -> str | None:
        """Fits models whose published name is known, template or tokenizer holds the marks, or type is known."""
        if self.published and (named := self.published.search(model.name)):
            return f"its name says {named[0]!r}"
        if self.signs and all(sign in (model.chat_template or "") for sign in self.signs):
            return f"its chat template holds {' '.join(self.signs)}"
        if self.signs and all(sign in model.marks for sign in self.signs):
            return f"its tokenizer knows {' '.join(self.signs)}"
        if model.model_type and model.model_type in self.model_types:
            return f"its model_type is {model.model_type}"
        return None

    def read(self, text: str, tools: Sequence[Tool] = (), rules: str = "strict") -> Reply:
        """Read a reply as a careful reader would, or as the official handler does; see `harness.protocols.Dialect`."""
        if rules == "upstream" and self.prompted:
            return self._handed_on(self.prompted, text)
        if rules == "upstream" and self.official:
            return self._official(self.official, text, tools)
        return self._careful(text, tools)

    def write(self, calls: Sequence[FunctionCall]) -> str:
        """The calls as such a model writes them; `ValueError` where the dialect cannot."""
        return self.rule.write(calls)

    def compose(self, think: str | None, text: str, calls: Sequence[FunctionCall]) -> tuple[str, str]:
        """A whole reply, see `harness.protocols.Dialect`."""
        made = self.write(calls)
        if made and text and self.said != "{text}":
            raise ValueError("it holds words beside calls, which the dialect has no place for")
        said = self.said.replace("{text}", text) if text and not made else text
        body = "\n".join(part for part in (said, made) if part)
        if think is None:
            return "".join(self.think) if self.needs_thought else "", body
        opening, closing = self.think
        if opening in think or closing in think or think != think.strip("\n") or body.startswith("\n"):
            raise ValueError("its thinking or answer holds a think tag, or line breaks where they are lost")
        return self.thought.replace("{think}", think) or f"{opening}\n{think}\n{closing}\n\n", body

    def _handed_on(self, prompted: Callable[[str], str], text: str) -> Reply:
        think, answer = split_think(text) if self.official_cut else (None, text)
        try:
            return Reply(think, prompted(answer))
        except LookupError:
            return Reply(think, answer, ())

    def _official(self, official: Official, text: str, tools: Sequence[Tool]) -> Reply:
        think, answer = split_think(text) if self.official_cut else (None, text)
        try:
            made = official(after_thought(text) if self.official_cut else text)
            calls, problem = self._calls(made)
        except FAILURES:
            careful = self._careful(text, tools)
            return Reply(think, answer, (), "bad_tool_call" if careful.calls or careful.problem else None)
        if not calls:
            return Reply(think, answer, ())
        careful = self._careful(text, tools)
        return Reply(careful.think, careful.text if careful.calls else "", calls, problem)

    def _calls(self, made: Sequence[tuple[Any, Any]]) -> tuple[tuple[FunctionCall, ...], str | None]:
        """The calls, and the problem that they are never run, or that some have their arguments as JSON text.

        Raises:
            ValueError: Arguments are not map.
        """
        problem, calls = "never_run" if self.never_run and made else None, []
        for name, arguments in made:
            if isinstance(arguments, str) and self.text_arguments:
                problem, arguments = "text_arguments", json.loads(arguments)
            if not isinstance(arguments, dict):
                raise ValueError("arguments that are not map")
            calls.append(FunctionCall(name if isinstance(name, str) else str(name), arguments))
        return tuple(calls), problem

    def _careful(self, text: str, tools: Sequence[Tool]) -> Reply:
        text = without_end(text)
        start = text.lstrip()
        for opening, closing in sorted({self.think, THINK}, key=lambda marks: (not start.startswith(marks[0]), marks)):
            opened = start.startswith(opening)
            head, closed, rest = text.partition(closing)
            if not closed:
                if opened:
                    return Reply(None, text, (), "unclosed_think")
                continue
            if not opened and (whole := self._within_a_call(text, closing, tools)):
                return _reply(None, whole)
            think = head.lstrip().removeprefix(opening).strip("\n")
            return _reply(None if self.needs_thought and not think else think, self._found(rest, tools))
        return _reply(None, self._found(text, tools))

    def _within_a_call(self, text: str, closing: str, tools: Sequence[Tool]) -> Found | None:
        """What is found in the whole text, if the tag only stands inside strings of calls."""
        whole = self._found(text, tools)
        said = sum(repr(dict(call.arguments)).count(closing) for call in whole.calls)
        return whole if said and said >= text.count(closing) else None

    def _found(self, text: str, tools: Sequence[Tool]) -> Found:
        first = self.rule.read(text, tools)
        if first.calls:
            return first
        for rule in self.others:
            if (found := rule.read(text, tools)).calls:
                return found
        return first


def _reply(think: str | None, found: Found) -> Reply:
    return Reply(think, found.text, found.calls, "bad_tool_call" if found.broken else None)


END = re.compile(
    r"(?:<\|(?:eot_id|eom_id|eot|im_end|end|return|endoftext|end_of_text|end_of_turn|END_OF_TURN_TOKEN|user|observation)\|>"
    r"|</s>|<end_of_turn>|<eos>|<turn\|>|<｜end▁of▁sentence｜>|\[e~\[)\s*\Z"
)
"""Tokens that end a turn, as they are at the end of a reply whose special tokens are kept."""


def without_end(text: str) -> str:
    """A reply without the token that ends the turn."""
    return END.sub("", text)


def pattern(text: str) -> re.Pattern[str]:
    """A compiled pattern in which `.` takes line breaks, too."""
    return re.compile(text, re.DOTALL)

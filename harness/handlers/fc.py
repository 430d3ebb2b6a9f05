"""Native function calling: tools through the chat template or a server's API, calls in the model's own dialect.

    <tool_call>
    {"name": "weather_get", "arguments": {"city": "Bern"}}
    </tool_call>

A server is sent OpenAI's format and parses calls itself; what it leaves in the text is read as blocks like this one.
For a model that is rendered here the option `dialect` names the format of its calls (`harness.handlers.dialects`), in
which replies are read and written; tools, earlier calls and results go through its chat template as far as that takes
them, see `harness.handlers._messages` for what is done where it does not.

OpenAI's format forbids dots in names: there a data set's `weather.get` is sent as `weather_get`, and read back as
`weather.get`. Dialects whose official handler sends the benchmark's own documents keep the dots.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.chat import CHATML
from harness.handlers import _template as template
from harness.handlers import dialects, merge, require, split_think
from harness.handlers._messages import adapt, instruction, without_template
from harness.handlers._tools import openai_tool, renamed, wire_names
from harness.handlers.dialects import without_end
from harness.protocols import Dialect, Written
from harness.types import FunctionCall, Generation, Message, ModelInfo, NativeCall, Prompt, Query, Reply

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class FunctionCallingHandler:
    """Native tools."""

    name: str = "fc"
    native: ClassVar[bool] = True
    think_prefix: str = ""
    """Text the reply is forced to start with."""
    dialect: str = AUTO
    """How calls are written in text; auto: as the model's template, tokenizer or type tells."""
    takes: str = AUTO
    """`api`, or what the chat template takes natively, by commas; auto: `api` for a server, else found by rendering."""
    rules: str = "upstream"
    """Whether a dialect is read as its official handler does, or carefully (`strict`)."""

    def matches(self, model: ModelInfo) -> str | None:
        """Fits models whose chat template shows the tools it is given."""
        if "tools" not in template.abilities(model.chat_template or ""):
            return None
        prompted = dialects.load(dialects.choose(model)[0]).documents == "prompt"
        return None if prompted else "its chat template takes tools"

    def fit(self, model: ModelInfo) -> tuple[Mapping[str, Any], str]:
        """The dialect a model writes and what its template takes; a server's model is asked in OpenAI's format."""
        options: dict[str, Any] = {}
        reasons = [said] if (said := without_template(model)) else []
        if self.dialect != AUTO:
            dialects.load(self.dialect)
        elif not model.remote:
            options["dialect"], why = dialects.choose(model)
            reasons.append(f"dialect {options['dialect']}: {why}")
        if self.takes == AUTO:
            found = [template.API] if model.remote else template.abilities(model.chat_template or CHATML)
            found = [name for name in found if name != "prompted"]
            options["takes"] = ",".join(found)
            if not model.remote and (lacking := template.lacks(found)):
                reasons.append(f"its template does not take {', '.join(lacking)}, which are written as text")
        return options, "; ".join(reasons)

    def render(self, query: Query) -> Prompt:
        """Offer the tools natively, or in the system message where the template shows none."""
        dialect, takes = self._dialect(), self.takes.split(",")
        api = not {template.API, AUTO}.isdisjoint(takes)
        wire = {name: sent for sent, name in self._names(query).items()}
        messages: tuple[Message, ...] = tuple(renamed(message, wire) for message in query.messages)
        keep = dialect.keep_special_tokens and self.dialect != AUTO
        tools = tuple(self._document(tool, wire[tool["name"]], api, takes) for tool in query.tools)
        if not api:
            if tools and "tools" not in takes:
                example = dialect.write([FunctionCall("function_name", {"parameter_name": "value"})])
                messages, tools = merge(messages, instruction(tools, example)), ()
            messages = adapt(messages, takes, dialect.write)
        return Prompt(messages, tools, self.think_prefix, keep)

    def parse(self, generation: Generation, query: Query) -> Reply:
        """Read native calls, or text in the dialect; what should be a call and is none is a `bad_tool_call`."""
        apart = generation.reasoning
        text = generation.text if apart is not None else self.think_prefix + generation.text
        problem = "truncated" if generation.finish == "length" else None
        if query.expects == "text":
            think, text = split_think(text)
            return Reply(think if apart is None else apart, text, problem=problem)
        if generation.tool_calls:
            reply = _native(generation.tool_calls, text)
        else:
            # What nobody's official handler reads is read carefully.
            rules = "strict" if self.dialect == AUTO else self.rules
            text = without_end(text) if self._dialect().keep_special_tokens else text
            reply = self._dialect().read(text, query.tools, rules)
        names = self._names(query)
        calls = reply.calls and tuple(
            FunctionCall(names.get(call.name, call.name), call.arguments) for call in reply.calls
        )
        return Reply(reply.think if apart is None else apart, reply.text, calls, reply.problem or problem)

    def write(self, reply: Reply) -> Written:
        """The reply as the model would write it, names as they are sent.

        Raises:
            ValueError: It has a problem, or the dialect cannot write it so that it is read back.
        """
        require(reply.problem is None, "it is broken")
        dialect = self._dialect()
        dots = not self._underscores()
        calls = [
            call if dots else FunctionCall(call.name.replace(".", "_"), call.arguments) for call in reply.calls or ()
        ]
        require(not calls or reply.text == reply.text.strip(), "there is white space around the answer")
        head, body = dialect.compose(reply.think, reply.text, calls)
        text = head + body
        require(text.startswith(self.think_prefix), f"it does not start with {self.think_prefix!r}")
        read = dialect.read(text)
        require((read.think, read.text) == (reply.think, reply.text), "its text would be read as something else")
        return Written(text, (0, len(head.rstrip())), (len(head.rstrip()), len(text)))

    def _dialect(self) -> Dialect:
        name = dialects.DEFAULT if self.dialect == AUTO else self.dialect
        return dialects.load(name)

    def _underscores(self) -> bool:
        return self.takes in (AUTO, template.API) or self._dialect().underscore_names

    def _names(self, query: Query) -> Mapping[str, str]:
        """Name as sent -> the data set's name."""
        if self._underscores():
            return wire_names(query.tools)
        return {tool["name"]: tool["name"] for tool in query.tools}

    def _document(self, tool: Mapping[str, Any], name: str, api: bool, takes: list[str]) -> Mapping[str, Any]:
        form = "openai" if api else self._dialect().documents
        if form == "openai":
            return openai_tool(tool, name)
        plain = form in ("plain", "prompt") and ("plain" in takes or "tools" not in takes)
        return {**tool, "name": name} if plain else {"type": "function", "function": {**tool, "name": name}}


def _native(calls: tuple[NativeCall, ...], text: str) -> Reply:
    """Calls that a server parsed; one that cannot be read makes the whole reply a `bad_tool_call`."""
    think, text = split_think(text)
    found = [made for call in calls if (made := _call(call))]
    return Reply(think, text, tuple(found), "bad_tool_call" if len(found) < len(calls) else None)


def _call(call: NativeCall) -> FunctionCall | None:
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return None
    return FunctionCall(call.name, arguments) if isinstance(arguments, dict) else None


PLUGIN = FunctionCallingHandler()

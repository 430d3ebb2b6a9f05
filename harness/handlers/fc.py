"""Native function calling: tools in OpenAI's format, calls from the server or from blocks in the text.

    <tool_call>
    {"name": "weather_get", "arguments": {"city": "Bern"}}
    </tool_call>

A data set's `weather.get` is sent as `weather_get`, because OpenAI's format forbids dots, and read back as
`weather.get`. Blocks, the format of Hermes and Qwen, are read where the server parsed no call itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.handlers import join_think, require, split_think
from harness.protocols import Written
from harness.types import FunctionCall, Generation, Message, ModelInfo, NativeCall, Prompt, Query, Reply, Tool

START, END = "<tool_call>", "</tool_call>"
BLOCK = re.compile(rf"{START}(.*?)({END}|\Z)", re.DOTALL)

JSON_TYPES = {
    **dict.fromkeys(("integer", "byte", "short", "long", "Bigint"), "integer"),
    **dict.fromkeys(("number", "float", "double"), "number"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("array", "list", "tuple", "ArrayList", "Array", "Queue", "Stack"), "array"),
    **dict.fromkeys(("dict", "object", "HashMap", "Hashtable"), "object"),
}
"""Type names of BFCL's dialect -> JSON Schema; every other name is a string (`constants/type_mappings.py`)."""


@dataclass(frozen=True, slots=True)
class FunctionCallingHandler:
    """Native tools."""

    name: str = "fc"
    think_prefix: str = ""
    """Text the reply is forced to start with."""

    def matches(self, model: ModelInfo) -> str | None:
        """Fits models whose chat template writes tools."""
        return "its chat template takes tools" if re.search(r"\btools\b", model.chat_template or "") else None

    def render(self, query: Query) -> Prompt:
        """Send the tools natively; the instruction is for models without them."""
        sent = {name: wire for wire, name in wire_names(query.tools).items()}
        tools = tuple(openai_tool(tool, sent[tool["name"]]) for tool in query.tools)
        return Prompt(tuple(_renamed(message, sent) for message in query.messages), tools, self.think_prefix)

    def parse(self, generation: Generation, query: Query) -> Reply:
        """Read native calls or blocks; one call that cannot be read makes the whole reply a `bad_tool_call`."""
        whole = generation.text if generation.reasoning is not None else self.think_prefix + generation.text
        think, text = split_think(whole)
        think = think if generation.reasoning is None else generation.reasoning
        problem = "truncated" if generation.finish == "length" else None
        if query.expects == "text":
            return Reply(think, text, problem=problem)
        if generation.tool_calls:
            found = [_native(call) for call in generation.tool_calls]
        else:
            found = [_block(match) for match in BLOCK.finditer(text)]
            text = BLOCK.sub("", text).strip() if found else text
        names = wire_names(query.tools)
        calls = tuple(FunctionCall(names.get(call.name, call.name), call.arguments) for call in found if call)
        return Reply(think, text, calls, "bad_tool_call" if len(calls) < len(found) else problem)

    def write(self, reply: Reply) -> Written:
        """The reply as text, each call in a block after it, names as they are sent.

        Raises:
            ValueError: It has a problem, holds tags in the wrong place, or its calls are not JSON.
        """
        require(reply.problem is None, "it is broken")
        require(START not in reply.text, f"the answer contains {START}")
        require(not reply.calls or reply.text == reply.text.strip(), "there is white space around the answer")
        blocks = [_write_call(call) for call in reply.calls or ()]
        return join_think(reply.think, "\n".join([reply.text, *blocks] if reply.text else blocks), self.think_prefix)


def openai_tool(tool: Tool, name: str) -> dict[str, Any]:
    """One function document in OpenAI's format.

    Args:
        tool: The document in BFCL's dialect.
        name: The name to send.

    Returns:
        `{"type": "function", "function": {...}}` with a JSON Schema of the parameters.
    """
    parameters = json_schema(tool.get("parameters") or {"type": "dict", "properties": {}})
    return {"type": "function", "function": {**tool, "name": name, "parameters": parameters}}


def json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter schema of BFCL's dialect as JSON Schema; types are mapped at every depth."""
    kind = schema.get("type", "string")
    converted = {**schema, "type": JSON_TYPES.get(kind, "string")}
    if kind == "float":
        converted["format"] = "float"
    if isinstance(properties := schema.get("properties"), Mapping):
        converted["properties"] = {name: json_schema(child) for name, child in properties.items()}
    for key in ("items", "additionalProperties"):
        if isinstance(child := schema.get(key), Mapping):
            converted[key] = json_schema(child)
    return converted


def wire_names(tools: Iterable[Tool]) -> dict[str, str]:
    """Name as sent -> the data set's name; a name that is taken already gets a number."""
    names: dict[str, str] = {}
    for tool in tools:
        wire = base = tool["name"].replace(".", "_")
        number = 1
        while names.setdefault(wire, tool["name"]) != tool["name"]:
            number += 1
            wire = f"{base}_{number}"
    return names


def _renamed(message: Message, sent: Mapping[str, str]) -> Message:
    """A message whose calls and tool results carry the names as they are sent."""
    renamed = dict(message)
    if message.get("name") in sent:
        renamed["name"] = sent[message["name"]]
    if message.get("tool_calls"):
        renamed["tool_calls"] = [
            {
                **call,
                "function": {**call["function"], "name": sent.get(call["function"]["name"], call["function"]["name"])},
            }
            for call in message["tool_calls"]
        ]
    return renamed


def _native(call: NativeCall) -> FunctionCall | None:
    return _call(call.name, call.arguments)


def _block(match: re.Match[str]) -> FunctionCall | None:
    """The call in one block; None where the block does not close or is no call."""
    try:
        content = json.loads(match[1]) if match[2] else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    return _call(content.get("name"), content.get("arguments", {}))


def _call(name: object, arguments: object) -> FunctionCall | None:
    """A call from its parts; arguments may be an object or its JSON text."""
    try:
        read = json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return None
    return FunctionCall(name, read) if isinstance(name, str) and isinstance(read, dict) else None


def _write_call(call: FunctionCall) -> str:
    content = {"name": call.name.replace(".", "_"), "arguments": dict(call.arguments)}
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        same = json.loads(text) == content
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the call {call.name} is not JSON: {error}") from error
    require(same, f"the arguments of {call.name} hold what JSON lacks, such as a tuple")
    # A tag inside a string would end the block; JSON may write its slash as an escape.
    for tag in ("</tool_call>", "</think>"):
        text = text.replace(tag, tag.replace("/", "\\/"))
    return f"{START}\n{text}\n{END}"


PLUGIN = FunctionCallingHandler()

"""Tool documents as a model is offered them, and the names that go over the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.types import Message, Tool

JSON_TYPES = {
    **dict.fromkeys(("integer", "byte", "short", "long", "Bigint"), "integer"),
    **dict.fromkeys(("number", "float", "double"), "number"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("array", "list", "tuple", "ArrayList", "Array", "Queue", "Stack"), "array"),
    **dict.fromkeys(("dict", "object", "HashMap", "Hashtable"), "object"),
}
"""Type names of BFCL's dialect -> JSON Schema; every other name is a string (`constants/type_mappings.py`)."""
FLOAT = " This is a float type value."
"""What upstream adds to the description of a float parameter, as JSON Schema has no type for it."""


def openai_tool(tool: Tool, name: str) -> dict[str, Any]:
    """One function document in OpenAI's format, as upstream's `convert_to_tool` writes it.

    Args:
        tool: The document in BFCL's dialect.
        name: The name to send.

    Returns:
        `{"type": "function", "function": {...}}` with a JSON Schema of the parameters.
    """
    parameters = {"properties": {}, **(tool.get("parameters") or {})}
    parameters |= {"type": "object", "properties": _properties(parameters["properties"])}
    return {"type": "function", "function": {**tool, "name": name, "parameters": parameters}}


def _properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _parameter(schema) for name, schema in properties.items()}


def _parameter(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema: only parameters, at every depth, are told to be floats, items of arrays are not."""
    converted = _typed(schema)
    if schema.get("type") == "float":
        converted |= {"format": "float", "description": f"{schema.get('description', '')}{FLOAT}"}
    return converted


def _typed(schema: Mapping[str, Any]) -> dict[str, Any]:
    converted = {**schema, "type": JSON_TYPES.get(schema.get("type", "string"), "string")}
    if isinstance(properties := schema.get("properties"), Mapping):
        converted["properties"] = _properties(properties)
    for key in ("items", "additionalProperties"):
        if isinstance(child := schema.get(key), Mapping):
            converted[key] = _typed(child)
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


def renamed(message: Message, sent: Mapping[str, str]) -> Message:
    """A message whose calls and tool results carry the names as they are sent."""
    changed = dict(message)
    if message.get("name") in sent:
        changed["name"] = sent[message["name"]]
    if message.get("tool_calls"):
        changed["tool_calls"] = [
            {
                **call,
                "function": {**call["function"], "name": sent.get(call["function"]["name"], call["function"]["name"])},
            }
            for call in message["tool_calls"]
        ]
    return changed

"""Whether a rendered prompt holds what a row says: chat templates drop system texts, tools, calls and results."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from harness.data.turns import tools_of
from harness.types import Example

BESIDE = "text beside calls, as this handler answers in calls alone"


def unshown(example: Example, prompt: str, native: bool) -> Iterator[str]:
    """What of an example is not in its prompt, as it is or escaped.

    Args:
        example: The example.
        prompt: As rendered, without the reply.
        native: Whether the handler writes calls itself; others show calls without the text beside them.

    Yields:
        What is left out, for people.

    Raises:
        ValueError: It is what a user says.
    """
    beside = bool(example.said)
    for message in example.messages:
        text = str(message.get("content") or "").strip()
        calls = message.get("tool_calls") or ()
        if calls and not native and text:
            beside, text = True, ""
        parts = [text, *(part for call in calls for part in _words(call["function"]))]
        if not all(_holds(prompt, part) for part in parts if part):
            if message["role"] == "user":
                raise ValueError("the chat template does not show a user message")
            yield f"text or calls of a message ({message['role']}), by the chat template"
    if beside and not native:
        yield BESIDE
    if not all(_holds(prompt, tool["name"]) for tool in tools_of(example.tools, example.messages)):
        yield "tools, by the chat template"


def _words(function: Mapping[str, Any]) -> Iterator[str]:
    """The name in a call and the texts among its arguments."""
    yield function["name"]
    arguments = function["arguments"]
    if isinstance(arguments, str):
        with suppress(ValueError):
            arguments = json.loads(arguments)
    yield from _texts(arguments)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value.strip()


def _holds(prompt: str, text: str) -> bool:
    """Whether a prompt holds a text, or a name with its dots as `fc` sends them."""
    if text in prompt or text.replace(".", "_") in prompt:
        return True
    written = [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1], text]
    return any(each in prompt for plain in written for each in (plain, html.escape(plain)))

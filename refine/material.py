"""What a question sees of an example, as text."""

from __future__ import annotations

import json

from harness.data.turns import tools_of
from harness.types import Example


def of(example: Example, *parts: str) -> dict[str, str]:
    """The named parts of an example by heading.

    Args:
        example: The example.
        *parts: Any of `query`, `tools`, `cot`, `answer`.

    Returns:
        Heading -> text, in the order asked for.
    """
    readers = {
        "query": ("Conversation", _conversation),
        "tools": ("Tools", lambda e: json.dumps(tools_of(e.tools, e.messages), indent=1, ensure_ascii=False)),
        "cot": ("Chain of thought", lambda e: e.think or ""),
        "answer": ("Reference answer", lambda e: e.answer),
    }
    return {readers[part][0]: readers[part][1](example) for part in parts}


def _conversation(example: Example) -> str:
    """One user message as its text; a longer conversation as JSON lines of role and content."""
    if len(example.messages) == 1:
        return str(example.messages[0].get("content") or "")
    return "\n".join(
        json.dumps({key: value for key, value in message.items() if key != "tools"}, ensure_ascii=False)
        for message in example.messages
    )

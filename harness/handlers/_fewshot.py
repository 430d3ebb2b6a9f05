"""Conversations as text that a base model continues: a header, examples, then the question, each in one form.

    Functions:
    {"name": "tram_departures", "description": "...", "parameters": {...}}

    User: When does the next tram leave from the harbour?
    Assistant: [tram_departures(stop='Harbour')]

The examples are this project's own; no benchmark holds their functions (`tests/handlers/test_completion.py`). They show
one call, several at once, none because no function fits, and an answer in words after a call's result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.types import Message, Opening, Query

HEADER = (
    "The assistant answers a user with calls of the functions that are listed, as a Python list on one line. Where no "
    "function fits, or nothing is left to be called, it answers in words.\n\n"
)
STOP = ("\n", "<|endoftext|>", "</s>")
"""An answer is one line."""
SPEAKERS = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Result"}


def _document(name: str, description: str, properties: Mapping[str, tuple[str, str]], required: int) -> dict[str, Any]:
    """A function document in BFCL's form; the first `required` of its parameters are required."""
    shapes = {key: {"type": kind, "description": text} for key, (kind, text) in properties.items()}
    parameters = {"type": "dict", "properties": shapes, "required": list(shapes)[:required]}
    return {"name": name, "description": description, "parameters": parameters}


_TRAM = _document(
    "tram_departures",
    "List the next departures of trams from a stop.",
    {"stop": ("string", "Name of the stop."), "count": ("integer", "How many departures. Default: 1.")},
    1,
)
_LOAN = _document(
    "library.extend_loan",
    "Extend the loan of one book.",
    {"card": ("string", "Number of the reader's card."), "title": ("string", "The book's title.")},
    2,
)
_PLANTS = _document(
    "watering_plan",
    "Work out how much water plants need in a week.",
    {"plants": ("array", "Names of the plants."), "litres_each": ("float", "Litres for each plant.")},
    2,
)

EXAMPLES: Sequence[tuple[Sequence[Mapping[str, Any]], Sequence[Message]]] = (
    (
        (_TRAM,),
        (
            {"role": "user", "content": "Show me the next three trams from the harbour."},
            {"role": "assistant", "content": "[tram_departures(stop='Harbour', count=3)]"},
        ),
    ),
    (
        (_TRAM, _LOAN),
        (
            {"role": "user", "content": "My card is A-17. Keep 'The Heron' and 'Salt Roads' for me a while longer."},
            {
                "role": "assistant",
                "content": "[library.extend_loan(card='A-17', title='The Heron'), "
                "library.extend_loan(card='A-17', title='Salt Roads')]",
            },
        ),
    ),
    (
        (_LOAN,),
        (
            {"role": "user", "content": "How long do I have to boil an egg?"},
            {"role": "assistant", "content": "None of the functions can answer that."},
        ),
    ),
    (
        (_PLANTS,),
        (
            {"role": "user", "content": "The fern and the fig each take half a litre. How much is that in a week?"},
            {"role": "assistant", "content": "[watering_plan(plants=['fern', 'fig'], litres_each=0.5)]"},
            {"role": "tool", "content": '{"litres": 1.0}'},
            {"role": "assistant", "content": "One litre of water in a week."},
        ),
    ),
)
"""Function documents and a conversation each."""


def opening(query: Query, shots: int) -> Opening:
    """A query as text that ends where the answer begins.

    Args:
        query: A conversation; where its functions stand in its own messages it has no tools, and no examples go before.
        shots: Examples before it.

    Returns:
        The text, and what ends an answer.
    """
    told = EXAMPLES[:shots] if query.tools else ()
    parts = [_conversation(tools, messages) for tools, messages in told]
    parts.append(f"{_conversation(query.tools, query.messages)}{SPEAKERS['assistant']}:")
    return Opening((HEADER if query.tools else "") + "\n".join(parts), STOP)


def _conversation(tools: Iterable[Mapping[str, Any]], messages: Iterable[Message]) -> str:
    return "".join([*_functions(tools), *(f"{_line(message)}\n" for message in messages)])


def _functions(tools: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    documents = [json.dumps(tool, ensure_ascii=False) for tool in tools]
    if documents:
        yield "\n".join(["Functions:", *documents, "\n"])


def _line(message: Message) -> str:
    speaker = SPEAKERS.get(str(message["role"]), str(message["role"]))
    return f"{speaker}: {message.get('content') or ''}".rstrip()

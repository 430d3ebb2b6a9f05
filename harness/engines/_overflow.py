"""Prompts that a model's context does not hold: a property of the model, not a fault of the set-up."""

from __future__ import annotations

import re

from harness.types import Generation

CONTEXT = re.compile(
    r"context.{0,20}(length|window|size)|context_length_exceeded|max_model_len|exceeds? .{0,30}context"
    r"|prompt is too long|(input|prompt|request).{0,40}(too long|longer than)",
    re.IGNORECASE,
)
"""What servers say of a prompt that is too long."""
LIMIT = re.compile(r"(?:context.{0,20}(?:length|window|size)|max_model_len)\D{0,20}(\d+)", re.IGNORECASE)
ASKED = re.compile(
    r"(\d+)(?: of)?(?: tokens)? (?:in|from|for) (?:the |your )?(?:input|prompt|messages)"
    r"|(\d+) (?:input|prompt) tokens|(?:prompt|input|n_prompt_tokens)\D{1,30}(\d+)",
    re.IGNORECASE,
)
"""How long the prompt is, where the server says."""
REPLY = re.compile(r"completion|output tokens|max_tokens|max_completion_tokens|max_new_tokens", re.IGNORECASE)


class PromptTooLong(ValueError):
    """The context does not hold a prompt."""


def overflows(status: int, message: str) -> bool:
    """Whether a server refuses a request because its prompt is too long for the model.

    A request whose prompt fits and whose reply would not, with `max_tokens`, is a wrong set-up instead.

    Args:
        status: Of the response.
        message: What it says.

    Returns:
        The answer; False where it cannot be told.
    """
    if status not in (400, 413, 422) or not CONTEXT.search(message):
        return False
    asked, limit = ASKED.search(message), LIMIT.search(message)
    if asked and limit:
        return int(next(filter(None, asked.groups()))) >= int(limit[1])
    return not REPLY.search(message)


def overflow(message: str) -> Generation:
    """What an engine answers instead of a reply."""
    return Generation(message, finish="overflow")

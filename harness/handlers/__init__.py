"""One module a handler. To add one: export `PLUGIN`, a `harness.protocols.Handler`.

What handlers share is here: joining the system text, finding where thinking ends, and writing it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness import plugins
from harness.protocols import Written
from harness.types import Message, ModelInfo

OPEN, CLOSE = "<think>", "</think>"
GENERAL = ("funreason", "completion", "fc", "prompt")
"""Asked in this order, after handlers from elsewhere: those were installed for a particular model."""


def choose(model: ModelInfo, dialect: bool = False) -> tuple[str, str]:
    """Find the handler that fits a model, for `--handler auto`.

    Args:
        model: What is known of it before it is loaded.
        dialect: The user named the dialect of its calls.

    Returns:
        The handler's name, and why it fits.
    """
    if dialect:
        return "fc", "a dialect is asked for"
    names = plugins.names("handlers")
    if model.handler in names:
        return model.handler, "it was trained with it"
    for name in [*(name for name in names if name not in GENERAL), *GENERAL]:
        reason: str | None = plugins.load("handlers", name).matches(model)
        if reason and name == "prompt" and model.remote and not model.chat_template:
            return name, "a server does not tell its template; --handler fc asks natively, --tokenizer FOLDER tells it"
        if reason:
            return name, reason
    raise AssertionError("the prompt handler fits every model")


def fitted(name: str, options: Mapping[str, Any], rules: str, model: ModelInfo) -> tuple[Any, dict[str, Any], str]:
    """A handler with the options that suit a model, where the user named none.

    Args:
        name: The handler.
        options: What the user named; `auto` is nothing.
        rules: By which rules replies are read.
        model: What is known of it before it is loaded.

    Returns:
        The handler, all its options, and why these; the reason is empty where there is nothing to say.
    """
    given = {option: value for option, value in options.items() if value != "auto"}
    handler = plugins.handler(name, given, rules)
    found, why = handler.fit(model) if handler.fit else ({}, "")
    return plugins.handler(name, given | dict(found), rules), given | dict(found), why


def merge(messages: Iterable[Message], instruction: str) -> tuple[Message, ...]:
    """Put a benchmark's system text into a conversation.

    Args:
        messages: The conversation.
        instruction: System text; empty leaves the conversation as it is.

    Returns:
        Messages that open with one system message: instruction, blank line, what the system message said before
        (BFCL's `system_prompt_pre_processing_chat_model`).
    """
    said = tuple(messages)
    if not instruction:
        return said
    if said and said[0]["role"] == "system":
        return {**said[0], "content": f"{instruction}\n\n{said[0]['content']}"}, *said[1:]
    return {"role": "system", "content": instruction}, *said


def split_think(text: str) -> tuple[str | None, str]:
    """Take the thinking off a reply as BFCL's Qwen handler does.

    Args:
        text: The whole reply.

    Returns:
        Thinking: the text before the first `</think>`, after its last `<think>`; None where nothing closes.
        Answer: the text after the last `</think>` without leading line breaks; else all of it.
    """
    if CLOSE not in text:
        return None, text
    think = text.split(CLOSE, 1)[0].rstrip("\n").rsplit(OPEN, 1)[-1].lstrip("\n")
    return think, text.rsplit(CLOSE, 1)[1].lstrip("\n")


def join_think(think: str | None, answer: str, prefix: str) -> Written:
    """The inverse of `split_think`, for a reply that is forced to start with a prefix.

    Raises:
        ValueError: It would be split otherwise.
    """
    require(CLOSE not in answer, f"the answer contains {CLOSE}")
    head = ""
    if think is None:
        require(not answer.lstrip().startswith(OPEN), f"the answer starts with {OPEN}")
    else:
        require(OPEN not in think and CLOSE not in think, "the thinking contains a think tag")
        require(think == think.strip("\n"), "the thinking starts or ends with a line break")
        require(not answer.startswith("\n"), "the answer starts with a line break")
        head = f"{OPEN}\n{think}\n{CLOSE}"
    text = f"{head}\n\n{answer}" if head else answer
    require(text.startswith(prefix), f"it does not start with {prefix!r}")
    return Written(text, (0, len(head)), (len(head), len(text)))


def require(writable: bool, why: str) -> None:
    """Refuse a reply that would not be read back as it is.

    Raises:
        ValueError: It is not writable.
    """
    if not writable:
        raise ValueError(f"this reply cannot be written so that it reads back: {why}")

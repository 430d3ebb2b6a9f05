"""Conversations as a model is sent them: by what its chat template takes, or as servers do.

What a template does not take (`harness.handlers._template`) is said in words it does take:

    tools     listed in the system message, with a call as the model writes it
    calls     one message for each call with its result after it, where the template takes one call at a time (`call`);
              else written in their dialect in the assistant's text
    results   in a user message, in `<tool_response>` tags
    system    before the first user message's text
    turns     messages of one role in a row joined to one
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from harness.data.calls import as_text
from harness.handlers import merge
from harness.handlers._template import API, abilities
from harness.types import FunctionCall, Message, ModelInfo, Query


def adapt(
    messages: Sequence[Message], takes: Sequence[str], write: Callable[[Sequence[FunctionCall]], str] | None = None
) -> tuple[Message, ...]:
    """Messages as a template takes them; what it lacks is said otherwise, see this module's docstring.

    Args:
        messages: In OpenAI's format; a benchmark's prompting mode has tool messages without calls before them.
        takes: Names of `ABILITIES`.
        write: Writes calls as text; None where there are none.

    Returns:
        New messages.
    """
    adapted = [_numbered(message) for message in messages]
    if "call" in takes:
        adapted = _one_by_one(adapted)
    elif "calls" not in takes and write:
        adapted = [_with_calls_as_text(message, write) for message in adapted]
    if "ipython" in takes:
        adapted = [message | {"role": "ipython"} if message["role"] == "tool" else message for message in adapted]
    elif "results" not in takes:
        adapted = _told_by_the_user(adapted)
    if "system" not in takes:
        adapted = _without_system(adapted)
    if "turns" not in takes:
        adapted = _joined(adapted)
    return tuple(adapted)


def fit(takes: str, model: ModelInfo) -> tuple[dict[str, str], str]:
    """The option `takes` of a prompting handler for a model.

    Args:
        takes: What the user named, or `auto`.
        model: What is known of it.

    Returns:
        The option where it was `auto` and something is not taken, and why.
    """
    if takes != "auto":
        return {}, without_template(model)
    if model.remote:
        return {"takes": API}, ""
    if not model.chat_template:
        return {}, without_template(model)
    found = abilities(model.chat_template)
    known = ["results"] if "prompted" in found else []
    known += [name for name in found if name in ("system", "turns")]
    lacking = [name for name in ("results", "system") if name not in known]
    if known == ["results", "system", "turns"]:
        return {}, ""
    return {"takes": ",".join(known)}, f"its template does not take {', '.join(lacking)}" if lacking else ""


def without_template(model: ModelInfo) -> str:
    """What is done with a model that has no chat template and is asked in a chat all the same; else nothing."""
    return "" if model.remote or model.chat_template else "its tokenizer has no chat template: rendered as ChatML"


def prompted(query: Query, takes: str) -> tuple[Message, ...]:
    """The messages of a query in prompting mode, the benchmark's instruction in the system message.

    Args:
        query: The query.
        takes: `api`, names of `ABILITIES` by commas, or `auto` for messages as they are.

    Returns:
        The messages; earlier native calls are text, as calls are asked for.
    """
    messages = merge(as_text(query.messages), query.instruction)
    if takes == "auto":
        return messages
    return told(messages) if takes == API else adapt(messages, takes.split(","))


def told(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Messages for an API server in prompting mode, as upstream's API handlers send them: the results of a step are
    one user message, the Python source of a list of maps."""
    sent: list[Message] = []
    results: list[dict[str, Any]] = []
    for message in [*messages, None]:
        if message and message["role"] == "tool":
            results.append({key: message[key] for key in ("role", "name", "content") if key in message})
            continue
        if results:
            sent.append({"role": "user", "content": repr(results)})
            results = []
        if message:
            sent.append(message)
    return tuple(sent)


def instruction(documents: Sequence[Any], example: str) -> str:
    """System text that offers tools to a model whose template shows none.

    Args:
        documents: What the template would have been given.
        example: A call as the model writes it.

    Returns:
        The text.
    """
    lines = "\n".join(json.dumps(document, ensure_ascii=False) for document in documents)
    return (
        f"# Functions\n\nFunctions that may be called, one JSON document a line:\n<tools>\n{lines}\n</tools>\n\n"
        f"Call functions in this form, and only where they are needed:\n{example}"
    )


def _numbered(message: Message) -> dict[str, Any]:
    """A message whose ids have nine letters and digits, the only ones that Mistral's templates take."""
    changed = dict(message)
    if "tool_call_id" in message:
        changed["tool_call_id"] = _identifier(message["tool_call_id"])
    if message.get("tool_calls"):
        changed["tool_calls"] = [{**call, "id": _identifier(call.get("id", ""))} for call in message["tool_calls"]]
        changed["content"] = message.get("content") or ""
    return changed


def _identifier(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())[-9:].rjust(9, "0")


def _one_by_one(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each call in a message of its own, its result after it."""
    apart: list[dict[str, Any]] = []
    results = {message["tool_call_id"]: message for message in messages if "tool_call_id" in message}
    moved: set[int] = set()
    for message in messages:
        calls = message.get("tool_calls") or ()
        if len(calls) < 2:
            apart += [] if id(message) in moved else [message]
            continue
        for number, call in enumerate(calls):
            apart.append({**message, "content": message["content"] if not number else "", "tool_calls": [call]})
            if result := results.get(call["id"]):
                apart.append(result)
                moved.add(id(result))
    return apart


def _with_calls_as_text(message: dict[str, Any], write: Callable[[Sequence[FunctionCall]], str]) -> dict[str, Any]:
    if not message.get("tool_calls"):
        return message
    calls = [_call(call["function"]) for call in message["tool_calls"]]
    text = "\n".join(part for part in (message.get("content"), write(calls)) if part)
    return {key: value for key, value in message.items() if key != "tool_calls"} | {"content": text}


def _call(function: Any) -> FunctionCall:
    arguments = function["arguments"]
    return FunctionCall(function["name"], json.loads(arguments) if isinstance(arguments, str) else arguments)


def _told_by_the_user(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results as user messages, those of one step in one."""
    told: list[dict[str, Any]] = []
    last = ""
    for message in messages:
        if message["role"] == "tool":
            text = f"<tool_response>\n{message['content']}\n</tool_response>"
            if last == "tool":
                told[-1] = {"role": "user", "content": f"{told[-1]['content']}\n{text}"}
            else:
                told.append({"role": "user", "content": text})
        else:
            told.append(message)
        last = message["role"]
    return told


def _without_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """System texts before the text of the user message that follows; a user message of their own at the end."""
    kept: list[dict[str, Any]] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "system":
            waiting.append(message["content"])
        elif waiting and message["role"] == "user":
            kept.append({**message, "content": "\n\n".join([*waiting, message["content"]])})
            waiting = []
        else:
            kept.append(message)
    return [*kept, {"role": "user", "content": "\n\n".join(waiting)}] if waiting else kept


def _joined(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours of one role as one message; the system message and tool messages stay apart."""
    joined: list[dict[str, Any]] = []
    for message in messages:
        last = joined[-1] if joined else None
        if last and last["role"] == message["role"] in ("user", "assistant") and not message.get("tool_calls"):
            joined[-1] = {**last, **message, "content": f"{last['content']}\n\n{message['content']}"}
        else:
            joined.append(message)
    return joined

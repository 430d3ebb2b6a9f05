"""Conversations: messages of any common spelling made one, and the turns of an example that are learnt.

An earlier assistant turn keeps its text in `content`, its calls in `tool_calls` and its thinking in
`reasoning_content`; `"weight"`, where it is not 1, is that of its loss: 0 for a turn that is shown and not learnt. A
message of a user may bring tools that are there from then on: `"tools"`, a list of documents, beside its text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.data import calls as notation
from harness.data import thinking
from harness.data.calls import Unreadable
from harness.types import Example, FunctionCall, Message, Tool

ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatbot"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "function_response", "tool_response"), "tool"),
    **dict.fromkeys(("function_call", "tool_call", "tool_calls"), "calls"),
}
"""Speakers of data sets -> roles here; `calls` is an assistant turn whose text is calls."""
MARKS = ("learn", "weight", "train", "training")
"""Keys of a turn that say how much of its loss counts."""
_TEXT_PARTS = ("text", "input_text", "output_text", "refusal")
_RESULT = re.compile(r"\s*<tool_response>\n?(.*?)\n?</tool_response>\s*", re.DOTALL)
_READ = {
    *(
        "role",
        "from",
        "content",
        "value",
        "tool_calls",
        "function_call",
        "name",
        "tool_call_id",
        "refusal",
        "type",
        "id",
        "tools",
    ),
    *(*MARKS, *thinking.FIELDS),
}
"""Fields of a message that are read, or say nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one assistant turn says."""

    think: str | None
    text: str
    calls: tuple[FunctionCall, ...]

    @property
    def answer(self) -> str:
        """Its calls as text, else its text."""
        return notation.answer_of(self.calls) if self.calls else self.text


def normal(messages: Any, tools: Sequence[Mapping[str, Any]], roles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Messages with known roles, text as text, calls and thinking in fields of their own.

    Args:
        messages: A row's messages, `role` and `content` or `from` and `value`.
        tools: The row's tools: calls written as text may have their names.
        roles: Further names of speakers -> a key of `ROLES`.

    Returns:
        New messages; results carry the id and name of the call that they answer.

    Raises:
        Unreadable: A message cannot be read without loss.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, str | bytes):
        raise Unreadable(f"messages are {type(messages).__name__}, not a list")
    if not messages:
        raise Unreadable("no messages")
    made: list[dict[str, Any]] = []
    for place, message in enumerate(messages):
        if not isinstance(message, Mapping):
            raise Unreadable(f"message {place} is {type(message).__name__}, not an object")
        made += _results(_message(message, place, tools, roles), asked=bool(made) and "tool_calls" in made[-1])
    _answer_calls(made)
    return made


def unread(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """What messages hold in fields that are not read, for people; each kind once."""
    strange = (key for message in messages for key, value in message.items() if key not in _READ and _says(value))
    return [f"field {str(key)[:40]!r} of a message" for key in dict.fromkeys(strange)]


def _says(value: Any) -> bool:
    return bool(value) and isinstance(value, str | list | Mapping)


def _results(message: dict[str, Any], asked: bool) -> list[dict[str, Any]]:
    """A message, or its results one by one where it holds several, as Hermes and Qwen write them.

    Args:
        message: The message.
        asked: Whether it follows calls; then what a user says in `<tool_response>` tags are results, too.
    """
    found = list(_RESULT.finditer(message["content"])) if message["role"] == "tool" or asked else []
    if not found or "".join(match[0] for match in found) != message["content"]:
        return [message]
    if len(found) == 1:
        return [message | {"role": "tool", "content": found[0][1]}]
    return [{"role": "tool", "content": match[1]} for match in found]


def _message(
    message: Mapping[str, Any], place: int, tools: Sequence[Mapping[str, Any]], roles: Mapping[str, str]
) -> dict[str, Any]:
    speaker = message.get("role", message.get("from"))
    if not isinstance(speaker, str):
        raise Unreadable(f"message {place} has no role")
    role = ROLES.get(roles.get(speaker, speaker).lower())
    if role is None:
        raise Unreadable(f"unknown speaker {speaker!r}")
    value = message.get("content", message.get("value"))
    if role in ("assistant", "calls"):
        said = assistant(message, value, tools, as_calls=role == "calls")
        made: dict[str, Any] = {"role": "assistant", "content": said.text}
        if said.calls:
            made["tool_calls"] = _ids(notation.native(said.calls, place), message.get("tool_calls"))
        if said.think is not None:
            made["reasoning_content"] = said.think
        weight = weight_of(message, place)
        return made if weight == 1 else made | {"weight": weight}
    if role == "tool" and not _is_text(value):
        value = json.dumps(value, ensure_ascii=False)
    text, _ = _content(value, f"the {role} message {place}")
    if role == "user" and value is None:
        raise Unreadable(f"the user message {place} has no content")
    kept = {key: message[key] for key in ("name", "tool_call_id") if isinstance(message.get(key), str)}
    return {"role": role, "content": text, **kept, **_brings(message, place)}


def _brings(message: Mapping[str, Any], place: int) -> dict[str, Any]:
    """The tools that a message brings."""
    brought = message.get("tools")
    if not brought:
        return {}
    if not isinstance(brought, list) or not all(isinstance(tool, Mapping) and "name" in tool for tool in brought):
        raise Unreadable(f"the tools of message {place} are not a list of documents")
    return {"tools": brought}


def assistant(
    message: Mapping[str, Any], value: Any, tools: Sequence[Mapping[str, Any]] = (), as_calls: bool = False
) -> Said:
    """What an assistant turn says, whatever way its calls and thinking were given.

    Args:
        message: The turn.
        value: Its content.
        tools: What may be called.
        as_calls: Its content is nothing but calls.

    Returns:
        Thinking, text and calls.

    Raises:
        Unreadable: Thinking does not close or is given twice, a call cannot be read, or there is nothing.
    """
    text, thoughts = _content(value if value is not None else message.get("refusal"), "an assistant turn")
    given = message.get("tool_calls") or message.get("function_call")
    inside, text = thinking.split(text, closed=not given)
    think = thinking.one([*thoughts, *thinking.in_fields(message), inside or ""])
    if isinstance(given, str):
        given = notation.literal(given, "tool_calls")
    calls = [notation.call_of(call) for call in (given if isinstance(given, list) else [given] if given else [])]
    if as_calls:
        made = notation.in_python(text) or notation.literal(text, "function_call")
        calls += [each if isinstance(each, FunctionCall) else notation.call_of(each) for each in _list(made)]
        text = ""
    else:
        text, found = notation.in_blocks(text)
        calls += found
    if not calls and (read := _calls_in(text.strip(), tools)):
        text, calls = "", read
    if not text.strip() and not calls:
        raise Unreadable("an assistant turn says nothing")
    return Said(think, text.strip() if calls else text, tuple(calls))


def _calls_in(text: str, tools: Sequence[Mapping[str, Any]]) -> list[FunctionCall] | None:
    """Calls of a text that is nothing but calls, as it would be written here or of tools that there are.

    Raises:
        Unreadable: It looks like calls of these tools, and cannot be read.
    """
    names = [str(tool["name"]) for tool in tools]
    found = notation.read_answer(text)
    if found is not None or not text.startswith(("[", "{")):
        return found
    found = notation.in_json(text) or notation.in_python(text, names, _parameters(tools))
    if found:
        return found if all(call.name in names for call in found) else None
    if text.endswith(")]") and text[1:].lstrip().startswith(tuple(f"{name}(" for name in names)):
        raise Unreadable("a list of calls cannot be read")
    return None


def _parameters(tools: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names of parameters, the outermost ones."""
    schemas = [tool.get("parameters") or {} for tool in tools]
    return {str(name) for schema in schemas for name in {**schema, **(schema.get("properties") or {})}}


def _content(value: Any, where: str) -> tuple[str, list[str]]:
    """A message's text, and the thinking among its parts.

    Raises:
        Unreadable: A part is not text.
    """
    if value is None:
        return "", []
    if isinstance(value, str):
        return value, []
    if not isinstance(value, list):
        raise Unreadable(f"{where} is {type(value).__name__}, not text")
    texts: list[str] = []
    thoughts: list[str] = []
    for part in value:
        kind = "text" if isinstance(part, str) else part.get("type") if isinstance(part, Mapping) else None
        if kind in thinking.PARTS:
            thoughts += thinking.in_fields({"thinking": part})
            continue
        text = part if isinstance(part, str) else part.get(kind, part.get("text")) if kind else None
        if kind not in _TEXT_PARTS or not isinstance(text, str):
            raise Unreadable(f"{where} holds a part that is not text ({str(kind or type(part).__name__)[:40]})")
        texts.append(text)
    return "\n".join(texts), thoughts


def weight_of(message: Mapping[str, Any], place: int) -> float:
    """How much a turn's loss counts: `learn`, OpenAI's `weight`, axolotl's `train` and `training`; the least of them.

    Args:
        message: The turn.
        place: Among the messages; for the error.

    Returns:
        From 0, shown and not learnt, to 1.

    Raises:
        Unreadable: One of them is something else.
    """
    given = {key: message[key] for key in MARKS if message.get(key) is not None}
    for key, value in given.items():
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise Unreadable(f"{key} {value!r} of message {place} is not a number from 0 to 1")
    return float(min(given.values(), default=1))


def _is_text(value: Any) -> bool:
    """Whether a content is text or a list of parts, and not a result that stands there as an object."""
    if not isinstance(value, list):
        return not isinstance(value, Mapping)
    return bool(value) and all(isinstance(part, Mapping) and isinstance(part.get("type"), str) for part in value)


def _ids(made: list[dict[str, Any]], given: Any) -> list[dict[str, Any]]:
    """Calls with the ids that the row gave them."""
    if isinstance(given, list) and len(given) == len(made):
        for call, old in zip(made, given, strict=True):
            if isinstance(old, Mapping) and isinstance(old.get("id"), str):
                call["id"] = old["id"]
    return made


def _answer_calls(messages: list[dict[str, Any]]) -> None:
    """Give results that do not say so the id and name of the call they answer, in the order of the calls."""
    open_calls: list[dict[str, Any]] = []
    for message in messages:
        if message.get("tool_calls"):
            open_calls = list(message["tool_calls"])
        elif message["role"] == "tool" and open_calls:
            call = next((call for call in open_calls if call["id"] == message.get("tool_call_id")), open_calls[0])
            open_calls.remove(call)
            message.setdefault("tool_call_id", call["id"])
            message.setdefault("name", call["function"]["name"])
        elif message["role"] != "tool":
            open_calls = []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def shown(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Earlier messages as a model is shown them: without thinking, marks for training and documents of tools."""
    hidden = ("reasoning_content", "tools", *MARKS)
    return tuple({key: value for key, value in message.items() if key not in hidden} for message in messages)


def tools_of(tools: Sequence[Tool], messages: Sequence[Message]) -> tuple[Tool, ...]:
    """The tools at the end of a conversation: those that it began with, and those that its messages brought."""
    return (*tools, *(tool for message in messages for tool in message.get("tools", ())))


def turns(example: Example) -> Iterator[tuple[int, Example]]:
    """The assistant turns of an example that are learnt, each asked for with what stood before it.

    Args:
        example: The example.

    Yields:
        Place of the turn among the messages and its own example, the answer last; earlier ones have the place in
        their id, as in `7@1`.
    """
    for place, message in enumerate(example.messages):
        if message["role"] == "assistant" and place and (weight := weight_of(message, place)):
            said = said_by(message)
            if said.answer.strip():
                earlier = {"id": f"{example.id}@{place}", "messages": example.messages[:place], "weight": weight}
                yield place, with_answer(example, said, **earlier)
    yield len(example.messages), example


def said_by(message: Message) -> Said:
    """What an assistant message of an example says."""
    calls = tuple(notation.call_of(call) for call in message.get("tool_calls") or ())
    return Said(message.get("reasoning_content"), str(message.get("content") or ""), calls)


def with_answer(example: Example, said: Said, **changes: Any) -> Example:
    """An example with another answer.

    Args:
        example: The example.
        said: The answer.
        **changes: Other fields.

    Returns:
        A new example.
    """
    beside = said.text if said.calls else ""
    return replace(example, think=said.think, answer=said.answer, said=beside, **changes)

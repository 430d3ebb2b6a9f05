"""Conversations: messages of any common spelling made one, and the turns of an example that are learnt.

An earlier assistant turn keeps its text in `content`, its calls in `tool_calls` and its thinking in
`reasoning_content`; `"weight"`, where it is not 1, is that of its loss: 0 for a turn that is shown and not learnt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.data import calls as notation
from harness.data.calls import Unreadable
from harness.types import Example, FunctionCall, Message

ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatbot"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "function_response", "tool_response"), "tool"),
    **dict.fromkeys(("function_call", "tool_call", "tool_calls"), "calls"),
}
"""Speakers of data sets -> roles here; `calls` is an assistant turn whose text is calls."""
THINKING = ("reasoning_content", "reasoning", "thinking", "thought")
MARKS = ("learn", "weight", "train", "training")
"""Keys of a turn that say how much of its loss counts."""
_TEXT_PARTS = ("text", "input_text", "output_text", "refusal")
_THINK_PARTS = ("thinking", "reasoning")
_TAGGED = re.compile(r"\s*<(think|thinking)>\n?(.*?)\n?</\1>\s*", re.DOTALL)
_UNOPENED = re.compile(r"\n?(.*?)\n?</think>\s*", re.DOTALL)
_RESULT = re.compile(r"\s*<tool_response>\n?(.*?)\n?</tool_response>\s*", re.DOTALL)


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
        made.append(_message(message, place, tools, roles))
    _answer_calls(made)
    return made


def _message(
    message: Mapping[str, Any], place: int, tools: Sequence[Mapping[str, Any]], roles: Mapping[str, str]
) -> dict[str, Any]:
    speaker = message.get("role", message.get("from"))
    if not isinstance(speaker, str):
        raise Unreadable(f"message {place} has no role")
    role = ROLES.get(roles.get(speaker, speaker))
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
    text, _ = _content(value, f"the {role} message {place}")
    if role == "user" and value is None:
        raise Unreadable(f"the user message {place} has no content")
    if role == "tool" and (tagged := _RESULT.fullmatch(text)) and "<tool_response>" not in tagged[1]:
        text = tagged[1]
    kept = {key: message[key] for key in ("name", "tool_call_id") if isinstance(message.get(key), str)}
    return {"role": role, "content": text, **kept}


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
    think = _one([*thoughts, *(message[key] for key in THINKING if message.get(key))])
    given = message.get("tool_calls") or message.get("function_call")
    inside, text = split_think(text, closed=not given)
    think = _one([thought for thought in (think, inside) if thought])
    if isinstance(given, str):
        given = _json(given, "tool_calls")
    calls = [notation.call_of(call) for call in (given if isinstance(given, list) else [given] if given else [])]
    if as_calls:
        made = notation.in_python(text) or _json(text, "function_call")
        calls += [each if isinstance(each, FunctionCall) else notation.call_of(each) for each in _list(made)]
        text = ""
    else:
        text, found = notation.in_blocks(text)
        calls += found
    if not calls and (read := _calls_in(text.strip(), tools)):
        text, calls = "", read
    if not text.strip() and not calls:
        raise Unreadable("an assistant turn says nothing")
    return Said(think or None, text.strip() if calls else text, tuple(calls))


def _calls_in(text: str, tools: Sequence[Mapping[str, Any]]) -> list[FunctionCall] | None:
    """Calls of a text that is nothing but calls, as it would be written here."""
    names = [str(tool["name"]) for tool in tools]
    found = notation.read_answer(text)
    if found is None and names and text.startswith("["):
        found = notation.in_python(text, names)
        found = found if found and all(call.name in names for call in found) else None
    return found


def split_think(text: str, closed: bool = True) -> tuple[str | None, str]:
    """Thinking in tags at the start of a text, and the rest.

    Args:
        text: The text; its thinking may lack the opening tag, which the templates of DeepSeek-R1 and others write.
        closed: Whether thinking that never closes is an error; else all of the text is thinking.

    Returns:
        Thinking, None where there are no tags, and the text after it.

    Raises:
        Unreadable: Thinking does not close.
    """
    if tagged := _TAGGED.match(text):
        return tagged[2].strip("\n"), text[tagged.end() :]
    opened = text.find("<think>")
    if (unopened := _UNOPENED.match(text)) and not 0 <= opened < unopened.end():
        return unopened[1].strip("\n"), text[unopened.end() :]
    if text.lstrip().startswith("<think>"):
        if closed:
            raise Unreadable("thinking does not close")
        return text.lstrip().removeprefix("<think>").strip("\n"), ""
    return None, text


def _one(thoughts: Sequence[Any]) -> str | None:
    """The thinking of a turn, which may be given in several fields."""
    texts = [text for text in thoughts if text is not None]
    if not all(isinstance(text, str) for text in texts):
        raise Unreadable("thinking is not text")
    different = {text.strip() for text in texts if text.strip()}
    if len(different) > 1:
        raise Unreadable("thinking is given twice, with different texts")
    return next((text for text in texts if text.strip()), None)


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
        text = part if isinstance(part, str) else part.get(kind, part.get("text")) if kind else None
        if kind not in (*_TEXT_PARTS, *_THINK_PARTS) or not isinstance(text, str):
            raise Unreadable(f"{where} holds a part that is not text ({str(kind or type(part).__name__)[:40]})")
        (thoughts if kind in _THINK_PARTS else texts).append(text)
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


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable(f"{name} is not JSON") from None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def shown(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Earlier messages as a model is shown them: without their thinking and without marks for training."""
    hidden = ("reasoning_content", *MARKS)
    return tuple({key: value for key, value in message.items() if key not in hidden} for message in messages)


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

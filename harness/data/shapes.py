"""Rows of common data sets as `Example`s, one reader a format: it loses nothing, or raises `Unreadable`, saying why.

What is left out on purpose, such as a system text that does nothing but list the tools, is named in
`source["left_out"]`; `trainer` and `refine` count it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from harness.data import calls as notation
from harness.data import thinking
from harness.data.calls import Unreadable
from harness.data.schemas import schema_of
from harness.data.turns import ROLES, normal, said_by, unread, weight_of, with_answer
from harness.types import Example, Message, Tool

Row = Mapping[str, Any]
Roles = Mapping[str, str]
"""Further names of speakers -> a key of `ROLES`."""
AFTER = "what follows the last assistant turn that is learnt"
HALF = "its text holds a lone surrogate, half of a character"
TOOL_TEXT = "a system text that lists the tools"
_TOOLS = re.compile(r"<tools>(.*?)</tools>", re.DOTALL)
_GLAIVE = re.compile(r"(?:^|\n)\s*(USER|ASSISTANT|FUNCTION RESPONSE):[ \n]?")


def form_of(row: Row) -> str | None:
    """The format of a row, by its keys; None where it is of no known one."""
    for form, keys in (
        ("example", {"messages", "answer"}),
        ("xlam", {"query", "answers"}),
        ("xlam", {"query", "tools"}),
        ("sharegpt", {"conversations"}),
        ("openai", {"messages"}),
        ("trl", {"prompt", "completion"}),
        ("glaive", {"system", "chat"}),
        ("alpaca", {"instruction", "output"}),
    ):
        if keys <= set(row):
            return form
    return None


def read_row(form: str, row: Row, line: int, roles: Roles) -> Example:
    """One row as an example.

    Args:
        form: A key of `READERS`.
        row: The row.
        line: Its number; the id where it has none.
        roles: Further names of speakers -> a key of `ROLES`.

    Returns:
        The example.

    Raises:
        Unreadable: The row cannot be read without loss.
    """
    example = READERS[form](row, line, roles)
    if not example.answer.strip():
        raise Unreadable("the answer is empty")
    try:
        json.dumps([getattr(example, each.name) for each in fields(example)], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unreadable(HALF) from None
    return example


def _example(row: Row, line: int, roles: Roles) -> Example:
    tools = tools_of(row)
    messages = normal(row["messages"], tools, roles)
    inside, text = thinking.split(_text(row["answer"]))
    think = None if row.get("think") is None else _text(row["think"])
    thinking.one([inside or "", think or ""])
    return Example(
        id=_id(row, line),
        messages=tuple(messages),
        tools=tools,
        think=inside if think is None else think,
        answer=text,
        source=dict(row.get("source") or {}),
        said=_text(row.get("said") or ""),
        weight=_answer_weight(row),
    )


def _answer_weight(row: Row) -> float:
    """The weight of an example's answer.

    Raises:
        Unreadable: It is not above 0: the answer is what is learnt.
    """
    if not (weight := weight_of({"weight": row.get("weight")}, len(row["messages"]))):
        raise Unreadable("the answer has weight 0: nothing of it would be learnt")
    return weight


def _xlam(row: Row, line: int, roles: Roles) -> Example:
    answers = _parsed(row["answers"], "answers")
    if not isinstance(answers, list):
        raise Unreadable("answers are not a list")
    given = thinking.one(thinking.in_fields(row))
    return Example(
        id=_id(row, line),
        messages=tuple(normal(_told(row, [{"role": "user", "content": row["query"]}]), (), roles)),
        tools=tools_of(row),
        think=given,
        answer=notation.answer_of([notation.call_of(call) for call in answers]),
        source={"format": "xlam"},
    )


def _openai(row: Row, line: int, roles: Roles) -> Example:
    return _conversation(row, line, _told(row, _parsed(row["messages"], "messages")), "openai", roles)


def _sharegpt(row: Row, line: int, roles: Roles) -> Example:
    turns = _parsed(row["conversations"], "conversations")
    return _conversation(row, line, _told(row, turns), "sharegpt", roles)


def _trl(row: Row, line: int, roles: Roles) -> Example:
    prompt, completion = row["prompt"], row["completion"]
    asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else _listed(prompt)
    said = [{"role": "assistant", "content": completion}] if isinstance(completion, str) else _listed(completion)
    return _conversation(row, line, _told(row, [*asked, *said]), "trl", roles)


def _alpaca(row: Row, line: int, roles: Roles) -> Example:
    asked = "\n".join(_text(row[key]) for key in ("instruction", "input") if row.get(key))
    before = [
        {"role": role, "content": text}
        for pair in row.get("history") or ()
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    last = [{"role": "user", "content": asked}, {"role": "assistant", "content": row["output"]}]
    return _conversation(row, line, [*_system(row), *before, *last], "alpaca", roles)


def _glaive(row: Row, line: int, roles: Roles) -> Example:
    parts = _GLAIVE.split(_text(row["chat"]))
    if parts[0].strip():
        raise Unreadable("the chat does not start with USER:, ASSISTANT: or FUNCTION RESPONSE:")
    names = {"USER": "user", "ASSISTANT": "assistant", "FUNCTION RESPONSE": "tool"}
    turns = [
        {"role": names[speaker], "content": text.replace("<|endoftext|>", "").strip()}
        for speaker, text in zip(parts[1::2], parts[2::2], strict=True)
    ]
    system = _text(row["system"]).strip().removeprefix("SYSTEM:").strip()
    return _conversation(row, line, [*_system({"system": system}), *turns], "glaive", roles)


def _conversation(row: Row, line: int, messages: Any, form: str, roles: Roles) -> Example:
    """An example of which the last assistant turn that is learnt is the answer."""
    tools, left_out = tools_of(row), []
    messages = _listed(messages)
    left_out += unread([message for message in messages if isinstance(message, Mapping)])
    opening = messages[0] if messages and isinstance(messages[0], Mapping) else {}
    told = opening.get("content", opening.get("value"))
    speaker = str(opening.get("role", opening.get("from")))
    if ROLES.get(roles.get(speaker, speaker).lower()) == "system" and isinstance(told, str):
        found = tools_in(told)
        if found or (tools and "<tools>" in told):
            tools, messages = tools or found, messages[1:]
            left_out.append(TOOL_TEXT)
    made = normal(messages, tools, roles)
    learnt = [place for place, said in enumerate(made) if said["role"] == "assistant" and weight_of(said, place)]
    if not learnt or learnt[-1] == 0:
        raise Unreadable("no assistant turn to learn after a question")
    if learnt[-1] + 1 < len(made):
        left_out.append(AFTER)
    source = {"format": form} | ({"left_out": left_out} if left_out else {})
    asked = Example(_id(row, line), tuple(made[: learnt[-1]]), tools, None, "", source)
    last = made[learnt[-1]]
    said = said_by(last)
    think = thinking.one([said.think or "", *thinking.in_fields(row, thinking.ROW_FIELDS)])
    return with_answer(asked, replace(said, think=think), weight=weight_of(last, learnt[-1]))


def tools_of(row: Row) -> tuple[Tool, ...]:
    """Tool documents of a row, out of OpenAI's wrapping where they are in it.

    Raises:
        Unreadable: They are something else, or one has no name.
    """
    value: Any = next((row[key] for key in ("tools", "functions") if row.get(key)), [])
    found = _parsed(value, "tools") if not isinstance(value, str) or value.strip() else []
    if isinstance(found, Mapping):
        found = [found]
    if not isinstance(found, Sequence):
        raise Unreadable("tools are not a list")
    return tuple(_tool(tool, place) for place, tool in enumerate(found or ()))


def _tool(tool: Any, place: int) -> Tool:
    tool = _parsed(tool, f"tool {place}")
    document = tool.get("function", tool) if isinstance(tool, Mapping) else tool
    schema = next(
        (key for key in ("inputSchema", "input_schema") if isinstance(document, Mapping) and key in document), None
    )
    if schema and "parameters" not in document:  # MCP's and Anthropic's name
        document = {**{key: value for key, value in document.items() if key != schema}, "parameters": document[schema]}
    if not isinstance(document, Mapping) or not isinstance(document.get("name"), str) or not document["name"].strip():
        raise Unreadable(f"tool {place} has no name")
    for name in ("inputSchema", "input_schema"):  # MCP's and Anthropic's
        if name in document and "parameters" not in document:
            document = {"parameters" if key == name else key: value for key, value in document.items()}
    if isinstance(document.get("parameters"), str):
        document = {**document, "parameters": _parsed(document["parameters"], f"parameters of tool {place}")}
    if not isinstance(document.get("parameters") or {}, Mapping):
        raise Unreadable(f"parameters of tool {place} are not an object")
    if document.get("parameters"):
        document = {**document, "parameters": schema_of(document["parameters"])}
    return document


def tools_in(text: str) -> tuple[Tool, ...]:
    """Tools that a system text lists as JSON, as Hermes, ToolACE and Glaive have it; empty where it lists none."""
    values = list(_json_values(text))
    for block in _TOOLS.findall(text):
        with suppress(Unreadable):
            values += [] if list(_json_values(block)) else [notation.literal(block.strip(), "tools")]
    return tuple(
        document
        for value in values
        for tool in (value if isinstance(value, list) else [value])
        if isinstance(tool, Mapping)
        and isinstance(document := tool.get("function", tool), Mapping)
        and isinstance(document.get("name"), str)
        and isinstance(document.get("parameters"), Mapping)
    )


def _json_values(text: str) -> Iterator[Any]:
    """Objects and lists that stand in a text, outermost only."""
    decoder, at = json.JSONDecoder(), 0
    for match in re.finditer(r"[\[{]", text):
        if match.start() >= at:
            try:
                value, at = decoder.raw_decode(text, match.start())
            except (ValueError, RecursionError):
                continue
            yield value


def _told(row: Row, messages: Any) -> list[Any]:
    """Messages behind the system text that the row has beside them, unless they open with it."""
    listed, system = _listed(messages), _system(row)
    opening = listed[0] if listed and isinstance(listed[0], Mapping) else {}
    same = system and opening.get("content", opening.get("value")) == system[0]["content"]
    return listed if same else [*system, *listed]


def _system(row: Row) -> list[Message]:
    return [{"role": "system", "content": _text(row["system"])}] if row.get("system") else []


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise Unreadable(f"messages are {type(value).__name__}, not a list")
    return list(value)


def _parsed(value: Any, name: str) -> Any:
    """A value that may have been stored as JSON text, or as Python prints it."""
    return notation.literal(value, name) if isinstance(value, str) else value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable(f"expected text, got {type(value).__name__}")
    return value


def _id(row: Row, line: int) -> str:
    return str(next((row[key] for key in ("id", "uuid") if row.get(key) not in (None, "")), line))


READERS: Mapping[str, Callable[[Row, int, Roles], Example]] = {
    "example": _example,
    "xlam": _xlam,
    "openai": _openai,
    "sharegpt": _sharegpt,
    "trl": _trl,
    "alpaca": _alpaca,
    "glaive": _glaive,
}

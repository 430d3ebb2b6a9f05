"""Read training data of any common shape as `Example`s; `refine` and `trainer` both read here.

| format | a line |
| --- | --- |
| `example` | `{"id", "messages", "tools", "think", "answer", "source"}`: this project's own, what `refine` writes |
| `xlam` | `{"id", "query", "answers", "tools"}`, the last two JSON text, as in xLAM's function-calling 60k |
| `openai` | `{"messages", "tools"}` with `tool_calls`; thinking in `reasoning_content` or in `<think>` tags |
| `sharegpt` | `{"conversations": [{"from", "value"}], "tools"}` with `function_call` and `observation` turns |

Earlier assistant turns of a conversation stay in `messages`, thinking in `reasoning_content`; the last one is the
answer. What cannot be used is reported with its line and the reason, and never ends the reading.
"""

from __future__ import annotations

import hashlib
import json
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import DataError, unknown_name
from harness.types import Example, Message, Tool

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A row that is no example."""

    line: int
    """From 1, as an editor counts."""
    reason: str


class _Reject(ValueError):
    """Why one row cannot be used."""


def read(source: str | Path, form: str = "auto") -> Iterator[Example | Unusable]:
    """Read a data set, one row at a time.

    Args:
        source: A JSONL file, a JSON file with one array, or the hub id of a data set (`name` or `name:split`).
        form: `example`, `xlam`, `openai`, `sharegpt`, or `auto` to tell by the first row's keys.

    Yields:
        An example, or what was wrong with the row.

    Raises:
        DataError: The source does not exist, or its shape is none of these.
        UsageProblem: `form` is unknown.
    """
    if form != "auto" and form not in _READERS:
        raise unknown_name("data format", form, _READERS)
    reader = None if form == "auto" else _READERS[form]
    for line, row in _rows(str(source)):
        if isinstance(row, Unusable):
            yield row
            continue
        reader = reader or _READERS[_guess(row, source)]
        try:
            yield reader(row, line)
        except (_Reject, KeyError, TypeError, AttributeError, ValueError, RecursionError) as problem:
            reason = f"no field {problem}" if isinstance(problem, KeyError) else str(problem)
            yield Unusable(line, reason or type(problem).__name__)


def sha256(source: str | Path) -> str:
    """Digest that names a data set: of a file's content, or of the name of what is streamed.

    Raises:
        DataError: It is a folder.
    """
    path = _file(str(source))
    if path is not None and path.is_file():  # a pipe can be read once
        return files.sha256(path)
    return hashlib.sha256(str(source).encode()).hexdigest()


def write_calls(calls: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """Calls in the notation that models are asked for.

    Args:
        calls: Name and keyword arguments of each.

    Returns:
        Text such as `[f(a=1), g(b='x')]`.

    Raises:
        ValueError: A name cannot be written in this notation.
    """
    written = []
    for name, arguments in calls:
        for word in [*str(name).split("."), *arguments]:
            if not str(word).isidentifier() or keyword.iskeyword(str(word)):
                raise _Reject(f"{word!r} of the call {name!r} cannot be written as a Python name")
        written.append(f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})")
    return f"[{', '.join(written)}]"


def _rows(source: str) -> Iterator[tuple[int, Row | Unusable]]:
    """Numbered rows of a file or a hub data set."""
    path = _file(source)
    if path is None:
        yield from _hub_rows(source)
        return
    with path.open("rb") as file:
        if file.read(1) == b"[":
            file.seek(0)
            try:
                rows = json.load(file)
            except (ValueError, RecursionError) as problem:
                raise DataError(f"{source} is not JSON: {problem}", "Give one array, or one object a line.") from None
            yield from ((number, _row(number, row)) for number, row in enumerate(rows, 1))
            return
        file.seek(0)
        for number, raw in enumerate(file, 1):
            if raw.strip():
                yield number, _parse(number, raw)


def _file(source: str) -> Path | None:
    """The file that a source names; None where it is a hub id."""
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{source} is a folder", "Give a JSONL file or the hub id of a data set.")
    return path if path.exists() else None


def _parse(number: int, raw: bytes) -> Row | Unusable:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        return Unusable(number, f"not JSON: {problem}")
    return _row(number, row)


def _row(number: int, row: Any) -> Row | Unusable:
    return row if isinstance(row, dict) else Unusable(number, "not a JSON object")


def _hub_rows(source: str) -> Iterator[tuple[int, Row]]:
    """Rows of a data set on the hub, or in the local cache of `datasets`."""
    if "/" not in source or source.count("/") > 1 or source.startswith((".", "/", "~")):
        raise DataError(f"no such file: {source}", "Give a JSONL file or the hub id of a data set.")
    from datasets import load_dataset

    name, _, split = source.partition(":")
    try:
        rows = load_dataset(name, split=split or "train", streaming=True)
    except Exception as problem:
        raise DataError(f"data set {source} cannot be loaded: {problem}", "Give a local JSONL file.") from problem
    yield from enumerate(rows, 1)


def _guess(row: Row, source: str | Path) -> str:
    """The format of a data set, by the keys of its first row."""
    for form, keys in (
        ("example", {"messages", "answer"}),
        ("xlam", {"query", "answers", "tools"}),
        ("sharegpt", {"conversations"}),
        ("openai", {"messages"}),
    ):
        if keys <= set(row):
            return form
    raise DataError(f"{source}: rows with the fields {', '.join(sorted(row))} are of no known format", __doc__ or "")


def _example(row: Row, line: int) -> Example:
    messages = tuple(row["messages"])
    if not messages or not all(isinstance(message, Mapping) for message in messages):
        raise _Reject("messages are no list of objects" if messages else "no messages")
    return Example(
        id=str(row.get("id", line)),
        messages=messages,
        tools=_tools(row.get("tools")),
        think=None if row.get("think") is None else _text(row["think"]),
        answer=_text(row["answer"]),
        source=dict(row.get("source") or {}),
    )


def _xlam(row: Row, line: int) -> Example:
    calls = _json(row["answers"], "answers")
    return Example(
        id=str(row.get("id", line)),
        messages=({"role": "user", "content": _text(row["query"])},),
        tools=_tools(row["tools"]),
        think=row.get("think") or row.get("cot"),
        answer=write_calls((call["name"], call["arguments"]) for call in calls),
        source={"format": "xlam"},
    )


def _openai(row: Row, line: int) -> Example:
    messages = [_assistant(message) if message["role"] == "assistant" else message for message in row["messages"]]
    return _conversation(row, line, messages, "openai")


_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


def _sharegpt(row: Row, line: int) -> Example:
    messages: list[Message] = []
    if row.get("system"):
        messages.append({"role": "system", "content": _text(row["system"])})
    for turn in row["conversations"]:
        kind, value = turn["from"], turn["value"]
        if kind == "function_call":
            made = _json(value, "function_call")
            calls = [{"function": call} for call in (made if isinstance(made, list) else [made])]
            messages.append(_assistant({"role": "assistant", "content": "", "tool_calls": calls}))
        elif kind in ("observation", "tool", "function_response"):
            messages.append({"role": "tool", "content": _text(value)})
        elif kind in _ROLES:
            message = {"role": _ROLES[kind], "content": _text(value)}
            messages.append(_assistant(message) if message["role"] == "assistant" else message)
        else:
            raise _Reject(f"unknown speaker {kind!r}")
    return _conversation(row, line, messages, "sharegpt")


def _conversation(row: Row, line: int, messages: Sequence[Message], form: str) -> Example:
    """An example of which the last assistant turn is the answer; what follows it is left out."""
    last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=0)
    if last == 0:
        raise _Reject("no assistant turn after a question")
    return Example(
        id=str(row.get("id", line)),
        messages=tuple(messages[:last]),
        tools=_tools(row.get("tools")),
        think=messages[last].get("reasoning_content"),
        answer=messages[last]["content"],
        source={"format": form},
    )


def _assistant(message: Message) -> Message:
    """An assistant turn as answer text and `reasoning_content`, whatever way its calls and thinking were given."""
    text = message.get("content") or ""
    think = message.get("reasoning_content") or message.get("reasoning")
    if tagged := re.match(r"\s*<think>\n?(.*?)\n?</think>\s*", text, re.DOTALL):
        think, text = think or tagged[1], text[tagged.end() :]
    if calls := message.get("tool_calls"):
        functions = [call["function"] for call in calls]
        text = write_calls((call["name"], _json(call["arguments"], "arguments")) for call in functions)
    return {"role": "assistant", "content": text} | ({"reasoning_content": think} if think else {})


def _tools(value: Any) -> tuple[Tool, ...]:
    """Tool documents, out of OpenAI's wrapping where they are in it."""
    tools = _json(value, "tools") if value else []
    return tuple(tool.get("function", tool) for tool in tools)


def _json(value: Any, name: str) -> Any:
    """A value that may have been stored as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as problem:
        raise _Reject(f"{name} is not JSON: {problem}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Reject(f"expected text, got {type(value).__name__}")
    return value


_READERS: Mapping[str, Callable[[Row, int], Example]] = {
    "example": _example,
    "xlam": _xlam,
    "openai": _openai,
    "sharegpt": _sharegpt,
}

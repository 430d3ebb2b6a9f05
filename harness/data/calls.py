"""Calls in text: how training data writes them, and how answers are written and read back here.

An answer is a list in Python's notation, `[f(a=1), g(b='x')]`; where a name is none in Python (`get-weather`, a
parameter `from`) the same calls are JSON, `[{"name": "get-weather", "arguments": {}}]`.
"""

from __future__ import annotations

import ast
import json
import keyword
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.types import FunctionCall, Message

LONGEST = 250_000
"""Characters of an answer that is read as calls; Python's parser takes memory some hundred times its source."""
_BLOCK = re.compile(r"<(tool_call|functioncall)>(.*?)(?:</\1>|(?=<(?:tool_call|functioncall)>)|\Z)", re.DOTALL)

_QUOTED = re.compile(
    r"""\{\s*"name":\s*"(?P<name>[^"\\]+)",\s*"arguments":\s*'(?P<arguments>\{.*\})'\s*\}""", re.DOTALL
)
"""Glaive's calls: JSON but for the quotes around the arguments, in which apostrophes stand as they are."""


class Unreadable(ValueError):
    """Why a row, or a part of it, cannot be used."""


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
                raise Unreadable(f"{word!r} of the call {name!r} cannot be written as a Python name")
        written.append(f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})")
    return f"[{', '.join(written)}]"


def answer_of(calls: Sequence[FunctionCall]) -> str:
    """Calls as the text of an answer: Python's notation, or JSON where a name is none in Python."""
    try:
        return write_calls((call.name, call.arguments) for call in calls)
    except Unreadable:
        return _as_json(calls)


def _as_json(calls: Sequence[FunctionCall]) -> str:
    return json.dumps([{"name": call.name, "arguments": dict(call.arguments)} for call in calls], ensure_ascii=False)


def read_answer(text: str) -> list[FunctionCall] | None:
    """The inverse of `answer_of`; None for any text that it would not have written, so that prose stays prose."""
    found = in_json(text) if text.startswith("[{") else in_python(text)
    return found if found and answer_of(found) == text else None


def in_json(text: str) -> list[FunctionCall] | None:
    """Calls of a JSON list of names and arguments; None where the text is something else."""
    try:
        made = json.loads(text)
        return [call_of(call) for call in (made if isinstance(made, list) else [made])]
    except (ValueError, RecursionError):
        return None


def in_python(text: str, names: Iterable[str] = (), parameters: Iterable[str] = ()) -> list[FunctionCall] | None:
    """Calls of a list in Python's notation with literal arguments by name; nothing is run.

    Args:
        text: The text.
        names: Functions that may be called though their names are none in Python, such as `Market Trends API`.
        parameters: Their parameters, which may be called `from` or `user-id`.

    Returns:
        The calls; None where the text is something else.
    """
    if len(text) > LONGEST or "(" not in text:
        return None
    stand_ins: dict[str, str] = {}
    for kind, words, follows in (("f", names, r"(?=\()"), ("p", parameters, r"(?=\s*=)")):
        for number, word in enumerate(sorted(filter(_forbidden, words), key=len, reverse=True)):
            stand_ins[f"stand_in_{kind}{number}_"] = word
            text = re.sub(rf"(?<![\w-]){re.escape(word)}{follows}", f"stand_in_{kind}{number}_", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = ast.parse(text.strip(), mode="eval").body
        if not isinstance(parsed, ast.List) or not parsed.elts:
            return None
        return [_call(node, stand_ins) for node in parsed.elts]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _call(node: ast.expr, stand_ins: Mapping[str, str]) -> FunctionCall:
    if not isinstance(node, ast.Call) or node.args or any(word.arg is None for word in node.keywords):
        raise Unreadable("not a call with arguments by name")
    name = ast.unparse(node.func)
    if not all(part.isidentifier() for part in name.split(".")):
        raise Unreadable("not the name of a function")
    values = {str(word.arg): ast.literal_eval(_Words().visit(word.value)) for word in node.keywords}
    arguments = {str(_back(key, stand_ins)): _back(value, stand_ins) for key, value in values.items()}
    return FunctionCall(stand_ins.get(name, name), arguments)


class _Words(ast.NodeTransformer):
    """JSON's words in Python's notation, as ToolACE mixes them."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        known: dict[str, Any] = {"true": True, "false": False, "null": None}
        return ast.Constant(known[node.id]) if node.id in known else node


def _forbidden(word: str) -> bool:
    """Whether Python has no such name."""
    return not all(part.isidentifier() and not keyword.iskeyword(part) for part in word.split("."))


def _back(value: Any, stand_ins: Mapping[str, str]) -> Any:
    """A value in whose texts stand-ins are words again."""
    if isinstance(value, str):
        for stand_in, word in stand_ins.items():
            value = value.replace(stand_in, word)
        return value
    if isinstance(value, list):
        return [_back(item, stand_ins) for item in value]
    return (
        {_back(key, stand_ins): _back(item, stand_ins) for key, item in value.items()}
        if isinstance(value, dict)
        else value
    )


def call_of(value: Any) -> FunctionCall:
    """One call as data sets store it: `name` and `arguments`, alone or under `function`; arguments may be JSON text.

    Raises:
        Unreadable: It is something else.
    """
    value = value.get("function", value) if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str) or not value["name"].strip():
        raise Unreadable("a call has no name")
    arguments = value.get("arguments", value.get("parameters"))
    while isinstance(arguments, str):  # some data sets encode them twice
        arguments = literal(arguments, f"arguments of the call {value['name']!r}") if arguments.strip() else {}
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, Mapping) or not all(isinstance(key, str) for key in arguments):
        raise Unreadable(f"arguments of the call {value['name']!r} are not an object")
    try:
        return FunctionCall(value["name"], json.loads(json.dumps(arguments, allow_nan=False)))
    except (TypeError, ValueError, RecursionError):
        raise Unreadable(f"arguments of the call {value['name']!r} are not JSON") from None


def in_blocks(text: str) -> tuple[str, list[FunctionCall]]:
    """Calls in `<tool_call>` (Hermes, Qwen) or `<functioncall>` (Glaive) blocks, and the text around them.

    Raises:
        Unreadable: A block holds no call.
    """
    calls = []
    for match in _BLOCK.finditer(text):
        text_of_it = match[2].strip().removesuffix("<|endoftext|>").strip()
        quoted = _QUOTED.fullmatch(text_of_it)
        made = dict(quoted.groupdict()) if quoted else literal(text_of_it, f"a <{match[1]}> block")
        calls += [call_of(each) for each in (made if isinstance(made, list) else [made])]
    return _BLOCK.sub("", text).strip() if calls else text, calls


def literal(text: str, what: str) -> Any:
    """A value in JSON or, as Hermes and Glaive have it, in Python's notation.

    Args:
        text: The text.
        what: What it is, for the error.

    Returns:
        The value.

    Raises:
        Unreadable: It is neither.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text[:LONGEST])
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise Unreadable(f"{what} is not JSON") from None


def native(calls: Sequence[FunctionCall], place: int) -> list[dict[str, Any]]:
    """Calls as a message carries them.

    Args:
        calls: The calls.
        place: Index of the message; makes ids unique, as in a run of a benchmark.

    Returns:
        `tool_calls` of OpenAI's format, arguments as JSON text.
    """
    return [
        {
            "id": f"call_{place}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
        }
        for index, call in enumerate(calls)
    ]


def as_text(messages: Iterable[Message]) -> Iterator[Message]:
    """A conversation as a model without native calls would have led it.

    Args:
        messages: Messages of OpenAI's format.

    Yields:
        Messages whose calls alone are the text, as of an answer; results under the text of their call, as in a run.
    """
    made: dict[str, str] = {}
    for message in messages:
        plain = {key: value for key, value in message.items() if key not in ("tool_calls", "tool_call_id")}
        if message.get("tool_calls"):
            calls = [call_of(call) for call in message["tool_calls"]]
            for call, given in zip(calls, message["tool_calls"], strict=True):
                made[str(given.get("id"))] = answer_of([call])[1:-1]
            yield {**plain, "content": answer_of(calls)}
        elif message.get("tool_call_id") in made:
            yield {**plain, "name": made[message["tool_call_id"]]}
        else:
            yield message

"""What the reading rules share: what they return, a call from its parts, JSON that may be cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from harness.types import FunctionCall, Tool

FAILURES = (ValueError, TypeError, LookupError, AttributeError, RecursionError, MemoryError)
"""What reading hostile text may raise; `SyntaxError` and `json.JSONDecodeError` are told apart nowhere."""

WORDS = {"true": True, "false": False, "null": None}
"""JSON's names of constants."""

SPACE = re.compile(r"\s*")
MARK_OF_FENCE = re.compile(r"```[a-z_]*")


class Found(NamedTuple):
    """What a rule finds in a text."""

    calls: tuple[FunctionCall, ...] = ()
    text: str = ""
    """What is said beside them."""
    broken: bool = False
    """Something is meant as a call and cannot be read."""


class Rule(Protocol):
    """One way to write calls."""

    def read(self, text: str, tools: Sequence[Tool]) -> Found:
        """Find the calls in a text."""

    def write(self, calls: Sequence[FunctionCall]) -> str:
        """Write calls.

        Raises:
            ValueError: They cannot be written so that they read back.
        """


def decode(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that starts at or after a place, white space skipped, and where it ends.

    Raises:
        ValueError: There is none, or it is nested too deeply.
    """
    try:
        return _DECODER.raw_decode(text, skip(text, at))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


_DECODER = json.JSONDecoder()


def unfenced(text: str) -> str:
    """What stands in a reply that is a fence and nothing else; any other text as it is."""
    bare = text.strip()
    if len(bare) < 6 or not (opening := MARK_OF_FENCE.match(bare)) or not bare.endswith("```"):
        return text
    return bare[opening.end() : -3].strip()


def skip(text: str, at: int) -> int:
    """The first place from here on that holds no white space."""
    found = SPACE.match(text, at)
    return found.end() if found else at


def call(name: object, arguments: object) -> FunctionCall | None:
    """A call from its parts; arguments may be an object, its JSON text, or nothing.

    Args:
        name: Should be text.
        arguments: Should be a map.

    Returns:
        The call; None where the parts make none.
    """
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return None
    if arguments is None:
        arguments = {}
    return FunctionCall(name, arguments) if isinstance(name, str) and name and isinstance(arguments, dict) else None


def beside(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text without these spans and without a fence around them, pieces joined by a line break."""
    pieces, at = [], 0
    for start, end in spans:
        pieces.append(text[at:start].strip())
        at = end
    pieces.append(text[at:].strip())
    if len(pieces) > 1 and pieces[-1] == "```" and MARK_OF_FENCE.fullmatch(pieces[0]):
        pieces = pieces[1:-1]
    return "\n".join(piece for piece in pieces if piece)


def dump(value: Any) -> str:
    r"""JSON in which no tag can end: `</` is written `<\/`.

    Raises:
        ValueError: The value is not JSON, or would be read back as another.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        same = json.loads(text) == value
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the arguments are not JSON: {error}") from error
    if not same:
        raise ValueError("the arguments are not JSON: they hold what it lacks, such as a tuple")
    return text.replace("</", "<\\/")


def types(tools: Sequence[Tool], name: str) -> Mapping[str, str] | None:
    """Parameter names of a function and their types.

    Args:
        tools: Documents in the benchmark's dialect or in OpenAI's format, or with a map of types as parameters.
        name: The function, dots written as dots or as underscores.

    Returns:
        A map; None where the function is not among the tools.
    """
    for tool in tools:
        document = tool.get("function", tool)
        if document.get("name") == name or str(document.get("name")).replace(".", "_") == name.replace(".", "_"):
            parameters = document.get("parameters") or {}
            return {key: _type(schema) for key, schema in parameters.get("properties", parameters).items()}
    return None


def _type(schema: Any) -> str:
    kind = schema.get("type") if isinstance(schema, Mapping) else schema
    return kind if isinstance(kind, str) else "any"


def primitive(raw: str) -> Any:
    """A bare value: a JSON constant, a number as Python reads it, else the text itself."""
    if raw in WORDS:
        return WORDS[raw]
    for kind in (int, float):
        try:
            return kind(raw)
        except ValueError:
            continue
    return raw

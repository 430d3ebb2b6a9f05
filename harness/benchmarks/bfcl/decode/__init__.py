"""Model text to calls. One module a dialect; each raises `Undecodable`, and none ever runs what it reads.

A decoded reply is a list of one-key maps, as in the data set's answers:
`[get_weather(city="Rome")]` becomes `[{"get_weather": {"city": "Rome"}}]`.
Upstream rule: `default_decode_ast_prompting` and `ast_parse` in `bfcl_eval/model_handler/utils.py` (2026.3.23).
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from harness.benchmarks.bfcl.rules import UPSTREAM, Rules
from harness.types import FunctionCall

Calls = list[dict[Any, Any]]

MODULES = {
    "python": "python",
    "java": "java",
    "javascript": "javascript",
    "json": "structured",
    "verbose_xml": "structured",
    "concise_xml": "structured",
}
"""Dialect -> module that reads it."""

MAX_SOURCE = 100_000
"""Characters of source, a string literal counted as one; the parsers' time and memory grow with these."""

_STRING = re.compile(r'"[^"\\\n]*"|\'[^\'\\\n]*\'')
_TAGGED = re.compile(r"<TOOLCALL>(.*?)</TOOLCALL>", re.DOTALL)


class Undecodable(ValueError):
    """The reply is not a call list in the dialect that was asked for."""


def decode(text: Any, dialect: str = "python", *, tagged: bool = False, rules: Rules = UPSTREAM) -> Any:
    """Read the calls of a reply in prompting mode.

    Args:
        text: The answer; anything but text cannot be decoded.
        dialect: A key of `MODULES`.
        tagged: The calls are expected between `<TOOLCALL>` tags.
        rules: Which quirks hold.

    Returns:
        Usually `Calls`; something else where the reply parses but holds no well-formed call.

    Raises:
        Undecodable: The reply is not in the dialect.
    """
    if not isinstance(text, str):
        raise Undecodable(f"the reply is {type(text).__name__}, not text")
    text = bracketed(text)
    if tagged:
        found = _TAGGED.search(text)
        if found is None:
            raise Undecodable("no <TOOLCALL> tag")
        text = found[1].strip()
    if len(text) > MAX_SOURCE and len(_STRING.sub("s", text)) > MAX_SOURCE:
        raise Undecodable(f"more than {MAX_SOURCE} characters beside string literals")
    return _reader(dialect)(text, dialect, rules)


@cache
def _reader(dialect: str) -> Callable[[str, str, Rules], Any]:
    reader: Callable[[str, str, Rules], Any] = importlib.import_module(f"{__name__}.{MODULES[dialect]}").decode
    return reader


def bracketed(text: str) -> str:
    """Trim backticks, newlines and blanks, then add the outer bracket on whichever side lacks it."""
    text = text.strip("`\n ")
    return f"{'' if text.startswith('[') else '['}{text}{'' if text.endswith(']') else ']'}"


def native(raw: Any) -> Calls:
    """Read native calls: a list of `{name: arguments}`, arguments as JSON text or already as an object.

    Text where calls are expected is iterated by upstream, so empty text is an empty list and other text an error.

    Raises:
        Undecodable: The value has another shape, or the JSON cannot be read.
    """
    if type(raw) is not list:
        if raw in ("", {}):
            return []
        raise Undecodable(f"the reply is {type(raw).__name__}, not a list of calls")
    calls = []
    for call in raw:
        if type(call) is not dict or not call:
            raise Undecodable("a call is not a map of a name to its arguments")
        for name, arguments in call.items():  # noqa: B007 - the first pair counts, others are not looked at
            break
        if type(arguments) is str:
            arguments = _read_json(name, arguments)
        calls.append({name: arguments})
    return calls


def _read_json(name: Any, text: str) -> Any:
    """`json.loads`, without what that spends on blanks around the value: there are hardly ever any."""
    try:
        value, end = _scan_json(text, 0)
    except (ValueError, RecursionError, StopIteration):
        end = -1
    if end == len(text):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Undecodable(f"arguments of {name!r} are not JSON: {error}") from None


_scan_json = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # public, but not in the stubs


def well_formed(calls: Any) -> bool:
    """Whether the value is a list of one-key maps to arguments; an empty list is."""
    if type(calls) is not list:
        return False
    for call in calls:
        if type(call) is not dict or len(call) != 1:
            return False
        (arguments,) = call.values()
        if type(arguments) is not dict:
            return False
    return True


def read_calls(answer: str) -> list[FunctionCall] | None:
    """Calls of an answer, as the harness decodes a reply; the inverse of `write_calls`.

    Args:
        answer: Text such as `[f(a=1)]`.

    Returns:
        The calls; None where the text is not a list of calls, or an empty one.
    """
    try:
        calls = decode(answer)
    except Undecodable:
        return None
    if not calls or not well_formed(calls):
        return None
    return [FunctionCall(name, arguments) for call in calls for name, arguments in call.items()]

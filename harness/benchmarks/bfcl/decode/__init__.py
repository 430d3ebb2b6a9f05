"""Model text to calls. One module a dialect; each raises `Undecodable`, and none ever runs what it reads.

A decoded reply is a list of one-key maps, as in the data set's answers:
`[get_weather(city="Rome")]` becomes `[{"get_weather": {"city": "Rome"}}]`.
Upstream rule: `default_decode_ast_prompting` and `ast_parse` in `bfcl_eval/model_handler/utils.py` (2026.3.23).
"""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

from harness.benchmarks.bfcl.rules import UPSTREAM, Rules

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
    module = importlib.import_module(f"{__name__}.{MODULES[dialect]}")
    return module.decode(text, dialect, rules)


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
    if raw in ("", {}):
        return []
    if not isinstance(raw, list):
        raise Undecodable(f"the reply is {type(raw).__name__}, not a list of calls")
    calls = []
    for call in raw:
        if not isinstance(call, dict) or not call:
            raise Undecodable("a call is not a map of a name to its arguments")
        name, arguments = next(iter(call.items()))
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments)
            except (ValueError, RecursionError) as error:
                raise Undecodable(f"arguments of {name!r} are not JSON: {error}") from None
        calls.append({name: arguments})
    return calls


def well_formed(calls: Any) -> bool:
    """Whether the value is a list of one-key maps to arguments; an empty list is."""
    return type(calls) is list and all(
        type(call) is dict and len(call) == 1 and type(next(iter(call.values()))) is dict for call in calls
    )

"""`NAME=VALUE,...` pairs, JSON objects and lists of names, as flags are given them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from harness.errors import UsageProblem
from harness.flags.fields import Names, Pairs

NAME = r"[A-Za-z_][\w.-]*"
NEXT_PAIR = re.compile(rf",(?=\s*{NAME}=)")
NEXT_IN_VARIABLE = re.compile(rf"\s+(?={NAME}=)")
STRING = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)
CLOSES = {")": "(", "]": "[", "}": "{"}
LM_EVAL_NAMES = {
    "peft": "adapter",
    "max_gen_toks": "max_tokens",
    "num_concurrent": "concurrency",
    "base_url": "base_urls",
}
"""What lm-evaluation-harness calls some of our names."""


class PairsText(click.types.StringParamType):
    """Text of pairs; an environment variable that holds several separates them by spaces."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """The values of a variable; brackets and quoted strings stay whole."""
        return _split(rv.strip(), NEXT_IN_VARIABLE)


PAIRS = PairsText()


def split(values: Names) -> list[str]:
    """Names given by commas, by repeating a flag, or both."""
    texts = [values] if isinstance(values, str) else values
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def pairs(flag: str, values: Pairs | Iterable[str | Mapping[str, Any]]) -> dict[str, Any]:
    """Read `k=v,k2=v2` or `{"k": "v"}`.

    Values of `k=v` are YAML scalars (`2`, `true`, `null`, `"x,y"`), JSON lists or objects, and otherwise text. A comma
    begins another pair where `NAME=` follows, and never inside of brackets or a quoted string.

    Args:
        flag: For the message.
        values: A mapping or a text, or one a time the flag was given.

    Returns:
        Values by name, `-` in names turned to `_`.

    Raises:
        UsageProblem: A part is neither.
    """
    found: dict[str, Any] = {}
    for part in [values] if isinstance(values, str | Mapping) else values:
        given = part if isinstance(part, Mapping) else _object(flag, part) if part.lstrip()[:1] == "{" else None
        for name, value in given.items() if given is not None else _read(flag, str(part)):
            name = str(name).replace("-", "_")
            found[LM_EVAL_NAMES.get(name, name)] = value
    return found


def _object(flag: str, text: str) -> Mapping[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError as problem:
        remedy = f"""Write {flag} '{{"name": "value"}}', or {flag} name=value."""
        raise UsageProblem(f"{flag}: {text!r} is not JSON: {problem}", remedy) from None


def _read(flag: str, text: str) -> Iterable[tuple[str, Any]]:
    for pair in _split(text, NEXT_PAIR):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageProblem(f"{flag}: {pair!r} is not NAME=VALUE", f"Write {flag} name=value,other=value.")
        yield name.strip(), _scalar(value)


def _split(text: str, separator: re.Pattern[str]) -> list[str]:
    """Split where a separator matches outside of brackets and quoted strings; a bracket that nothing closes is text."""
    whole = _whole(text)
    parts, start = [], 0
    for found in separator.finditer(text):
        if not any(first < found.start() < last for first, last in whole):
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]


def _whole(text: str) -> list[tuple[int, int]]:
    """First and last position of every quoted string and every pair of brackets.

    A string begins a value: an apostrophe in the middle of a word is text.
    """
    whole: list[tuple[int, int]] = []
    open_brackets: list[int] = []
    position, before = 0, ""
    while position < len(text):
        char = text[position]
        string = STRING.match(text, position) if before == "=" or (open_brackets and before in "([{,:") else None
        if string:
            whole.append((position, string.end() - 1))
            position = string.end() - 1
        elif char in CLOSES.values():
            open_brackets.append(position)
        elif char in CLOSES:
            same = [n for n, opened in enumerate(open_brackets) if text[opened] == CLOSES[char]]
            if same:
                whole.append((open_brackets[same[-1]], position))
                del open_brackets[same[-1] :]
        before = before if char.isspace() else char
        position += 1
    return whole


def _scalar(text: str) -> Any:
    import yaml

    try:
        if text.lstrip().startswith(("[", "{")):
            return json.loads(text)
        value = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return text
    return value if value is None or isinstance(value, bool | int | float | str) else text

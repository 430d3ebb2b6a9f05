"""Call strings such as `cd(folder='docs')`: written from a decoded reply, and run against an allow-list.

Upstream writes each decoded call back as Python source and hands it to `eval`. Here the source is parsed and only
literals, literal arithmetic and (nested) calls of allowed functions are carried out, in Python's own order and with
Python's own error texts; everything else is refused.
Upstream rules: `default_decode_execute_prompting`, `parse_nested_value`, `convert_to_function_call` in
`bfcl_eval/model_handler/utils.py` and `execute_multi_turn_func_call` in `multi_turn_utils.py` (2026.3.23).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from keyword import iskeyword
from types import MappingProxyType
from typing import Any, NoReturn

from harness.benchmarks.bfcl.decode import Undecodable, decode
from harness.benchmarks.bfcl.decode.arithmetic import evaluate
from harness.benchmarks.bfcl.rules import UPSTREAM, Rules

Functions = Callable[[str], Callable[..., Any] | None]
"""Gives the function of a name, None where it is not allowed."""
CallPlan = Callable[[Functions], Any]

MODES = ("prompt", "fc", "decoded")

MAX_CALL = 250_000
"""Characters of one call string; parsing takes memory some hundred times its source."""

_CONSTANTS = {"True": True, "False": False, "None": None}
_QUOTED = r"""'[^'"\\\n\r\0\ud800-\udfff]*'|"[^'"\\\n\r\0\ud800-\udfff]*\""""
_VALUE = rf"{_QUOTED}|-?(?:0|[1-9]\d{{0,14}})(?:\.\d{{1,15}})?|True|False|None"
_PLAIN_CALL = re.compile(rf"[a-zA-Z_]\w*\((?:[a-zA-Z_]\w* ?= ?(?:{_VALUE})(?:, ?(?!\))|(?=\))))*\)", re.ASCII)
_PLAIN_ARGUMENT = re.compile(rf"(\w+) ?= ?({_VALUE})", re.ASCII)


class Refused(Exception):
    """A call that is not carried out; its text is the call's result."""


def call_strings(
    step: Any, mode: str, rules: Rules = UPSTREAM, parameters: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> list[str]:
    """The call strings of one reply.

    Args:
        step: The reply: text, a list of `{name: arguments}`, or already call strings.
        mode: `prompt`, `fc` or `decoded`.
        rules: Which quirks hold.
        parameters: Parameter names of each function, for rules that bind positional arguments.

    Returns:
        One string a call; empty where none was made.

    Raises:
        Undecodable: The reply holds no readable calls; the step then counts as made without one.
    """
    try:
        if mode == "decoded":
            return [step] if type(step) is str else [str(call) for call in step]
        if mode == "fc":
            return _native(step)
        return [
            _call_source(name, _bound(arguments, parameters.get(name, ())))
            for call in decode(step, rules=rules)
            for name, arguments in call.items()
        ]
    except (ValueError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise error if isinstance(error, Undecodable) else Undecodable(str(error)) from None


def _native(step: Any) -> list[str]:
    calls = [step] if type(step) is dict else step
    return [
        f"{name}({','.join(f'{key}={value!r}' for key, value in _arguments(arguments).items())})"
        for call in calls
        for name, arguments in call.items()
    ]


def _arguments(arguments: Any) -> Any:
    return json.loads(arguments) if type(arguments) is str else arguments


def _bound(arguments: Mapping[Any, Any], names: Sequence[str]) -> Mapping[Any, Any]:
    """Give positional arguments, which strict rules keep under their index, the names they stand for."""
    return {names[key] if type(key) is int and key < len(names) else key: value for key, value in arguments.items()}


def _call_source(name: Any, arguments: Mapping[Any, Any]) -> str:
    return f"{name}({', '.join(f'{key}={_source(value)}' for key, value in arguments.items())})"


def _source(value: Any) -> str:
    """A value as source. A map whose values are all maps is written as a call of its first key (quirk 21)."""
    if not isinstance(value, dict):
        return repr(value)
    if all(isinstance(item, dict) for item in value.values()):
        if not value:
            raise Undecodable("an empty map cannot be written as a call")
        return _call_source(*next(iter(value.items())))
    return "{" + ", ".join(f"'{key}': {_source(item)}" for key, item in value.items()) + "}"


def plan(call: str) -> CallPlan:
    """Parse a call string.

    Args:
        call: Source of one expression.

    Returns:
        A function that carries it out with the allowed functions. It may raise whatever they raise.

    Raises:
        Refused: It holds something that is never carried out, or is too long.
        SyntaxError: It is not an expression; other errors of Python's parser likewise.
    """
    if len(call) > MAX_CALL:
        raise Refused(f"the call has more than {MAX_CALL} characters")
    if (plain := _plain(call)) is not None:
        return plain
    # The file name is part of the texts of syntax errors; upstream's `eval` says <string> and ignores leading blanks.
    return _build(ast.parse(call.lstrip(" \t"), "<string>", "eval").body)


def _plain(call: str) -> CallPlan | None:
    """Read the most usual form, keyword arguments with simple literals, five times as fast as Python's parser does."""
    if _PLAIN_CALL.fullmatch(call) is None:
        return None
    name, _, rest = call.partition("(")
    given = _PLAIN_ARGUMENT.findall(rest)
    values = {key: _literal(text) for key, text in given}
    if len(values) < len(given) or iskeyword(name) or any(map(iskeyword, values)):
        return None
    return lambda functions: (functions(name) or _undefined(name))(**values)


def _literal(text: str) -> Any:
    if text[0] in "'\"":
        return text[1:-1]
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return float(text) if "." in text else int(text)


def _build(node: ast.expr) -> CallPlan:
    match node:
        case ast.Constant(value):
            return lambda functions: value
        case ast.Call():
            return _build_call(node)
        case ast.Name(name):
            return lambda functions: _undefined(name)
        case ast.List(items):
            parts = [_build(item) for item in items]
            return lambda functions: [part(functions) for part in parts]
        case ast.Tuple(items):
            parts = [_build(item) for item in items]
            return lambda functions: tuple([part(functions) for part in parts])
        case ast.Set(items):
            parts = [_build(item) for item in items]
            return lambda functions: {part(functions) for part in parts}
        case ast.Dict(keys, values) if None not in keys:
            pairs = [(_build(key), _build(value)) for key, value in zip(keys, values, strict=True) if key]
            return lambda functions: {key(functions): value(functions) for key, value in pairs}
        case ast.UnaryOp() | ast.BinOp():
            return lambda functions: evaluate(node)
        case ast.Attribute(value):
            owner = _build(value)
            return lambda functions: _refuse(owner(functions))
    raise Refused(f"a {type(node).__name__} is not allowed in a call")


def _build_call(node: ast.Call) -> CallPlan:
    if not isinstance(node.func, ast.Name):
        callee = _build(node.func)
        return lambda functions: _refuse(callee(functions))
    name, given = node.func.id, {keyword.arg: keyword.value for keyword in node.keywords}
    if len(given) < len(node.keywords) or None in given:
        _refuse_keywords(node.keywords)
    if not node.args and all(isinstance(value, ast.Constant) for value in given.values()):  # most calls
        values = {str(key): value.value for key, value in given.items() if isinstance(value, ast.Constant)}
        return lambda functions: (functions(name) or _undefined(name))(**values)
    arguments = [_build(argument) for argument in node.args]
    keywords = {str(key): _build(value) for key, value in given.items()}

    def run(functions: Functions) -> Any:
        function = functions(name) or _undefined(name)
        return function(
            *[argument(functions) for argument in arguments],
            **{key: value(functions) for key, value in keywords.items()},
        )

    return run


def _refuse_keywords(keywords: list[ast.keyword]) -> NoReturn:
    seen: set[str | None] = set()
    for keyword in keywords:
        if keyword.arg in seen and keyword.arg is not None:
            place = (keyword.lineno, keyword.col_offset + 1, None)
            raise SyntaxError(f"keyword argument repeated: {keyword.arg}", ("<string>", *place))
        seen.add(keyword.arg)
    raise Refused("** is not allowed in a call")


def _undefined(name: str) -> NoReturn:
    raise NameError(f"name '{name}' is not defined")


def _refuse(value: Any) -> NoReturn:
    raise Refused(f"calls and attributes of a {type(value).__name__} are not allowed")

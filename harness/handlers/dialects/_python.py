"""Calls in Python's syntax, read by `ast` and never run."""

from __future__ import annotations

import ast
import re
import textwrap
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

from harness.handlers.dialects._found import FAILURES, WORDS, Found, beside, dump, types, unfenced
from harness.types import FunctionCall, Tool

CALL_LINE = re.compile(r"^[ \t]*\[?[ \t]*[A-Za-z_][\w.]*\(", re.MULTILINE)
LAST_LINE = re.compile(r"[)\]][ \t]*$", re.MULTILINE)
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
TRIES = 20
"""End marks at which a call is tried to end, as its strings may hold the mark."""
_FAILURES = (SyntaxError, ArithmeticError, *FAILURES)
# The filter list of warnings is global: two threads that each save and restore it could leave the wrong one behind.
_WARNINGS = threading.Lock()


@dataclass(frozen=True, slots=True)
class PythonCalls:
    """`[f(a=1), g.h(b='x')]`, in marks or bare, or one call a line."""

    start: str = ""
    end: str = ""
    wrap: str = "[{calls}]"
    separator: str = ", "

    def read(self, text: str, tools: Sequence[Tool]) -> Found:
        """Find the calls between the marks, or bare ones where there is no mark."""
        if not self.start or self.start not in text:
            return _bare(text, tools)
        calls: list[FunctionCall] = []
        spans, broken, at = [], False, 0
        while (begin := text.find(self.start, at)) >= 0:
            made, at = self._until_mark(text, begin + len(self.start), tools)
            broken = broken or made is None
            calls += made or ()
            spans.append((begin, at))
        return Found(tuple(calls), beside(text, spans), broken)

    def write(self, calls: Sequence[FunctionCall]) -> str:
        """Write calls; none are written as nothing at all."""
        return self.wrap.replace("{calls}", self.separator.join(map(write_call, calls))) if calls else ""

    def _until_mark(self, text: str, at: int, tools: Sequence[Tool]) -> tuple[list[FunctionCall] | None, int]:
        first = end = text.find(self.end, at) if self.end else -1
        for _ in range(TRIES):
            stop = end if end >= 0 else len(text)
            try:
                return read_calls(unfenced(text[at:stop]), tools), stop + (len(self.end) if end >= 0 else 0)
            except ValueError:
                if end < 0:
                    break
                end = text.find(self.end, end + 1)
        return None, first + len(self.end) if first >= 0 else len(text)


def _bare(text: str, tools: Sequence[Tool]) -> Found:
    inner = unfenced(text)
    if inner.strip() in ("", "[]"):
        return Found()
    begin = CALL_LINE.search(inner)
    if begin is None:
        return Found((), text.strip())
    ends = [found.end() for found in LAST_LINE.finditer(inner, begin.start())]
    for end in [len(inner), *ends[-1:-TRIES:-1]]:
        try:
            calls = read_calls(inner[begin.start() : end], tools)
        except ValueError:
            continue
        return Found(tuple(calls), beside(inner, [(begin.start(), end)]))
    return Found((), text.strip(), True)


def read_calls(source: str, tools: Sequence[Tool] = (), quirks: bool = False) -> list[FunctionCall]:
    """Read a list of calls, or one call or list a line.

    Args:
        source: Python source.
        tools: Documents whose parameters give positional arguments their names, in order.
        quirks: Read as the official evaluator does: positional arguments vanish, every sign negates, bare words are
            text (`resolve_ast_call` in `bfcl_eval/model_handler/utils.py`).

    Returns:
        The calls.

    Raises:
        ValueError: It is anything else.
    """
    try:
        nodes: list[ast.expr | None] = []
        for statement in _parse(textwrap.dedent(source).strip()).body:
            value = statement.value if isinstance(statement, ast.Expr) else None
            nodes += value.elts if isinstance(value, ast.List | ast.Tuple) and not quirks else [value]
        return [_call(node, tools, quirks) for node in nodes]
    except _FAILURES as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def literal(source: str) -> Any:
    """A Python literal, JSON's three words and arithmetic with numbers allowed.

    Raises:
        ValueError: It is anything else.
    """
    try:
        [statement] = _parse(source).body
        if not isinstance(statement, ast.Expr):
            raise ValueError("not an expression")
        return _value(statement.value, quirks=False, words=True)
    except _FAILURES as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def evaluate(source: str) -> Any:
    """What Python's `eval` gives for a literal, or arithmetic with numbers; nothing is run.

    Raises:
        ValueError: It is anything else.
    """
    try:
        return _value(_parse(source.lstrip(" \t"), "eval").body, quirks=False, words=False)
    except _FAILURES as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def write_call(call: FunctionCall) -> str:
    """A call as Python source; a parameter whose name Python cannot write goes into `**{...}`.

    Raises:
        ValueError: Its name is not a dotted name, or its arguments are not JSON.
    """
    if not all(part.isidentifier() and not iskeyword(part) for part in call.name.split(".")):
        raise ValueError(f"{call.name!r} is not a name in Python")
    dump(dict(call.arguments))
    plain = {key: value for key, value in call.arguments.items() if _ascii_name(key)}
    other = {key: value for key, value in call.arguments.items() if key not in plain}
    parts = [f"{key}={value!r}" for key, value in plain.items()]
    return f"{call.name}({', '.join([*parts, *([f'**{other!r}'] if other else [])])})"


def _ascii_name(key: str) -> bool:
    """Whether Python leaves the name as it is; others may be normalised."""
    return key.isidentifier() and key.isascii() and not iskeyword(key)


def _parse(source: str, mode: str = "exec") -> Any:
    # An unknown escape such as "\d" is only a warning; where warnings are errors it would become a syntax error.
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source, mode=mode)


def _call(node: ast.expr | None, tools: Sequence[Tool], quirks: bool) -> FunctionCall:
    if not isinstance(node, ast.Call):
        raise ValueError("not a call")
    name = _name(node.func)
    if quirks:
        return FunctionCall(name, {str(each.arg): _value(each.value, True, False) for each in node.keywords})
    return FunctionCall(name, _positional(node, name, tools) | _keywords(node))


def _positional(node: ast.Call, name: str, tools: Sequence[Tool]) -> dict[str, Any]:
    keys = list(types(tools, name) or ())
    if len(node.args) > len(keys):
        raise ValueError(f"{name} takes no {len(node.args)} positional arguments")
    return {key: _value(value, False, True) for key, value in zip(keys, node.args, strict=False)}


def _keywords(node: ast.Call) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in node.keywords:
        value = _value(each.value, False, True)
        found |= {each.arg: value} if each.arg is not None else value
    return found


def _name(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise ValueError("a callee that is not a name")
    return ".".join([node.id, *reversed(parts)])


def _value(node: ast.expr | None, quirks: bool, words: bool) -> Any:
    match node:
        case ast.Constant(bool() | int() | float() | str() | None as value):
            return value
        case ast.List(items):
            return [_value(item, quirks, words) for item in items]
        case ast.Tuple(items):
            return tuple([_value(item, quirks, words) for item in items])
        case ast.Dict(keys, values):
            return {
                _value(key, quirks, words): _value(value, quirks, words)
                for key, value in zip(keys, values, strict=True)
            }
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand, quirks, words)
        case ast.UnaryOp(ast.UAdd(), operand):
            return -_value(operand, quirks, words) if quirks else +_value(operand, quirks, words)
        case ast.BinOp(left, operator, right):
            return _number(
                OPERATORS[type(operator)](_number(_value(left, quirks, words)), _number(_value(right, quirks, words)))
            )
        case ast.Name(name) if words and name in WORDS:
            return WORDS[name]
        case ast.Name(name) if words or quirks:
            return name
        case ast.Call(keywords=keywords) if quirks and keywords:
            return {_name(node.func): {str(each.arg): _value(each.value, True, False) for each in keywords}}
        case ast.Call() | ast.Subscript() if words or quirks:
            return ast.unparse(node)
    raise ValueError(f"a {type(node).__name__} is not a value")


def _number(value: Any) -> int | float:
    if type(value) not in (int, float) or abs(value) > 1e300:
        raise ValueError("arithmetic with something other than numbers")
    return value

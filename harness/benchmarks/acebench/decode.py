"""Model text to calls: `[get_weather(city="Rome")]` becomes `[{"get_weather": {"city": "Rome"}}]`. Nothing is ever run.

Upstream hands arithmetic to Python's `eval`; here a closed evaluator does what literals allow, and an expression that
holds a name, a call or an attribute cannot be decoded.
Upstream rule: `decode_ast` in `model_inference/utils.py` and the cleaning in `eval_main.py` (commit 56dd66cf).
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from typing import Any

from harness.benchmarks.acebench.rules import UPSTREAM, Rules
from harness.benchmarks.bfcl.decode import quick
from harness.benchmarks.bfcl.decode.arithmetic import evaluate

Calls = list[dict[Any, Any]]

MAX_SOURCE = 100_000
"""Characters of source, a string literal counted as one; the parser's time and memory grow with these."""

FAILURES = (SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError, RecursionError)

_BRACKETS = re.compile(r"\[+|\]+")
_STRING = re.compile(r'"[^"\\\n]*"|\'[^\'\\\n]*\'')

# The filter list is global: two threads that each save and restore it could leave the wrong one behind.
_WARNINGS = threading.Lock()


class Undecodable(ValueError):
    """The reply is not a list of calls."""


def decode(raw: Any, joined: bool = False, rules: Rules = UPSTREAM) -> Calls:
    """Read the calls of a reply.

    Args:
        raw: The answer; anything but text cannot be decoded.
        joined: Delete all white space and read the whole reply, as upstream does in normal multi-turn; otherwise the
            first pair of brackets is read.
        rules: Which quirks hold.

    Returns:
        One map a call; positional arguments are lost, and of a repeated name the last value stays.

    Raises:
        Undecodable: Not a list of calls with readable arguments.
    """
    if type(raw) is not str:
        raise Undecodable(f"the reply is {type(raw).__name__}, not text")
    text = "".join(raw.split()) if joined and not rules.keep_blanks else first_brackets(raw)
    if text is None:
        raise Undecodable("no pair of brackets")
    _refuse_length(text)
    return quick.read(text) or _by_tree(text, rules)


def first_brackets(text: str) -> str | None:
    """The first outermost pair of brackets, also where these stand inside a string literal; None where there is none.

    A closing bracket without an opening one counts too, so that what follows it is hardly ever found.
    """
    depth = start = 0
    for run in _BRACKETS.finditer(text):
        if run[0][0] == "[":
            if depth <= 0 < depth + len(run[0]):
                start = run.start() - depth
            depth += len(run[0])
        elif 0 < depth <= len(run[0]):
            return text[start : run.start() + depth]
        else:
            depth -= len(run[0])
    return None


def parse(text: str) -> ast.expr:
    """Parse one expression; `FAILURES` or `Undecodable` where that cannot be done."""
    _refuse_length(text)
    # An unknown escape such as "\d" is only a warning; where warnings are errors it would become a syntax error.
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode="eval").body


def _refuse_length(text: str) -> None:
    if len(text) > MAX_SOURCE and len(_STRING.sub("s", text)) > MAX_SOURCE:
        raise Undecodable(f"more than {MAX_SOURCE} characters beside string literals")


def _by_tree(text: str, rules: Rules) -> Calls:
    try:
        tree = parse(text)
        if isinstance(tree, ast.List | ast.Tuple | ast.Set):
            return [call(element, rules) for element in tree.elts]
    except Undecodable:
        raise
    except FAILURES as error:
        raise Undecodable(f"{type(error).__name__}: {error}") from None
    raise Undecodable("not a list of calls")


def call(node: ast.expr, rules: Rules = UPSTREAM, source_of_calls: bool = False) -> dict[Any, Any]:
    """One call as a one-key map of its name to its named arguments; see `value`.

    Raises:
        Undecodable: It is not a call, or an argument cannot be read; other `FAILURES` likewise.
    """
    if not isinstance(node, ast.Call):
        raise Undecodable("an element is not a call")
    # `**x` has no name and stays under None, a repeated name keeps its last value.
    return {name(node.func): {word.arg: value(word.value, rules, source_of_calls) for word in node.keywords}}


def name(node: ast.expr) -> str:
    """Dotted name of a callee; parts that are not names are left out, so `f(1)(x=2)` has the empty name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def value(node: ast.expr | None, rules: Rules = UPSTREAM, source_of_calls: bool = False) -> Any:
    """The value of an argument.

    Args:
        node: Its expression.
        rules: Which quirks hold.
        source_of_calls: A call without named arguments is its source text, as the agents' executor reads it.

    Returns:
        A literal; a bare name as its text, a call as a map, a subscript as its source.

    Raises:
        Undecodable: The expression has none; other `FAILURES` likewise.
    """
    match node:
        case ast.Constant(found):
            return "..." if found is ... else found
        case ast.List(items):
            return [value(item, rules, source_of_calls) for item in items]
        case ast.Tuple(items):
            return tuple([value(item, rules, source_of_calls) for item in items])
        case ast.Dict(keys, values):
            pairs = zip(keys, values, strict=True)
            return {value(key, rules, source_of_calls): value(item, rules, source_of_calls) for key, item in pairs}
        case ast.Name(text):
            return text
        case ast.BinOp():
            return evaluate(node)
        case ast.UnaryOp():
            return _signed(node, rules)
        case ast.Call(keywords=[]) if source_of_calls:
            return ast.unparse(node)
        case ast.Call():
            return call(node, rules, source_of_calls)
        case ast.Subscript(outer, index):
            return f"{ast.unparse(outer)}[{ast.unparse(index)}]"
    raise Undecodable(f"a {type(node).__name__} is not a value")


def _signed(node: ast.UnaryOp, rules: Rules) -> Any:
    if rules.true_signs:
        return evaluate(node)
    if isinstance(node.operand, ast.Constant):
        return -node.operand.value  # type: ignore[operator]  # text raises TypeError, as it should
    raise Undecodable("a sign before something that is not a constant")

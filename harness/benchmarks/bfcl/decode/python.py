"""Python call syntax, by `ast`. Quirks of the official reader are kept; arithmetic is done by a closed evaluator."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from typing import Any

from harness.benchmarks.bfcl.decode import Calls, Undecodable, quick
from harness.benchmarks.bfcl.decode.arithmetic import evaluate
from harness.benchmarks.bfcl.rules import Rules

_FAILURES = (SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError, RecursionError)

_WORD = re.compile(r"\w")

# The filter list is global: two threads that each save and restore it could leave the wrong one behind.
_WARNINGS = threading.Lock()


def decode(text: str, dialect: str, rules: Rules) -> Calls:
    """Read one call or a list of calls.

    Args:
        text: Source with its outer brackets.
        dialect: Always `python`.
        rules: Which quirks hold.

    Returns:
        One map a call. A positional argument is dropped, or kept under its index where rules bind it later.

    Raises:
        Undecodable: Not an expression made of calls with readable arguments.
    """
    text = text.strip().strip("'")
    calls = quick.read(text)
    if calls is not None:
        return calls
    if "(" not in text and "#" not in text and _WORD.search(text):
        raise Undecodable("no call")
    return _by_tree(text, rules)


def _by_tree(text: str, rules: Rules) -> Calls:
    try:
        tree = _parse(text).body
        if isinstance(tree, ast.Call):
            return [_call(tree, rules)]
        if isinstance(tree, ast.List | ast.Tuple | ast.Set) and all(isinstance(e, ast.Call) for e in tree.elts):
            return [_call(e, rules) for e in tree.elts if isinstance(e, ast.Call)]
    except _FAILURES as error:
        raise Undecodable(f"{type(error).__name__}: {error}") from None
    raise Undecodable("not a list of calls")


def _parse(text: str) -> ast.Expression:
    # An unknown escape such as "\d" is only a warning; where warnings are errors it would become a syntax error.
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode="eval")


def _call(node: ast.Call, rules: Rules) -> dict[Any, Any]:
    arguments: dict[Any, Any] = {}
    if rules.bind_positional:
        arguments = {index: _value(argument, rules) for index, argument in enumerate(node.args)}
    for keyword in node.keywords:  # `**x` has no name and stays under None, a repeated name keeps its last value
        arguments[keyword.arg] = _value(keyword.value, rules)
    return {_name(node.func): arguments}


def _name(node: ast.expr) -> str:
    """Dotted name of a callee; parts that are not names are left out, so `f(1)(x=2)` has the empty name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def _value(node: ast.expr | None, rules: Rules) -> Any:
    match node:
        case ast.Constant(value):
            return "..." if value is ... else value
        case ast.List(items):
            return [_value(item, rules) for item in items]
        case ast.Tuple(items):
            return tuple([_value(item, rules) for item in items])
        case ast.Dict(keys, values):
            return {_value(key, rules): _value(value, rules) for key, value in zip(keys, values, strict=True)}
        case ast.Name(name):
            return name
        case ast.BinOp():
            return evaluate(node)
        case ast.UnaryOp():
            return _unary(node, rules)
        case ast.Call(keywords=[]):
            return ast.unparse(node)
        case ast.Call():
            return _call(node, rules)
        case ast.Subscript(value, index):
            return f"{ast.unparse(value)}[{ast.unparse(index)}]"
    raise Undecodable(f"a {type(node).__name__} is not a value")


def _unary(node: ast.UnaryOp, rules: Rules) -> Any:
    if rules.true_signs:
        return evaluate(node)
    if isinstance(node.operand, ast.Constant):
        return -node.operand.value  # type: ignore[operator]  # text raises TypeError, as it should
    raise Undecodable("a sign before something that is not a constant")

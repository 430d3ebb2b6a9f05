"""A one-argument lambda as text, `lambda x: 3*x**2 + 2*x - 1`, evaluated by a closed evaluator, never by `eval`."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

MAX_LENGTH = 10_000
"""Characters of a formula."""
_MAX_BITS = 20_000

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_FUNCTIONS = (
    "acos",
    "asin",
    "atan",
    "cos",
    "cosh",
    "exp",
    "log",
    "log10",
    "log2",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
)


def function_of(source: Any) -> Callable[[Any], Any]:
    """Read a formula.

    Args:
        source: A lambda with one parameter; its body holds numbers, the parameter, arithmetic, and functions of `math`.

    Returns:
        The function. It raises arithmetic errors and refuses powers that would grow too large.

    Raises:
        ValueError: It is something else; syntax errors likewise.
    """
    if not isinstance(source, str) or len(source) > MAX_LENGTH:
        raise ValueError("not the text of a formula")
    tree = ast.parse(source.strip(), mode="eval").body
    if not isinstance(tree, ast.Lambda) or len(tree.args.args) != 1 or tree.args.defaults:
        raise ValueError("not a lambda with one parameter")
    return lambda value: _evaluate(tree.body, {tree.args.args[0].arg: value})


def _evaluate(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(int() | float() as value):
            return value
        case ast.Name(name) if name in names:
            return names[name]
        case ast.Attribute(ast.Name("math"), "pi" | "e" as name):
            return getattr(math, name)
        case ast.UnaryOp(sign, operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_evaluate(operand, names))
        case ast.BinOp(left, ast.Pow(), right):
            return bounded_power(_evaluate(left, names), _evaluate(right, names))
        case ast.BinOp(left, sign, right) if type(sign) in _BINARY:
            return _BINARY[type(sign)](_evaluate(left, names), _evaluate(right, names))
        case ast.Call(ast.Attribute(ast.Name("math"), name), arguments, []) if name in _FUNCTIONS:
            return getattr(math, name)(*[_evaluate(argument, names) for argument in arguments])
        case ast.Call(ast.Name("abs" | "pow" as name), arguments, []):
            values = [_evaluate(argument, names) for argument in arguments]
            return abs(*values) if name == "abs" else bounded_power(*values)
    raise ValueError(f"a {type(node).__name__} is not allowed in a formula")


def bounded_power(base: Any, exponent: Any) -> Any:
    """A power, of whole numbers only where it stays small.

    Raises:
        OverflowError: It would grow too large.
    """
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * exponent > _MAX_BITS:
        raise OverflowError("the power is too large")
    return base**exponent

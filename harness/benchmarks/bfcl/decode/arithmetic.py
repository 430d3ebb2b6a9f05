"""Arithmetic on literals, closed and bounded: `2 * 3 + 1` and `"a" + "b"`, never a name, a call or an attribute.

Upstream hands such text to Python's `eval`. Here each operation is checked before it is done: a whole number or a
sequence that would grow over the limit becomes a stand-in of its type at the limit, which equals no expected answer,
so that `9**9**9` costs nothing and is judged as the wrong number that it is.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

MAX_BITS = 8192
"""Of a whole number: more than any float can hold, less than what takes noticeable time."""
MAX_ITEMS = 1_000_000
"""Of a text or list made by repetition or joining."""

_HUGE = 1 << MAX_BITS
_WIDE = re.compile(r"\d{5}|\*")
_Sequence = str | bytes | list | tuple

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.MatMult: operator.matmul,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}


def evaluate(node: ast.expr | None) -> Any:
    """Compute a literal expression.

    Args:
        node: Parsed source.

    Returns:
        The value, or a stand-in of its type at the limit.

    Raises:
        ValueError: The expression holds something else than literals and operators.
        TypeError: The operator does not fit its operands; other arithmetic errors likewise.
    """
    match node:
        case ast.Constant(value):
            return value
        case ast.UnaryOp(sign, operand):
            return _UNARY[type(sign)](evaluate(operand))
        case ast.BinOp(left, sign, right):
            return _binary(type(sign), evaluate(left), evaluate(right))
        case ast.List(items):
            return [evaluate(item) for item in items]
        case ast.Tuple(items):
            return tuple([evaluate(item) for item in items])
        case ast.Set(items):
            return {evaluate(item) for item in items}
        case ast.Dict(keys, values):
            return {evaluate(key): evaluate(value) for key, value in zip(keys, values, strict=True)}
    raise ValueError(f"a {type(node).__name__} inside arithmetic")


def _binary(sign: type[ast.operator], left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        return _HUGE if _bits(sign, left, right) > MAX_BITS else _BINARY[sign](left, right)
    if sign is ast.Mult and isinstance(left, int):
        left, right = right, left
    if isinstance(left, _Sequence):
        if sign is ast.Mult and isinstance(right, int):
            return left * min(right, MAX_ITEMS // max(len(left), 1) + 1)
        if sign is ast.Mod and _WIDE.search(repr(left)):
            raise ValueError("text formatting with a width")
        if sign is ast.Add and len(left) > MAX_ITEMS:
            return left
    return _BINARY[sign](left, right)


def _bits(sign: type[ast.operator], left: int, right: int) -> int:
    """Upper bound for the size of a result that can outgrow its operands."""
    if sign is ast.Pow:
        return left.bit_length() * right if abs(left) > 1 else 0
    if sign is ast.LShift:
        return left.bit_length() + right if left else 0
    return left.bit_length() + right.bit_length() if sign is ast.Mult else 0

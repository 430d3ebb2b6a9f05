"""The calculator: products first, then sums, one pair of parentheses deep, as upstream's list rewriting does it.

Upstream replaces `[left, operator, right]` in a list, the first product first. An operator that comes first finds its
left operand at the end of the list (index -1), puts the result there and stays where it is: `-1+2` never ends.
`formula[0]` is the result, whatever else is left.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

from harness.benchmarks.apibank.records import CallError, Refused
from harness.benchmarks.apibank.rules import inputs, tight
from harness.benchmarks.apibank.tools import tool

Token = float | str

_OPERATIONS: Mapping[str, Callable[..., Token]] = {
    "*": operator.mul,
    "/": operator.truediv,
    "+": operator.add,
    "-": operator.sub,
}
PRODUCTS, SUMS = ("*", "/"), ("+", "-")
_VALID = re.compile(r"[0-9+\-*/()]+")
_TOKEN = re.compile(r"[0-9]+|[+\-*/()]")
HANG = "HANG"
"""The error of a call that upstream would execute for ever."""


@tool(inputs(formula=tight))
def calculator(formula: str) -> float:
    """The value of a formula of digits, `+-*/` and parentheses."""
    text = tight(formula)
    signs = sum(map(text.count, _OPERATIONS))
    if not _VALID.fullmatch(text) or text.count("(") != text.count(")") or signs == 0 or signs + 1 == len(text):
        raise Refused("no formula")
    tokens: list[Token] = [float(part) if part.isdigit() else part for part in _TOKEN.findall(text)]
    try:
        value = _reduce(_without_parentheses(tokens))
    except (TypeError, IndexError, ValueError, ZeroDivisionError):
        raise Refused("cannot be calculated") from None
    return value  # type: ignore[return-value]  # a formula such as `5)(+` leaves a sign


def _without_parentheses(tokens: list[Token]) -> list[Token]:
    """Replace what stands between each `(` and the first `)` by its value."""
    flat: list[Token] = []
    at = 0
    while at < len(tokens):
        if tokens[at] == ")":
            raise ValueError("closed before it is opened, or twice")
        if tokens[at] != "(":
            flat.append(tokens[at])
            at += 1
            continue
        end = tokens.index(")", at)
        inner = tokens[at + 1 : end]
        if "(" in inner:
            raise ValueError("parentheses in parentheses")
        flat.append(_reduce(inner))
        at = end + 1
    return flat


def _reduce(tokens: list[Token]) -> Token:
    """The first thing that is left of a list without parentheses.

    Raises:
        CallError: Upstream would go on for ever.
    """
    for signs in (PRODUCTS, SUMS):
        tokens = _pass(tokens, signs)
    return tokens[0]


def _pass(tokens: list[Token], signs: tuple[str, str]) -> list[Token]:
    done: list[Token] = []
    waiting = iter(tokens)
    for token in waiting:
        if token not in signs:
            done.append(token)
            continue
        right = next(waiting, None)
        if right is None:
            raise IndexError("nothing follows the sign")
        if not done:
            _OPERATIONS[str(token)](tokens[-1], right)
            raise CallError(HANG, "a sign comes first")
        done.append(_OPERATIONS[str(token)](done.pop(), right))
    return done

"""The calculator: known values, and equal to a rewriting of lists on any formula, which ends or is seen to hang."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.apibank.records import CallError, Refused
from harness.benchmarks.apibank.tools.calculator import HANG, calculator

STEPS = 18
"""Rewritings after which a formula of 16 signs never ends: each one that helps makes the list shorter, others may
double a text."""


class Endless(Exception):
    pass


def value(left, sign, right):
    return {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right, "/": lambda: left / right}[
        sign
    ]()


def rewritten(items: list) -> object:
    """The first pair of parentheses, then the first product, then the first sum, over and over."""
    while "(" in items:
        start, end = items.index("("), items.index(")")
        items[start : end + 1] = [rewritten(items[start + 1 : end])]
    for signs in ("*/", "+-"):
        for step in range(STEPS + 1):
            places = [place for place, item in enumerate(items) if isinstance(item, str) and item in tuple(signs)]
            if not places:
                break
            if step == STEPS:
                raise Endless
            place = places[0]
            items[place - 1 : place + 2] = [value(items[place - 1], items[place], items[place + 1])]
    return items[0]


def theirs(formula: str) -> object:
    signs = sum(map(formula.count, "+-*/"))
    if not formula or formula.count("(") != formula.count(")") or signs == 0 or signs + 1 == len(formula):
        return "refused"
    items: list = []
    digits = ""
    for char in f"{formula} ":
        if char.isdigit():
            digits += char
            continue
        items += [float(digits)] if digits else []
        items += [char] if char != " " else []
        digits = ""
    try:
        return rewritten(items)
    except (TypeError, IndexError, ValueError, ZeroDivisionError):
        return "refused"
    except Endless:
        return HANG


def ours(formula: str) -> object:
    try:
        return calculator(formula)
    except Refused:
        return "refused"
    except CallError as error:
        return error.error


@settings(max_examples=3000, deadline=None)
@given(st.text("0123+-*/()", max_size=16))
def test_any_formula(formula: str) -> None:
    assert ours(formula) == theirs(formula)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("(5+6)*3", 33.0),
        ("2 + 3 * 4 - 6 / 2", 11.0),
        ("30 / 3", 10.0),
        ("1-2-3", -4.0),
        ("8/2/2*3", 6.0),
        ("-1+2", HANG),
        ("+5+1", HANG),
        ("3+(-2)", HANG),
        ("*2+1", HANG),
        ("((1+2))+1", "refused"),
        ("1.5+1", "refused"),
        ("1/0", "refused"),
        ("12", "refused"),
        ("", "refused"),
        ("__import__('os')", "refused"),
    ],
)
def test_known_formulas(formula: str, expected: object) -> None:
    assert ours(formula) == expected


def test_half_a_megabyte_of_signs_ends_soon() -> None:
    began = time.process_time()
    assert ours("1+" * 250_000 + "1") == 250_001.0
    assert time.process_time() - began < 3

"""Any value can be shown: briefly, on one line, and without an error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.evalplus.shown import LONGEST, shown

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 20_000).map(lambda digits: -(10**digits))
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters())  # lone surrogates too
    | st.binary()
    | st.builds(object)
)
ANYTHING = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.sets(ATOMS)
        | st.frozensets(ATOMS)
        | st.dictionaries(ATOMS, inner)
        | inner.map(lambda item: [item] * 10_000)
    ),
)


@given(ANYTHING)
def test_anything_is_shown_briefly(value: Any) -> None:
    text = shown(value)
    assert text
    assert len(text) <= 2 * LONGEST
    assert text.isprintable()


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1.5, True, None, ..., "it's", b"x", 1j, [], (), {}, set(), frozenset(), (1,), [1, [2, (3, "x")]]),
        *({"a": 1, 2: [None]}, {1}, frozenset({"x"}), 10**199, "\ud800\x1b[2J", list(range(12)), float("nan")),
    ],
    ids=shown,
)
def test_short_values_are_shown_as_python_does(value: Any) -> None:
    assert shown(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**5000, "<integer of about 5,001 digits>"),
        ([-(10**5000)], "[<negative integer of about 5,001 digits>]"),
        ("x" * 201, "'" + "x" * 200 + "'..."),
        (list(range(1000)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...]"),
        ([[[[[[[1]]]]]]], "[[[[[[[...]]]]]]]"),
        ({"b", "a"}, "{'a', 'b'}"),
        (object(), "<object>"),
        ([object], "[<type>]"),
    ],
    ids=shown,
)
def test_what_is_long_is_cut(value: Any, text: str) -> None:
    assert shown(value) == text


def test_values_that_hold_themselves_and_deep_ones_are_shown() -> None:
    itself: list[Any] = [1]
    itself.append(itself)
    assert shown(itself).startswith("[1, [1, [1, ")
    deep: Any = frozenset()
    for _ in range(100_000):
        deep = (deep, deep)
    assert len(shown(deep)) <= 2 * LONGEST
    nested: Any = frozenset()
    for number in range(60):
        nested = frozenset((nested, number))
    assert len(shown(nested)) <= 2 * LONGEST

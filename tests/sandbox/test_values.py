"""Digests agree with Python's `==`; decoding survives any bytes."""

from __future__ import annotations

import collections
import contextlib
import decimal
import enum
import fractions
import marshal
import types
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sandbox import values

ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=8)
HASHABLE = st.recursive(ATOMS, lambda inner: st.tuples(inner) | st.tuples(inner, inner), max_leaves=4)
PLAIN = st.recursive(
    ATOMS | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)


def crossed(value: Any) -> bytes:
    return values.digest(values.plain(value))


@given(PLAIN)
def test_decode_reads_what_marshal_writes(value: Any) -> None:
    assert repr(values.decode(marshal.dumps(value, 2))) == repr(marshal.loads(marshal.dumps(value, 2)))


@given(PLAIN, PLAIN)
def test_digests_are_equal_exactly_when_values_are(left: Any, right: Any) -> None:
    assert (crossed(left) == crossed(right)) is (left == right)


@settings(max_examples=500)
@given(st.binary(max_size=60) | st.binary(max_size=12).map(lambda tail: b"[\xff\xff\xff\x7f" + tail))
def test_decode_refuses_or_reads_any_bytes(data: bytes) -> None:
    with contextlib.suppress(values.Unreadable):
        values.decode(data)


@pytest.mark.parametrize("depth", [101, 100_000])
def test_decode_refuses_deep_nesting(depth: int) -> None:
    with pytest.raises(values.Unreadable, match="deeply"):
        values.decode(b"[\x01\x00\x00\x00" * depth + b"N")


class Colour(enum.IntEnum):
    RED = 3


Point = collections.namedtuple("Point", "x y")


class Liar(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize(
    ("given_value", "equal"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        ([np.int32(1), 2], [1, 2]),
        (np.array(7), 7),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.OrderedDict([(1, 2)]), {1: 2}),
        (collections.defaultdict(list, {1: [2]}), {1: [2]}),
        (Point(1, 2), (1, 2)),
        (Colour.RED, 3),
        (decimal.Decimal("2.50"), 2.5),
        (fractions.Fraction(4, 2), 2),
        ({"a": 1}.keys(), {"a"}),
        (bytearray(b"x"), b"x"),
        ([1, True, 1.0], [1, 1, 1]),
        ({2: "b", 1: "a"}, {1: "a", 2: "b"}),
        (-0.0, 0),
        (complex(2, 0), 2),
        (collections.UserList([1, collections.UserList([2])]), [1, [2]]),
        (collections.UserString("x"), "x"),
        (collections.UserDict({1: 2}), {1: 2}),
        (collections.ChainMap({1: 2}, {3: 4}), {1: 2, 3: 4}),
        (types.MappingProxyType({1: 2}), {1: 2}),
        (collections.OrderedDict([(1, 2)]).keys(), {1}),
        ({1: 2}.items(), {(1, 2)}),
        (np.longdouble(0.5), 0.5),
        (np.clongdouble(1j), 1j),
        (np.float32(0.5), 0.5),
        (np.str_("x"), "x"),
        (np.bytes_(b"x"), b"x"),
        (np.timedelta64(3, "s"), 3),
        (memoryview(b"x"), b"x"),
        (decimal.Decimal("-Infinity"), float("-inf")),
        (fractions.Fraction(10**400, 1), 10**400),
        (np.ma.array(3), 3),
    ],
)
def test_values_that_python_holds_equal(given_value: Any, equal: Any) -> None:
    assert crossed(given_value) == crossed(equal)


class FalseList(collections.UserList[int]):
    def __eq__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize(
    "value",
    [
        *(Liar(3), FalseList([1]), object(), range(3), np.array([1, 2]), np.array([]), iter([])),
        *(collections.deque([1]), np.datetime64("2020-01-01"), {1: 2}.values()),
        *(decimal.Decimal("NaN"), decimal.Decimal("sNaN"), fractions.Fraction(10**400 + 1, 2), decimal.Decimal("0.1")),
        *(np.ma.masked, np.void(b"x"), np.timedelta64("NaT"), memoryview(np.array([1, 2])), np.zeros(1, [("a", int)])),
    ],
)
def test_foreign_values_do_not_cross(value: Any) -> None:
    with pytest.raises(values.Incomparable):
        values.plain(value)


@pytest.mark.parametrize(
    ("value", "letters"),
    [
        (np.float32(0.1), "f"),
        ([1, (np.float32(0.1), np.float16(0.1))], "fe"),
        ({1: [np.complex64(1j)]}, "F"),
        (collections.UserList([np.float32(0.1)]), "f"),
        (np.array(0.1, dtype="f"), "f"),
        (np.array([0.1], dtype="f"), ""),
        ({np.float32(0.1)}, ""),
        ([np.float64(0.1), np.int8(1), 0.1], ""),
        (np.longdouble(0.1), ""),
        (np.longdouble("0.1"), "g"),
        (np.longdouble("nan"), "g"),
    ],
)
def test_numbers_that_are_not_compared_as_floats_are_told(value: Any, letters: str) -> None:
    found = set[str]()
    values.plain(value, found)
    assert found == set(letters)


@pytest.mark.parametrize("value", [float("nan"), [1.0, float("nan")], {1: float("nan")}])
def test_nan_equals_nothing(value: Any) -> None:
    assert crossed(value) == values.INCOMPARABLE


def test_long_lists_are_hashed_in_pieces_to_the_same_digest() -> None:
    size = 3 * (1 << 16) + 1
    assert crossed(list(range(size))) == crossed([float(item) for item in range(size)])
    assert crossed(list(range(size))) != crossed(tuple(range(size)))


@pytest.mark.parametrize("size", [101, (1 << 16) + 101])
def test_long_lists_of_numbers_have_the_digest_of_their_equals(size: int) -> None:
    whole = [0, -1, 2**48, *range(size)]
    for same in ([-0.0, -1.0, 2.0**48], [False, -1 + 0j, 2**48], [complex(0, -0.0), -1.0, 2.0**48]):
        assert [*same, *whole[3:]] == whole
        assert crossed([*same, *map(float, whole[3:])]) == crossed(whole)


@pytest.mark.parametrize("extra", [2**53, 2**53 + 1, 10**400, 0.5, 1j, "1", None, float("inf"), 2.0**60, 5e-324])
def test_long_lists_that_differ_in_one_item_have_other_digests(extra: Any) -> None:
    size = (1 << 16) + 5
    filled = {crossed([*range(size), other]) for other in (2**53 - 1, 2**53 + 2, 10**400 + 1, 0, extra)}
    assert len(filled) == 5


@pytest.mark.parametrize("limit", [0, 256, 1 << 16])
@pytest.mark.parametrize(
    "value",
    [
        7,
        "x" * 70_000,
        "\ud800" + "é" * 70_000,
        [1.5, 2] * 20_000,
        (0.0, -0.0, True) * 30_000,
        [True, False] * 40_000,
        [1.0] * 101,
        [2**60] * 101,
        [float("nan")] * 200,
    ],
    ids=lambda value: repr(value)[:12],
)
def test_quick_answers_are_those_of_the_long_way(value: Any, limit: int) -> None:
    digest, body = values.quick(value, limit) or (crossed(value), b"")
    assert digest == crossed(value)
    written = marshal.dumps(value, 2)
    assert not body or (body == written and len(body) <= limit)
    if isinstance(value, (int, str)):
        assert bool(body) is (len(written) <= limit)


def test_quick_never_hides_a_body_that_is_short_enough() -> None:
    for value in ([1] * 120, [True] * 256, (0.5,) * 28, ["a"] * 300):
        found = values.quick(value, 640)
        assert found is None or len(marshal.dumps(value, 2)) > 640


def test_very_long_lists_of_tuples_of_strings_have_a_digest_of_their_own() -> None:
    rows = [("a", str(number)) for number in range(70_000)]
    found = values.quick(rows, 256)
    assert found == values.quick([tuple(row) for row in map(list, rows)], 256) is not None
    assert found != values.quick([*rows[:-1], ("a", "x")], 256)
    for other in (rows[:100], [*rows, ("a", -1)], [*rows, ["a"]], [*rows, ("a", [])], [()] * 70_000):
        assert values.quick(other, 256) is None


@given(st.lists(st.lists(st.floats() | st.integers() | st.booleans() | st.text(), max_size=3), max_size=4))
def test_rows_have_the_digest_that_their_items_make(rows: list[list[Any]]) -> None:
    nan = any(item != item for row in rows for item in row)
    assert (crossed(rows) == values.INCOMPARABLE) is nan
    equal = [[complex(item) if type(item) is float else item for item in row] for row in rows]
    if not nan and equal == rows:
        assert crossed(equal) == crossed(rows)

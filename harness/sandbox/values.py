"""Values that cross from the sandbox: exact built-in types only, as a digest of their canonical form and as bytes.

The canonical form is the same for values that Python holds equal: `canonical(1.0) == canonical(True) == 1`, sets and
dictionaries lose their order. Two values are equal when their digests are; whoever computes a digest needs the value,
so a program in the sandbox, which never sees an expected one, gains nothing by computing it there.

The bytes are `marshal`'s version 2, written by the sandboxed process and read by `decode`, which trusts nothing:
`marshal.loads` may crash on made-up input.
"""

from __future__ import annotations

import collections
import hashlib
import marshal
import math
import struct
import sys
from array import array
from collections.abc import Callable, Mapping, Set
from itertools import chain
from typing import Any, NoReturn

DIGEST_SIZE = 16
INCOMPARABLE = bytes(DIGEST_SIZE)
"""Digest of what equals nothing: NaN in it, an object, an array."""

_FIXED = {int, str, bytes, type(None), type(Ellipsis)}
_ATOMS = _FIXED | {bool, float, complex}
_NUMBERS = {int, bool, float}
_INTEGERS = {int, bool}
_ROWS = {list, tuple}
_BASES: tuple[type, ...] = (int, float, complex, str, bytes, tuple, list, dict, set, frozenset)
_CHUNK = 1 << 16
_DOUBLES = 1 << 12
"""Numbers packed at once: they stay in the processor's cache."""
_LONG = 100
"""Items from which on it pays to try whether a list holds nothing but numbers."""
_LONG_TEXT, _LONGEST_TEXT = 1 << 12, 1 << 29
"""Characters from which on, and up to which, a text is hashed without the detour over marshal."""
_NUMBER_BYTES = 5
"""The least that marshal writes for a number that is not a boolean."""
_EXACT = bytes(top for top in range(256) if top & 0x7F < 0x43)
"""Highest bytes of doubles below 2**49: no integer was rounded to one of them, and NaN and infinity are others."""
_MINUS_ZERO = 0x80
"""Highest byte of -0.0 and of negative numbers next to nothing."""
_MAX_DEPTH = 100

NARROW = "efF"
"""Numpy's letters for numbers that Python's floats are rounded to before they are compared: half and single precision,
complex single precision. The narrowest comes first."""
WIDE = "g"
"""Its letter for long doubles; here for those that no float equals."""
PRECISIONS = NARROW + WIDE
_WIDE_AS = {"g": "d", "G": "D"}
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.items()))
_PROXY = type(type.__dict__)


class Incomparable(Exception):
    """A value that no plain value equals."""


def plain(value: Any, precisions: set[str] | None = None) -> Any:
    """Bring a value to exact built-in types, keeping what Python's `==` would see.

    Args:
        value: Anything a program returned. Numpy scalars, `Counter`, named tuples, `Decimal`, `UserList` and the like
            become the plain value they equal; a class with an `__eq__` of its own is not asked.
        precisions: Takes the letters (see `PRECISIONS`) of numpy numbers that are not compared as floats are.

    Returns:
        An equal value of exact built-in types, but for such numbers.

    Raises:
        Incomparable: There is none.
    """
    kind = type(value)
    if kind in _ATOMS:
        return value
    found = set[str]() if precisions is None else precisions
    if kind is list or kind is tuple:
        if _all_of(value, set(map(type, value)), _ATOMS):
            return value
        return kind([plain(item, found) for item in value])
    if kind is dict:
        return {plain(key): plain(item, found) for key, item in value.items()}
    if kind is set or kind is frozenset:
        return kind([plain(item) for item in value])
    return plain(_base_value(value, kind, found), found)


def _all_of(value: Any, found: set[type], kinds: set[type]) -> bool:
    """Whether a list or tuple of types `found`, or the lists and tuples in it, hold values of some types alone."""
    if found and found <= _ROWS:
        found = set(map(type, chain.from_iterable(value)))
    return found <= kinds


def _base_value(value: Any, kind: type, precisions: set[str]) -> Any:
    numpy, decimal, fractions = (sys.modules.get(name) for name in ("numpy", "decimal", "fractions"))
    if kind is bytearray or (kind is memoryview and value.format == "B" and value.ndim == 1):
        return bytes(value)
    if issubclass(kind, _VIEWS):
        return set(value)
    if numpy and issubclass(kind, (numpy.generic, numpy.ndarray)):
        return _numpy_value(value, precisions)
    if (decimal and kind is decimal.Decimal) or (fractions and kind is fractions.Fraction):
        return _exact_number(value)
    for base in _BASES:
        if issubclass(kind, base):
            own_equality = kind.__eq__ is not base.__eq__ and not _is_library(kind)
            if own_equality:
                break
            return _stripped(value, base)
    return _abstract_value(value, kind)


def _numpy_value(value: Any, precisions: set[str]) -> Any:
    if value.size != 1:
        raise Incomparable("array")  # the truth of `array == value` is an error
    letter, masked = value.dtype.char, sys.modules.get("numpy.ma")
    if letter == "V" or (masked and masked.is_masked(value)):
        raise Incomparable("numpy value")
    if letter == "m":
        value = value.astype("int64")  # numpy compares a length of time by its number
        if value == -(1 << 63):
            raise Incomparable("NaT")
    if letter in _WIDE_AS:
        rounded = value.astype(_WIDE_AS[letter])
        if rounded != value:
            precisions.add(WIDE)
        return rounded.tolist()
    if letter in NARROW and not value.ndim:  # the items of an array are compared with a list's floats, unrounded
        precisions.add(letter)
    return value.tolist()


def _abstract_value(value: Any, kind: type) -> Any:
    """The value of a class that has its `__eq__` from the standard library."""
    for base in (collections.UserList, collections.UserString):
        if issubclass(kind, base) and kind.__eq__ is base.__eq__:
            return value.data
    if kind is _PROXY or kind.__eq__ is Mapping.__eq__:
        return dict(value.items())
    if kind.__eq__ is Set.__eq__:
        return set(value)
    raise Incomparable(kind.__name__)


def _is_library(kind: type) -> bool:
    return any(kind is getattr(sys.modules.get("collections"), name, None) for name in ("Counter", "OrderedDict"))


def _stripped(value: Any, base: Any) -> Any:
    if base is int:
        return int.__add__(value, 0)
    if base is float:
        return float.__add__(value, 0.0)
    if base is complex:
        return complex.__add__(value, 0)
    if base is str:
        return str.__str__(value)
    if base is bytes:
        return bytes(bytes.__iter__(value))
    if base is dict:
        return dict(dict.items(value))
    return base(base.__iter__(value))


def _exact_number(value: Any) -> int | float:
    """The number that a decimal or a fraction equals."""
    for near in (int, float):
        try:
            found: int | float = near(value)
        except (ValueError, OverflowError):  # not finite, not a number, or too large
            continue
        if found == value:
            return found
    raise Incomparable(type(value).__name__)


def canonical(value: Any) -> Any:
    """The form that equal plain values share.

    Args:
        value: Of exact built-in types.

    Returns:
        Integers for whole floats and booleans, marked sorted tuples for sets and dictionaries.

    Raises:
        Incomparable: The value holds a NaN.
    """
    kind = type(value)
    if kind in _FIXED:
        return value
    if kind is bool:
        return int(value)
    if kind is float:
        if value != value:
            raise Incomparable("nan")
        return int(value) if value.is_integer() else value
    if kind is list or kind is tuple:
        return _canonical_items(value, kind)
    if kind is dict:
        return (Ellipsis, "dict", sorted((_bytes(key), _bytes(item)) for key, item in value.items()))
    if kind is complex:
        return value if value.imag else canonical(value.real)
    return (Ellipsis, "set", sorted(_bytes(item) for item in value))


def _canonical_items(value: Any, kind: Any) -> Any:
    kinds = set(map(type, value))
    if _all_of(value, kinds, _FIXED):
        return value
    if kinds <= _INTEGERS:
        return kind(map(int, value))
    if kinds == {float}:
        if math.isnan(sum(value)) and any(map(math.isnan, value)):
            raise Incomparable("nan")
        return kind([canonical(item) for item in value]) if any(map(float.is_integer, value)) else value
    return kind([canonical(item) for item in value])


def _bytes(value: Any) -> bytes:
    return marshal.dumps(canonical(value), 2)


def digest(value: Any) -> bytes:
    """Digest of a plain value; equal values have equal ones.

    Args:
        value: Of exact built-in types. A long list is hashed piece by piece, so that no second copy is made.

    Returns:
        16 bytes, `INCOMPARABLE` for a value that equals nothing.
    """
    try:
        if type(value) in (list, tuple) and len(value) > _LONG:
            return _number_digest(value) or _long_digest(value)
        return _condensed(_bytes(value))
    except (Incomparable, ValueError, RecursionError):
        return INCOMPARABLE


def quick(value: Any, limit: int) -> tuple[bytes, bytes] | None:
    """Digest and body of a value that is its own canonical form, or is long and of one kind: found with little work.

    A very long list of tuples of strings, for which writing out all strings would take minutes, is represented by
    Python's own 64-bit hashes: those of strings are made by SipHash and have none of the collisions of numbers. They
    are the same in every process because the hash seed is fixed.

    Args:
        value: Anything.
        limit: Longest body in bytes.

    Returns:
        As `digest` tells, and the marshal bytes where they are few; None for values that need more thought.
    """
    kind = type(value)
    if kind in _FIXED:
        if kind is str and max(limit, _LONG_TEXT) < len(value) < _LONGEST_TEXT:
            return _text_digest(value), b""
        try:
            data = marshal.dumps(value, 2)
        except ValueError:  # longer than marshal can tell
            return None
        return _condensed(data), data if len(data) <= limit else b""
    if (kind is list or kind is tuple) and len(value) > _LONG and _NUMBER_BYTES * len(value) > limit:
        found = _long_of_one_kind(value, limit)
        return (found, b"") if found else None
    return None


def _long_of_one_kind(value: Any, limit: int) -> bytes | None:
    kinds = set(map(type, value))
    if kinds <= _NUMBERS and (bool not in kinds or len(value) > limit):
        return _number_digest(value)
    if kinds == {tuple} and type(value) is list and len(value) > max(limit, _CHUNK):
        return _table_digest(value)
    return None


def _text_digest(value: str) -> bytes:
    """The digest of a string's marshal bytes, without these."""
    data = value.encode("utf-8", "surrogatepass")
    state = hashlib.sha256(struct.pack("<ci", b"u", len(data)))
    state.update(data)
    return state.digest()[:DIGEST_SIZE]


def _table_digest(value: list[Any]) -> bytes | None:
    """Digest of tuples of strings. An object that Python holds equal to one of the strings counts as that string."""
    try:
        if set(map(type, set().union(*value))) != {str}:
            return None
    except TypeError:  # no hash
        return None
    return hashlib.sha256(array("q", map(hash, value))).digest()[:DIGEST_SIZE]


def _condensed(data: bytes) -> bytes:
    """A value's bytes as they are where they fit, else hashed. Marshal's bytes say where they end."""
    return data.ljust(DIGEST_SIZE, b"\0") if len(data) <= DIGEST_SIZE else hashlib.sha256(data).digest()[:DIGEST_SIZE]


def _number_digest(value: Any) -> bytes | None:
    """Digest of a long list or tuple of numbers as doubles; None where it holds others, or doubles are not exact."""
    state = _opened(value, b"numbers in a ")
    for start in range(0, len(value), _DOUBLES):
        piece = value[start : start + _DOUBLES]
        layout = f"<{len(piece)}d"
        try:
            data = struct.pack(layout, *piece)
        except (struct.error, OverflowError):
            return None
        tops = data[7::8]
        if tops.translate(None, _EXACT):
            return None
        state.update(struct.pack(layout, *[number + 0.0 for number in piece]) if _MINUS_ZERO in tops else data)
    return state.digest()[:DIGEST_SIZE]


def _long_digest(value: Any) -> bytes:
    if complex in set(map(type, value)):
        value = type(value)(item if type(item) is not complex or item.imag else item.real for item in value)
        if found := _number_digest(value):
            return found
    state = _opened(value)
    for start in range(0, len(value), _CHUNK):
        state.update(_bytes(value[start : start + _CHUNK]))
    return state.digest()[:DIGEST_SIZE]


def _opened(value: Any, what: bytes = b"") -> Any:
    return hashlib.sha256(b"%s%s %d" % (what, type(value).__name__.encode(), len(value)))


class Unreadable(ValueError):
    """Bytes that this module would not write."""


def decode(data: bytes) -> Any:
    """Read a value from hostile bytes.

    Args:
        data: What `marshal.dumps(value, 2)` writes for a plain value. Its length bounds time and memory.

    Returns:
        The value; sets and dictionaries as such.

    Raises:
        Unreadable: Any other bytes: unknown types, cut off, trailing, nested deeper than 100.
    """
    reader = _Reader(data)
    value = reader.value(0)
    if reader.place != len(data):
        raise Unreadable("trailing bytes")
    return value


class _Reader:
    """Recursive descent over marshal's type bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, size: int) -> bytes:
        piece = self.data[self.place : self.place + size]
        if size < 0 or len(piece) != size:
            raise Unreadable("cut off")
        self.place += size
        return piece

    def number(self, layout: str, size: int) -> Any:
        return struct.unpack(layout, self.take(size))[0]

    def value(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise Unreadable("nested too deeply")
        code = self.take(1)
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _CONTAINERS:
            size = self.number("<i", 4)
            if not 0 <= size <= len(self.data) - self.place:
                raise Unreadable("longer than its bytes")
            return self.hashed(_CONTAINERS[code], [self.value(depth + 1) for _ in range(size)])
        if code == b"{":
            return self.dictionary(depth)
        read = _SCALARS.get(code)
        return read(self) if read else self.unknown(code)

    def unknown(self, code: bytes) -> NoReturn:
        raise Unreadable(f"type byte {code!r}")

    def hashed(self, make: Callable[[list[Any]], Any], items: list[Any]) -> Any:
        try:
            return make(items)
        except TypeError as error:
            raise Unreadable(str(error)) from error

    def dictionary(self, depth: int) -> dict[Any, Any]:
        pairs = []
        while self.data[self.place : self.place + 1] != b"0":
            pairs.append([self.value(depth + 1), self.value(depth + 1)])
        self.place += 1
        return dict(self.hashed(dict, pairs))

    def long(self) -> int:
        size = self.number("<i", 4)
        digits = struct.unpack(f"<{abs(size)}H", self.take(2 * abs(size)))
        if any(digit >> 15 for digit in digits):
            raise Unreadable("integer digit")
        packed = int("".join(f"{digit:015b}" for digit in reversed(digits)) or "0", 2)  # a sum would be quadratic
        return -packed if size < 0 else packed

    def text(self) -> str:
        try:
            return self.take(self.number("<i", 4)).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise Unreadable("text") from error


_CONSTANTS = {b"N": None, b"T": True, b"F": False, b".": Ellipsis}
_CONTAINERS: dict[bytes, Callable[[list[Any]], Any]] = {b"[": list, b"(": tuple, b"<": set, b">": frozenset}
_SCALARS: dict[bytes, Callable[[_Reader], Any]] = {
    b"i": lambda reader: reader.number("<i", 4),
    b"g": lambda reader: reader.number("<d", 8),
    b"y": lambda reader: complex(reader.number("<d", 8), reader.number("<d", 8)),
    b"l": _Reader.long,
    b"u": _Reader.text,
    b"s": lambda reader: reader.take(reader.number("<i", 4)),
}

"""The messages of a job: a fixed header and a body, from the sandboxed process to its judge.

The first frame, `READY`, is written when every layer is in place and before the untrusted program is read; it is the
only one that is believed. All later ones come from a process that belongs to the program, so they can say no more than
what its function returned; writing them by hand gains nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

HEADER = struct.Struct("<BdI16s")
"""Kind, seconds (0 where calls are not timed), length of the body, digest."""

READY, LOADED, VALUE, CONVERTED, OTHER, RAISED, REFUSED, NARROWED = range(1, 9)
"""Layers are in place · the program was executed · a plain value · a value that had to be brought to plain types ·
a value that equals no plain one · an exception · a layer could not be set up, nothing was run · a value with numpy's
numbers of another precision in it: the body begins with their letter and with what it would be otherwise."""
AS_VALUE, AS_CONVERTED = b"v", b"c"


class Frame(NamedTuple):
    """One message."""

    kind: int
    seconds: float
    digest: bytes
    body: bytes


class Malformed(ValueError):
    """Bytes that are not a frame: the program wrote to the channel itself."""


class FrameReader:
    """Cuts a stream into frames.

    Args:
        limit: Longest body in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pending, self._place = b"", 0

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self._pending, self._place = self._pending[self._place :] + data, 0

    def skip(self, predicted: Sequence[bytes], index: int) -> int:
        """Pass over frames that are byte for byte as predicted, without taking them apart.

        Args:
            predicted: Frames as `predict` makes them; an empty one is never passed over.
            index: The one to begin with.

        Returns:
            The index of the first that was not passed over.
        """
        pending, place = self._pending, self._place
        while index < len(predicted) and predicted[index] and pending.startswith(predicted[index], place):
            place += len(predicted[index])
            index += 1
        self._place = place
        return index

    def next(self) -> Frame | None:
        """Take out one frame; None where none is complete.

        Raises:
            Malformed: An unknown kind or a body over the limit.
        """
        start = self._place + HEADER.size
        if start > len(self._pending):
            return None
        kind, seconds, length, digest = HEADER.unpack_from(self._pending, self._place)
        if not READY <= kind <= NARROWED or length > self._limit:
            raise Malformed(f"kind {kind}, {length} bytes")
        if start + length > len(self._pending):
            return None
        self._place = start + length
        return Frame(kind, seconds, digest, self._pending[start : self._place])


def predict(digest: bytes, body: bytes) -> bytes:
    """The frame of an untimed call that returns a plain value."""
    return HEADER.pack(VALUE, 0.0, len(body), digest) + body

"""The messages of a job: a fixed header and a body, from the sandboxed process to its judge.

The first frame, `READY`, is written when every layer is in place and before the untrusted program is read; it is the
only one that is believed. All later ones come from a process that belongs to the program, so they can say no more than
what its function returned; writing them by hand gains nothing.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER = struct.Struct("<BdI16s")
"""Kind, seconds, length of the body, digest."""

READY, LOADED, VALUE, CONVERTED, OTHER, RAISED, REFUSED = range(1, 8)
"""Layers are in place · the program was executed · a plain value · a value that had to be brought to plain types ·
a value that equals no plain one · an exception · a layer could not be set up, nothing was run."""


class Frame(NamedTuple):
    """One message."""

    kind: int
    seconds: float
    digest: bytes
    body: bytes


class Malformed(ValueError):
    """Bytes that are no frame: the program wrote to the channel itself."""


class FrameReader:
    """Cuts a stream into frames.

    Args:
        limit: Longest body in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pending = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes and take out the frames that are complete.

        Raises:
            Malformed: An unknown kind or a body over the limit.
        """
        pending = self._pending + data
        frames, place = [], 0
        last = len(pending) - HEADER.size
        while place <= last:
            kind, seconds, length, digest = HEADER.unpack_from(pending, place)
            if not READY <= kind <= REFUSED or length > self._limit:
                raise Malformed(f"kind {kind}, {length} bytes")
            if place + length > last:
                break
            place += HEADER.size
            frames.append(Frame(kind, seconds, digest, pending[place : place + length]))
            place += length
        self._pending = pending[place:]
        return frames

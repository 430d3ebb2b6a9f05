"""Keep the memory of small objects between calls.

Python gives every arena (1 MiB) back to the kernel as soon as it is empty, and gets it again at the next call, page
fault by page fault. An arena in which one object lives stays: a program that fills and empties much memory in each of
its calls runs up to a quarter faster, and none runs differently.
"""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):  # Windows has none, and no backend
    import resource

LONG_CALL = 0.005
"""Seconds from which on it pays to look at a call's page faults."""

_MANY_FAULTS = 1 << 15
_KEPT = 64 << 20
_OBJECT = 512
_APART = 1900
"""Objects from one that is kept to the next; an arena holds 1,984 of them."""


class Arenas:
    """Arenas kept in this process."""

    def __init__(self) -> None:
        self._objects: list[bytes] | None = None

    def after_long_call(self) -> None:
        """Keep 64 MiB from now on if this process has had to ask for much memory again and again."""
        if self._objects is None and resource.getrusage(resource.RUSAGE_SELF).ru_minflt > _MANY_FAULTS:
            header = b"".__sizeof__()
            try:
                self._objects = [bytes(_OBJECT - header) for _ in range(_KEPT // _OBJECT)][::_APART]
            except MemoryError:
                self._objects = []

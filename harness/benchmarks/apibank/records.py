"""What executing a call gives, and the ways in which it can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Record = Mapping[str, Any]
"""`api_name`, `input`, `output`, `exception`, as the dialogues record it; `api_name` is missing from some."""


class Refused(Exception):
    """An API says no: its result has an exception instead of an output."""


UNKNOWN, MISSING = "unknown parameter", "missing parameter"


class CallError(Exception):
    """Python's own error outside an API's body; upstream's evaluators count some of them and end at the others.

    Args:
        error: Name of the Python class that upstream raises, or `HANG`.
        about: What is wrong: `UNKNOWN`, `MISSING` or something else.
        where: The parameters concerned.
    """

    def __init__(self, error: str, about: str, where: str = "") -> None:
        super().__init__(f"{about} {where}".strip())
        self.error, self.about = error, about


class Result(NamedTuple):
    """How one call was judged."""

    correct: bool
    error: str | None
    """Upstream's error kind, `CRASH:<Python error>` where its run would end, `HANG` where it would never end."""
    record: Record | None = None
    """What the call gave, where it was executed."""

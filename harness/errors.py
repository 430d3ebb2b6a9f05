"""The few errors a user can cause. Each names what is wrong and the remedy, and carries its exit code.

| code | meaning |
| --- | --- |
| 0 | success, gate passed |
| 1 | gate failed |
| 2 | usage or configuration |
| 3 | run incomplete, or errors above `--fail-on-error` |
| 4 | data missing or damaged |
| 5 | no sandbox |
| 130 | interrupted, partial run kept |
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MAX_NAMES = 40
"""A message lists no more names than these: there are thousands of sample ids."""


class HarnessError(Exception):
    """Base of all errors that end a command with a message instead of a traceback.

    Args:
        message: What is wrong, naming the file, line or flag.
        remedy: What to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n{self.remedy}" if self.remedy else message


class UsageProblem(HarnessError):
    """A flag, file or configuration that cannot be used."""

    exit_code = 2


class RunIncomplete(HarnessError):
    """Items are left unscored; the same command tries them again."""

    exit_code = 3


class DataError(HarnessError):
    """Benchmark data is missing, damaged or of another version."""

    exit_code = 4


class SandboxUnavailable(HarnessError):
    """No way to run model-written code safely on this machine: no score."""

    exit_code = 5


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageProblem:
    """An error for a misspelt name that offers the nearest known ones.

    Args:
        kind: What the name should have named, for example `engine`.
        name: What was typed.
        known: All valid names.

    Returns:
        The error, to be raised by the caller.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    some = ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {some or 'none'}."
    return UsageProblem(f"unknown {kind} {name!r}", hint)

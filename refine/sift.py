"""Passes over a data set that only leave examples out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.data import examples as data
from harness.text import one_line
from harness.types import Example
from refine.ledger import write_lines

TOLD = 20
"""Rows that are told of one by one."""


def sift(source: str, output: Path, objection: Callable[[Example], str | None]) -> list[str]:
    """Write the examples that nothing speaks against.

    Args:
        source: As `harness.data.examples.read` takes it.
        output: JSONL file of examples; replaced as a whole.
        objection: Why an example is left out; None keeps it.

    Returns:
        Lines to print: the first rows that were left out, and the counts.
    """
    told: list[str] = []
    left_out = unusable = 0

    def wanted() -> Iterator[dict[str, Any]]:
        nonlocal left_out, unusable
        for row in data.read(source):
            if isinstance(row, data.Unusable):
                unusable += 1
                told.append(f"line {row.line}: {one_line(row.reason, 200)}")
            elif why := objection(row):
                left_out += 1
                told.append(f"{row.id!r}: {why}")
            else:
                yield asdict(row)
            del told[TOLD:]

    kept = write_lines(wanted(), output)
    return [*told, f"{kept} kept, {left_out} left out, {unusable} unusable"]

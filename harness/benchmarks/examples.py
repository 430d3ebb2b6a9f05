"""A file of training examples as a benchmark: rollouts for self-refinement, and graded scores on a held-out split.

The file is named by `HARNESS_EXAMPLES` and read by `harness.data.examples` (any of its formats). One reply counts in
four categories, from lenient to strict:

| category | passes when |
| --- | --- |
| `examples_format` | the reply decodes to calls |
| `examples_name` | the names of the called functions are those of the reference, in any order |
| `examples_arguments` | all arguments are those of the reference, whatever the functions are called |
| `examples` | the calls are the reference's calls, in any order |

Where the reference makes no call, all four pass when the reply makes none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import files
from harness.benchmarks.bfcl import decode
from harness.data import examples
from harness.data.calls import read_answer
from harness.data.turns import shown
from harness.errors import DataError
from harness.protocols import Play
from harness.types import Episode, Example, FunctionCall, Query, Sample, Verdict

GRADES = ("examples_format", "examples_name", "examples_arguments", "examples")
VARIABLE = "HARNESS_EXAMPLES"


class Examples:
    """The plug-in."""

    name = "examples"
    version = "1"
    check_workers = 0

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """One task, scored in four categories."""
        return {"examples": ("examples",)}

    def data_sha256(self) -> str:
        """Digest of the user's file."""
        return files.sha256(_file())

    def load(self, categories: Sequence[str]) -> list[Sample[Example]]:
        """All examples of the file; rows that are none are left out."""
        rows = [row for row in examples.read(_file()) if isinstance(row, Example)]
        if repeated := len(rows) - len({row.id for row in rows}):
            raise DataError(f"{_file()}: {repeated} ids occur more than once", "Give each example an id of its own.")
        return [Sample(row.id, "examples", (shown(row.messages),), row.tools, row) for row in rows]

    def play(self, sample: Sample[Example], before: Mapping[str, Episode]) -> Play:
        """One query, asked as BFCL asks."""
        from harness.benchmarks.bfcl.prompts import instruction

        tools = [dict(tool) for tool in sample.tools]
        yield Query(sample.turns[0], sample.tools, instruction(tools) if tools else "")

    def check(self, sample: Sample[Example], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Grade one reply against the reference; `rules` make no difference."""
        expected = read_answer(sample.target.answer) or decode.read_calls(sample.target.answer) or []
        reply = episode.steps[-1].reply
        got = list(reply.calls) if reply.calls is not None else decode.read_calls(reply.text)
        evidence = {"expected": sample.target.answer, "got": reply.text if reply.calls is None else _plain(got or [])}
        return {
            grade: _verdict(grade, passed, evidence)
            for grade, passed in zip(GRADES, grades(expected, got), strict=True)
        }


def grades(expected: Sequence[FunctionCall], got: Sequence[FunctionCall] | None) -> tuple[bool, bool, bool, bool]:
    """Format, name, arguments and exact match of a reply's calls, each as a multiset.

    Args:
        expected: Calls of the reference; empty where it makes none.
        got: Calls of the reply; None where it does not decode.

    Returns:
        Four booleans in the order of `GRADES`.
    """
    if not expected:
        return (not got,) * 4
    if not got:
        return (False,) * 4
    want, have = ([(call.name, repr(_shape(call.arguments))) for call in calls] for calls in (expected, got))
    names, arguments = ([sorted(call[part] for call in calls) for calls in (want, have)] for part in (0, 1))
    return True, names[0] == names[1], arguments[0] == arguments[1], sorted(want) == sorted(have)


def _shape(value: Any) -> Any:
    """A value with maps in the order of their keys and tuples as lists, so that equal values have equal text."""
    if isinstance(value, Mapping):
        return {key: _shape(value[key]) for key in sorted(value, key=str)}
    return [_shape(item) for item in value] if isinstance(value, list | tuple) else value


def _verdict(grade: str, passed: bool, evidence: Mapping[str, Any]) -> Verdict:
    return Verdict("pass", evidence=evidence) if passed else Verdict("fail", f"examples:{grade}", evidence=evidence)


def _plain(calls: Sequence[FunctionCall]) -> list[Any]:
    return [{call.name: dict(call.arguments)} for call in calls]


def _file() -> Path:
    named = os.environ.get(VARIABLE)
    if not named:
        raise DataError(f"no file of examples is named in {VARIABLE}", f"For example: {VARIABLE}=held_out.jsonl")
    if not Path(named).is_file():
        raise DataError(f"{VARIABLE} names {named}, which is not a file")
    return Path(named)


PLUGIN = Examples()

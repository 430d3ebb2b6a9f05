"""The problems of HumanEval+ (v0.1.10) and MBPP+ (v0.2.0), with their inputs as Python values.

One line of the data: `{"task_id": "HumanEval/23", "prompt": "def strlen(string: str) -> int: ...",
"entry_point": "strlen", "canonical_solution": "    return len(string)\\n", "base_input": [[""], ["x"]],
"plus_input": [...], "atol": 0, "contract": "..."}`.

JSON has no tuples, sets or complex numbers, so some MBPP inputs are rebuilt; which tasks need what follows
`mbpp_deserialize_inputs` of evalplus/data/mbpp.py (0.3.1).
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness import machine
from harness.data import datasets, pins
from harness.errors import DataError, unknown_name
from harness.text import one_line

DATA_SETS = {"humaneval": "humaneval_plus", "mbpp": "mbpp_plus"}
"""Benchmark -> name in `harness.data.datasets`."""

RULES = "rules of evalplus 0.3.1"
_FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol")
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Problem:
    """One programming task."""

    benchmark: str
    """`humaneval` or `mbpp`."""
    task_id: str
    """For example `HumanEval/23` or `Mbpp/2`."""
    prompt: str
    entry_point: str
    """Name of the function that is called."""
    reference: str
    """A complete program that is right by definition: prompt and canonical solution."""
    base: tuple[Any, ...]
    """Argument lists of the original tests."""
    plus: tuple[Any, ...]
    """Argument lists that EvalPlus added."""
    atol: float
    """Absolute tolerance for floating-point results; 0 for none."""
    base_only: bool = False
    """Whether the added tests are left out, as by `evalplus.evaluate --base-only`."""


Arguments = list[Any]
Rebuild = Callable[[Arguments], Any]


def _tuples(items: Any) -> list[tuple[Any, ...]]:
    return [tuple(item) for item in items]


def _deep(value: Any) -> Any:
    return tuple(_deep(item) for item in value) if isinstance(value, list) else value


_REBUILD: dict[Rebuild, str] = {
    lambda a: _tuples(a): "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809",
    lambda a: [_tuples(item) for item in a]: "63 64 70 94 120 237 272 299 400 409 417 438 473 614 780",
    lambda a: [_tuples(a[0]), a[1]]: "75 413 444 753",
    lambda a: [a[0], tuple(a[1])]: "106 750",
    lambda a: [[set(item) if isinstance(item, list) and item else {} for item in a[0]]]: "115",
    lambda a: (float(a[0]), complex(a[1])): "124",
    lambda a: [tuple(a[0]), a[1]]: "250 405 446 617 720 763 808",
    lambda a: [tuple(_tuples(item)) for item in a]: "259 401 445",
    lambda a: [tuple(tuple(item) if isinstance(item, list) else item for item in a[0])]: "278",
    lambda a: [tuple(a[0]), a[1], a[2]]: "307",
    lambda a: [{key: tuple(value) for key, value in a[0].items()}, *a[1:]]: "722",
    lambda a: [complex(a[0])]: "252",
    _deep: "580 615 791",
}
_REBUILD_TASK = {f"Mbpp/{number}": rebuild for rebuild, numbers in _REBUILD.items() for number in numbers.split()}


def file(benchmark: str) -> Path:
    """A benchmark's data file, looked up and checked once for each place where it may lie.

    Args:
        benchmark: `humaneval` or `mbpp`.

    Returns:
        The pinned file, or the one that the environment names.

    Raises:
        DataError: It is missing or damaged.
    """
    name = DATA_SETS[benchmark]
    return _checked(name, machine.cache_root(), pins.dataset(name).overridden)


@cache
def _checked(name: str, _root: Path, _overridden: Path | None) -> Path:
    return datasets.path(name)


def version() -> str:
    """What is measured: the pinned data by its version, other files (mini, noextreme) by their names."""
    names = {"humaneval": "HumanEval+", "mbpp": "MBPP+"}
    return ", ".join([*(f"{shown} {_version(DATA_SETS[name])}" for name, shown in names.items()), RULES])


def _version(name: str) -> str:
    own = pins.dataset(name).overridden
    return f"of {one_line(own.name, 60)}" if own and _is_other(name, own) else f"v{pins.dataset(name).version}"


@cache
def _is_other(name: str, _own: Path) -> bool:
    try:
        return datasets.sha256(name) != pins.dataset(name).sha256
    except DataError:
        return False


def problems(benchmark: str) -> Mapping[str, Problem]:
    """All problems of a benchmark by task id, in the official order.

    Args:
        benchmark: `humaneval` or `mbpp`.

    Returns:
        Cached: the inputs are shared and must not be changed.

    Raises:
        DataError: The data is missing or damaged.
    """
    with _lock:
        return _problems(file(benchmark), benchmark)


@cache
@datasets.no_collection()
def _problems(path: Path, benchmark: str) -> Mapping[str, Problem]:
    found = {}
    for number, row in _rows(path):
        missing = [name for name in _FIELDS if name not in row]
        if missing:
            raise DataError(f"{path}:{number}: field {missing[0]!r} is missing", "Use EvalPlus's own data file.")
        rebuild = _REBUILD_TASK.get(row["task_id"], lambda arguments: arguments)
        found[row["task_id"]] = Problem(
            benchmark=benchmark,
            task_id=row["task_id"],
            prompt=row["prompt"],
            entry_point=row["entry_point"],
            reference=row["prompt"] + row["canonical_solution"],
            base=tuple(map(rebuild, row["base_input"])),
            plus=tuple(map(rebuild, row["plus_input"])),
            atol=row["atol"],
        )
    return found


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, json.loads(line)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}:{number + 1}: {error}", "Use EvalPlus's own data file.") from error


def problem(task_id: str) -> Problem:
    """One problem.

    Raises:
        DataError: The data is missing or damaged.
        UsageProblem: No problem has that id; near ones are offered.
    """
    benchmark = "humaneval" if task_id.startswith("HumanEval/") else "mbpp"
    known = problems(benchmark)
    if task_id not in known:
        raise unknown_name("task", task_id, known)
    return known[task_id]

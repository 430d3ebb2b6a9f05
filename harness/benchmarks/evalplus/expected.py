"""Expected outputs: computed once a problem by its reference program, in the sandbox, and kept as digests.

Cache file (`<cache>/evalplus/<data digest>-py3.11-v4/HumanEval_23.json`): for the base and the plus inputs base64 of
each expected value's digest, the CPU seconds of the reference (doubles), which are floats (a byte each), the lengths
(32 bits) and the marshal bytes of short values; numbers have their low byte first. All of this is the second line; the
first is its checksum and the sum of the seconds. A file that is damaged is computed again.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import marshal
import os
import platform
import struct
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Literal

from harness import machine
from harness.benchmarks.evalplus import data, oracles
from harness.benchmarks.evalplus.data import Problem
from harness.data import datasets
from harness.errors import HarnessError
from harness.sandbox import is_open, shared, values
from harness.sandbox.pool import Program, Result

FORMAT = 4
Part = Literal["base", "plus"]
PARTS: tuple[Part, Part] = ("base", "plus")

CALL_SECONDS = 120.0
TOTAL_SECONDS = 600.0
_KEPT = 256
"""Bytes up to which an expected value is kept to be shown to a person."""
_COMPARED = 1 << 16
"""Bytes up to which values are kept and sent where floats may have to be compared with a tolerance, or rounded."""
_locks: dict[str, threading.Lock] = {}
_registry = threading.Lock()


class ReferenceFailed(HarnessError):
    """The reference program did not get through its own inputs: too little memory, or a damaged installation."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What the reference returned for one list of inputs."""

    digests: tuple[bytes, ...]
    seconds: tuple[float, ...]
    """CPU seconds of each call."""
    floats: tuple[bool, ...]
    """Which values switch the tolerance on."""
    kept: tuple[bytes, ...]
    """Values as marshal bytes; empty where too long."""

    def value(self, index: int) -> Any:
        """An expected value; None where it was not kept."""
        return values.decode(self.kept[index]) if self.kept[index] else None

    @property
    def body_limit(self) -> int:
        """Bytes up to which a judged program's values are wanted."""
        return _COMPARED if any(self.floats) or any(len(body) > _KEPT for body in self.kept) else _KEPT


def inputs(problem: Problem, part: Part) -> tuple[Any, ...]:
    """A problem's argument lists of one part."""
    return problem.base if part == "base" else problem.plus


def packed_inputs(problem: Problem, part: Part) -> bytes:
    """A problem's argument lists as the sandbox takes them."""
    return _packed_inputs(problem.task_id, part, data.file(problem.benchmark))


@lru_cache(maxsize=2048)
def _packed_inputs(task_id: str, part: Part, _file: Path) -> bytes:
    return marshal.dumps(list(inputs(data.problem(task_id), part)), 2)


def expected(task_id: str) -> dict[Part, Expected]:
    """Expected outputs of a problem, from memory, from the cache, or computed now.

    Args:
        task_id: For example `HumanEval/23`.

    Returns:
        One for the base inputs, one for the plus inputs.

    Raises:
        DataError: The data is missing.
        ReferenceFailed: They cannot be computed here.
        SandboxUnavailable: They would have to be computed, and there is no sandbox.
    """
    with _registry:
        lock = _locks.setdefault(task_id, threading.Lock())
    with lock:
        return _expected(task_id, _home(task_id))


def prefetch(task_ids: Iterable[str]) -> None:
    """Compute what is missing in the background, while the programs to be judged are still being written.

    Args:
        task_ids: What will be needed, in this order. What cannot be computed is told by `expected` when it is needed.
    """
    missing = deque(name for name in dict.fromkeys(task_ids) if not _file(name, _home(name)).exists())
    for _ in range(min(len(missing), shared().workers or 1)):
        threading.Thread(target=_prefetch, args=(missing,), daemon=True).start()


def _prefetch(missing: deque[str]) -> None:
    with contextlib.suppress(IndexError, HarnessError):
        while is_open():
            expected(missing.popleft())


@lru_cache(maxsize=2048)
def _expected(task_id: str, folder: Path) -> dict[Part, Expected]:
    file = _file(task_id, folder)
    found = _read(file)
    if found is None:
        problem = data.problem(task_id)
        found = {part: compute(problem, part) for part in PARTS}
        _write(file, found)
    return found


def _file(task_id: str, folder: Path) -> Path:
    return folder / f"{task_id.replace('/', '_')}.json"


def _home(task_id: str) -> Path:
    return _folder(data.problem(task_id).benchmark)


def _folder(benchmark: str) -> Path:
    name = data.DATA_SETS[benchmark]
    file = data.file(benchmark)
    digest = _data_digest(name, file, file.stat().st_mtime_ns)[:12]
    python = ".".join(platform.python_version_tuple()[:2])
    return machine.cache_root() / "evalplus" / f"{digest}-py{python}-v{FORMAT}"


@lru_cache(maxsize=8)
def _data_digest(name: str, _file: Path, _changed: int) -> str:
    """The digest of a data set; a user's own file is hashed again only when it changes."""
    return datasets.sha256(name)


def compute(problem: Problem, part: Part) -> Expected:
    """Run the reference in the sandbox.

    Args:
        problem: The task.
        part: Which inputs.

    Returns:
        Digests, times and short values.

    Raises:
        ReferenceFailed: It did not return a value for every input.
    """
    arguments = packed_inputs(problem, part)
    count = len(inputs(problem, part))
    program = Program(
        code=problem.reference,
        entry_point=problem.entry_point,
        inputs=arguments,
        limits=[CALL_SECONDS] * count,
        budget=TOTAL_SECONDS,
        convert=oracles.conversion(problem),
        body_limit=_COMPARED,
        timed=True,
    )
    with shared().run(program) as results:
        got = list(results)
    if len(got) != count or any(result.kind not in ("value", "converted") for result in got):
        last = got[-1] if got else "nothing"
        raise ReferenceFailed(f"the reference program of {problem.task_id} failed on its {part} inputs: {last}")
    return _summary(problem, got)


def _summary(problem: Problem, got: Sequence[Result]) -> Expected:
    floats = [oracles.holds_floats(result.body) for result in got]
    tolerances = oracles.tolerances(problem.atol, floats)
    whole = [bool(atol) or _has_floats(result.body) for result, atol in zip(got, tolerances, strict=True)]
    return Expected(
        digests=tuple(result.digest for result in got),
        seconds=tuple(round(result.seconds, 6) for result in got),
        floats=tuple(floats),
        kept=tuple(
            result.body if keep or len(result.body) <= _KEPT else b"" for result, keep in zip(got, whole, strict=True)
        ),
    )


def _has_floats(body: bytes) -> bool:
    """Whether there is a float anywhere in a value: a program's result may have one of another precision there."""
    return b"g" in body and _holds_float(values.decode(body))


def _holds_float(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, float) or (isinstance(value, (list, tuple)) and any(map(_holds_float, value)))


def _read(file: Path) -> dict[Part, Expected] | None:
    """A cache file's content; None where there is none or it is damaged."""
    try:
        head, _, text = file.read_bytes().partition(b"\n")
        if head.split()[:1] != [_checksum(text)]:
            return None
        content = json.loads(text)
        return {part: _unpacked(content[part]) for part in PARTS}
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return None


def _unpacked(fields: dict[str, str]) -> Expected:
    raw = {name: base64.b64decode(text) for name, text in fields.items()}
    count, kept = len(raw["floats"]), raw["kept"]
    ends = accumulate(struct.unpack(f"<{count}I", raw["lengths"]), initial=0)
    return Expected(
        digests=struct.unpack(f"{values.DIGEST_SIZE}s" * count, raw["digests"]),
        seconds=struct.unpack(f"<{count}d", raw["seconds"]),
        floats=struct.unpack(f"{count}?", raw["floats"]),
        kept=tuple(kept[start:end] for start, end in pairwise(ends)),
    )


def _packed(found: Expected) -> dict[str, str]:
    count = len(found.digests)
    raw = {
        "digests": b"".join(found.digests),
        "seconds": struct.pack(f"<{count}d", *found.seconds),
        "floats": bytes(found.floats),
        "lengths": struct.pack(f"<{count}I", *map(len, found.kept)),
        "kept": b"".join(found.kept),
    }
    return {name: base64.b64encode(data).decode() for name, data in raw.items()}


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def _write(file: Path, found: dict[Part, Expected]) -> None:
    """Write a cache file in one step; a cache that cannot be written costs time, not correctness."""
    text = json.dumps({part: _packed(entry) for part, entry in found.items()}).encode()
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as partial:
            seconds = sum(sum(entry.seconds) for entry in found.values())
            partial.write(b"%s %.6f\n%s" % (_checksum(text), seconds, text))
        os.replace(partial.name, file)


def known_seconds(task_id: str) -> float:
    """CPU seconds of a problem's reference over all inputs; 0 where it has not been measured."""
    try:
        with _file(task_id, _home(task_id)).open("rb") as file:
            return float(file.readline().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0

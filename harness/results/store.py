"""Runs on disk: `results/<model>/<benchmark>/<UTC time>-<id>/{run.json,samples.jsonl}`.

`run.json` is a `RunRecord`, written atomically. `samples.jsonl` has one line an episode, appended and fsynced:

    {"id": "simple_python_0", "repeat": 0, "category": "simple_python",
     "steps": [{"turn": 0, "generation": {"text": "[f(a=1)]", "finish": "stop", ...}}],
     "fault": null, "verdicts": {"simple_python": {"outcome": "pass", ...}}, "seconds": 0.8}

Replies are not stored: the run's handler parses them from the generations. There is one line for each (id, repeat).
A reader reports damaged lines by number and reads on; `harness.results.writer` writes.
"""

from __future__ import annotations

import difflib
import json
import logging
import os
import re
import secrets
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import DataError, RunIncomplete, UsageProblem
from harness.files import write_atomic
from harness.protocols import Report
from harness.results.lines import SampleLine, build, decode
from harness.results.provenance import current_checker
from harness.types import (
    BenchmarkInfo,
    CodeInfo,
    EngineInfo,
    Key,
    MachineInfo,
    ModelInfo,
    Reading,
    RunRecord,
    Sampling,
    Score,
    ShardsInfo,
    UsageInfo,
    UserInfo,
)

RUN, SAMPLES = "run.json", "samples.jsonl"
DESCRIBING: Mapping[str, type[Any]] = {
    "benchmark": BenchmarkInfo,
    "engine": EngineInfo,
    "code": CodeInfo,
    "machine": MachineInfo,
    "usage": UsageInfo,
    "user": UserInfo,
}
"""Fields of a run's record that describe it: a figure of another type in one of them is not known, and costs no run."""


def log(problem: str) -> None:
    """Report damage where no one else is told."""
    logging.getLogger(__name__).warning("%s", problem)


def read_samples(run: Path, report: Report = log) -> Iterator[SampleLine]:
    """All readable lines of a run, in file order; the first of two lines for one item counts.

    Args:
        run: The run's folder.
        report: Called with `FILE:LINE: what is damaged` for each line that is skipped.

    Yields:
        The lines.
    """
    for line, _ in scan(run, report):
        yield line


def damaged(run: Path) -> int:
    """Lines of a run that cannot be used."""
    problems: list[str] = []
    for _ in scan(run, problems.append):
        pass
    return len(problems)


def scan(run: Path, report: Report) -> Iterator[tuple[SampleLine, bytes]]:
    """As `read_samples`, each line with its bytes."""
    path = run / SAMPLES
    if not path.exists():
        return
    seen: dict[Key, int] = {}
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                line = decode(raw)
            except ValueError as error:
                report(f"{path}:{number}: {error}")
                continue
            if line.key in seen:
                report(f"{path}:{number}: a second line for {line.id!r} (first in line {seen[line.key]})")
                continue
            seen[line.key] = number
            yield line, raw if raw.endswith(b"\n") else raw + b"\n"


def read_run(run: Path) -> RunRecord:
    """Read `run.json`; a checker that judges as the installed one does counts as that one.

    Args:
        run: The run's folder.

    Returns:
        The record.

    Raises:
        DataError: It is missing or damaged.
    """
    path = run / RUN
    try:
        data = json.loads(path.read_bytes())
        data["model"], data["sampling"] = build(ModelInfo, data["model"]), build(Sampling, data["sampling"])
        data["scores"] = {name: build(Score, score) for name, score in data.get("scores", {}).items()}
        data["readings"] = {name: build(Reading, each) for name, each in data.get("readings", {}).items()}
        data |= {name: build(cls, data[name], lenient=True) for name, cls in DESCRIBING.items() if name in data}
        if data.get("shards") is not None:
            data["shards"] = build(ShardsInfo, data["shards"])
        record: RunRecord = build(RunRecord, data)
        _check(record)
        checker = current_checker(record.benchmark.name, record.benchmark.checker_sha256)
        record = replace(record, benchmark=replace(record.benchmark, checker_sha256=checker))
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}", "Give the folder of a run, as `harness list runs` shows."
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is damaged: {error}", "Run the evaluation again; its samples are not lost.") from None
    return record


def _check(record: RunRecord) -> None:
    if not all(isinstance(name, str) for name in record.benchmark.categories):
        raise ValueError("a name in benchmark is not text")
    if record.repeats < 1:
        raise ValueError(f"repeats is {record.repeats}")


def find_runs(root: Path) -> list[Path]:
    """Folders of all runs at or below a folder, oldest first within a model and benchmark; a run's file means it."""
    root = Path(root)
    if root.name in (RUN, SAMPLES) and root.is_file():
        root = root.parent
    if (root / RUN).is_file():
        return [root]
    return sorted(path.parent for path in root.rglob(RUN))


def find_run(name: str, root: Path = Path("results")) -> Path:
    """The run that a user means.

    Args:
        name: Its folder or a file of it, a folder that holds no other run, or the start of its id where that is unique.
        root: Where ids are looked for.

    Returns:
        Its folder.

    Raises:
        UsageProblem: There is none, or more than one.
    """
    folder = Path(name)
    here = find_runs(folder if folder.exists() else root)
    found = here if folder.exists() else [run for run in here if run.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    known = {text for run in here for text in (run.name, str(run), *map(str, list(run.parents)[:2]))}
    near = [] if found else difflib.get_close_matches(name, known, n=3, cutoff=0.75)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`harness list runs` shows all."
    raise UsageProblem(f"{name!r} is {'more than one' if found else 'not a'} run", f"Give the folder of a run. {hint}")


def find_same(root: Path, model: ModelInfo, benchmark: str, identities: Container[str]) -> Path | None:
    """The newest run of the same configuration, to be continued.

    Args:
        root: The results folder.
        model: The model.
        benchmark: Name of the benchmark.
        identities: `config_sha256` of the configuration, by any checker that judges alike.

    Returns:
        Its folder, or None.
    """
    for path in reversed(find_runs(root / slug(model) / benchmark)):
        try:
            if read_run(path).config_sha256 in identities:
                return path
        except DataError as error:
            log(str(error))
    return None


def slug(model: ModelInfo) -> str:
    """A model as the name of a folder: the last part of a local path, `org_model` for a hub id, and its adapter."""
    names = [model.name]
    if model.adapter and Path(model.adapter).resolve() != Path(model.name).resolve():
        names.append(model.adapter)
    names = [Path(name).expanduser().resolve().name if _is_local(name) else name for name in names]
    return re.sub(r"[^A-Za-z0-9.-]+", "_", "_".join(names)).strip("._")[:100] or "model"


def _is_local(name: str) -> bool:
    return name.startswith((".", "/", "~")) or os.path.isdir(name)


def new_run(root: Path, model: ModelInfo, benchmark: str) -> Path:
    """Make the folder of a new run, named by the time and a random id.

    Args:
        root: The results folder.
        model: The model.
        benchmark: Name of the benchmark.

    Returns:
        The folder; its name is the run's id.

    Raises:
        UsageProblem: It cannot be made there.
    """
    # Milliseconds, so that the newest of two runs is the last by name.
    now = datetime.now(UTC).isoformat(timespec="milliseconds").translate({ord(mark): None for mark in "-:"})
    path = root / slug(model) / benchmark / f"{now.removesuffix('+0000')}Z-{secrets.token_hex(3)}"
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise UsageProblem(f"cannot make {path}: {error.strerror}", "Give another folder by --output.") from None
    return path


def path_of(root: Path, record: RunRecord) -> Path:
    """Where a run of this record is stored below a results folder."""
    return root / slug(record.model) / record.benchmark.name / record.run_id


def unfinished(record: RunRecord, finished: int) -> int:
    """Items that a run was to play beyond the finished ones; 0 where it does not say how many, as an imported one."""
    return max(0, (record.benchmark.n or 0) - finished)


def write_run(run: Path, record: RunRecord) -> None:
    """Write `run.json`.

    Raises:
        RunIncomplete: The disk does not take it.
    """
    try:
        write_atomic(run / RUN, json.dumps(asdict(record), indent=1).encode() + b"\n")
    except OSError as error:
        remedy = "The samples are kept; the same command continues."
        raise RunIncomplete(f"cannot write {run / RUN}: {error.strerror}", remedy) from error

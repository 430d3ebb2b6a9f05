"""Runs on disk: `results/<model>/<benchmark>/<UTC time>-<id>/{run.json,samples.jsonl}`.

`run.json` is a `RunRecord`, written atomically. `samples.jsonl` has one line an episode, appended and fsynced:

    {"id": "simple_python_0", "repeat": 0, "category": "simple_python",
     "steps": [{"turn": 0, "generation": {"text": "[f(a=1)]", "finish": "stop", ...}}],
     "fault": null, "verdicts": {"simple_python": {"outcome": "pass", ...}}, "seconds": 0.8}

Replies are not stored: the run's handler parses them from the generations. There is one line for each (id, repeat).
Opening a run to continue it rewrites the file atomically without what is to be tried again: a line cut off by a kill,
damaged lines and, unless told otherwise, faults. A reader reports damaged lines by number and reads on.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from harness.errors import DataError, RunIncomplete, UsageProblem
from harness.lines import SampleLine, build, decode, encode
from harness.types import ModelInfo, RunRecord, Sampling, Score

RUN, SAMPLES = "run.json", "samples.jsonl"
Report = Callable[[str], None]
"""Takes one sentence about a damaged line or file."""


def _log(problem: str) -> None:
    logging.getLogger(__name__).warning("%s", problem)


def read_samples(run: Path, report: Report = _log) -> Iterator[SampleLine]:
    """All readable lines of a run, in file order; the first of two lines for one item counts.

    Args:
        run: The run's folder.
        report: Called with `FILE:LINE: what is damaged` for each line that is skipped.

    Yields:
        The lines.
    """
    for line, _ in _scan(run, report):
        yield line


def _scan(run: Path, report: Report) -> Iterator[tuple[SampleLine, bytes]]:
    path = run / SAMPLES
    if not path.exists():
        return
    seen: dict[tuple[str, int], int] = {}
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
    """Read `run.json`.

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
        model, sampling = build(ModelInfo, data["model"]), build(Sampling, data["sampling"])
        data["model"] = replace(model, architectures=tuple(model.architectures))
        data["sampling"] = replace(sampling, stop=tuple(sampling.stop))
        data["scores"] = {name: build(Score, score) for name, score in data.get("scores", {}).items()}
        record: RunRecord = build(RunRecord, data)
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}", "Give the folder of a run, as `harness list runs` shows."
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is damaged: {error}", "Run the evaluation again; its samples are not lost.") from None
    return record


def find_runs(root: Path) -> list[Path]:
    """Folders of all runs at or below a folder, oldest first within a model and benchmark."""
    root = Path(root)
    if (root / RUN).is_file():
        return [root]
    return sorted(path.parent for path in root.rglob(RUN))


def find_same(root: Path, model: ModelInfo, benchmark: str, config_sha256: str) -> Path | None:
    """The newest run of the same configuration, to be continued.

    Args:
        root: The results folder.
        model: The model.
        benchmark: Name of the benchmark.
        config_sha256: Identity of the configuration.

    Returns:
        Its folder, or None.
    """
    for path in reversed(find_runs(root / slug(model) / benchmark)):
        try:
            if read_run(path).config_sha256 == config_sha256:
                return path
        except DataError as error:
            _log(str(error))
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
    """
    path = root / slug(model) / benchmark / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    path.mkdir(parents=True)
    return path


def path_of(root: Path, record: RunRecord) -> Path:
    """Where a run of this record is stored below a results folder."""
    return root / slug(record.model) / record.benchmark["name"] / record.run_id


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a file so that a reader, or a machine that loses power, sees the old or the new one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def write_run(run: Path, record: RunRecord) -> None:
    """Write `run.json`."""
    write_atomic(run / RUN, json.dumps(asdict(record), indent=1).encode() + b"\n")


class Writer:
    """The one process that writes a run. Threads may append.

    Args:
        run: The run's folder.
        retry: Which lines of an earlier session are dropped, to be tried again.
        report: Told about damaged lines, which are dropped as well.

    Raises:
        UsageProblem: Another process writes this run.
    """

    def __init__(self, run: Path, retry: Callable[[SampleLine], bool], report: Report = _log) -> None:
        from filelock import FileLock, Timeout

        self.run = run
        self._lock = FileLock(run / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageProblem(f"another process writes {run}", "Wait for it, or give --no-resume.") from None
        self._mutex = threading.Lock()
        self._compact(retry, report)
        self._file: IO[bytes] = (run / SAMPLES).open("ab")

    def _compact(self, retry: Callable[[SampleLine], bool], report: Report) -> None:
        path = self.run / SAMPLES
        for leftover in self.run.glob(f".{SAMPLES}.*"):
            leftover.unlink()
        if not path.exists():
            return
        with tempfile.NamedTemporaryFile(dir=self.run, prefix=f".{SAMPLES}.", delete=False) as kept:
            for line, raw in _scan(self.run, report):
                if not retry(line):
                    kept.write(raw)
            kept.flush()
            os.fsync(kept.fileno())
            os.chmod(kept.name, 0o644)
        os.replace(kept.name, path)

    def append(self, line: SampleLine) -> None:
        """Write one line; it survives a kill of this process at once, and of the machine after `sync`.

        Args:
            line: The line.

        Raises:
            RunIncomplete: The disk does not take it.
        """
        data = encode(line)
        with self._mutex:
            try:
                self._file.write(data)
                self._file.flush()
            except OSError as error:
                remedy = "What is written is kept; the same command continues."
                raise RunIncomplete(f"cannot write {self.run / SAMPLES}: {error.strerror}", remedy) from error

    def sync(self) -> None:
        """Force what was appended to the disk."""
        with self._mutex:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Sync and let others write."""
        self.sync()
        self._file.close()
        self._lock.release()

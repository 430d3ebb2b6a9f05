"""The log files of a refinement: every call and outcome, append-only, so that a killed run loses and repeats nothing.

    DIR/run.json         what the run is of: input, judges, prompts, settings (a resume under others is refused)
    DIR/calls.jsonl      one line a judge call: {"index", "step", "vote", "id", "stage", "text", ...}
    DIR/outcomes.jsonl   one line a finished example: {"index", "outcome", "stage", "reason", "example", ...}

Lines are flushed to disk in groups: all that one round of completions brought is written, then synced once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from harness.errors import DataError, UsageProblem
from harness.files import lock, replacing, write_atomic

CallKey = tuple[int, int, int]
"""Index of the example, step in its way through the stages, vote."""


class Ledger:
    """One output folder, opened for appending by one process.

    Args:
        folder: The run's folder; made if missing.
        identity: What the run is of, compared with what the folder holds.

    Raises:
        UsageProblem: Another process writes here, or the folder holds a run of something else.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = lock(folder, "Wait for it or end it.")
        try:
            claim(folder / "run.json", identity, "run")
        except BaseException:
            self._lock.close()
            raise
        self.calls = _open(folder / "calls.jsonl")
        self.outcomes = _open(folder / "outcomes.jsonl")
        self._dirty: set[IO[bytes]] = set()

    def finished(self) -> set[int]:
        """Indices of examples with an outcome; unjudged ones are left out, so that they are tried again."""
        return {line["index"] for line in read_lines(self.folder / "outcomes.jsonl") if line["outcome"] != "unjudged"}

    def unfinished_calls(self, finished: set[int]) -> dict[CallKey, dict[str, Any]]:
        """Readable calls of examples without an outcome: they are not asked again.

        Args:
            finished: Indices to leave out.

        Returns:
            Call lines by key.
        """
        kept: dict[CallKey, dict[str, Any]] = {}
        with (self.folder / "calls.jsonl").open("rb") as file:
            for raw in file:
                index = int(raw[len(b'{"index": ') : raw.index(b",")])
                if index not in finished and (line := json.loads(raw))["read"] is not None:
                    kept[index, line["step"], line["vote"]] = line
        return kept

    def append(self, file: IO[bytes], line: Mapping[str, Any]) -> None:
        """Add one line to `calls` or `outcomes`; `index` comes first in it. Durable after `sync`."""
        file.write(json.dumps(line).encode() + b"\n")
        self._dirty.add(file)

    def sync(self) -> None:
        """Make everything appended durable, calls before outcomes."""
        for file in (self.calls, self.outcomes):
            if file in self._dirty:
                file.flush()
                os.fsync(file.fileno())
        self._dirty.clear()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sync()
        self.calls.close()
        self.outcomes.close()
        self._lock.close()


def claim(path: Path, identity: Mapping[str, Any], what: str) -> None:
    """Write down what a folder is of, or hold it to what is written there.

    Args:
        path: The file that says so.
        identity: Settings that may not change between sessions, as JSON values.
        what: `run` or `loop`.

    Raises:
        UsageProblem: The folder is of something else.
    """
    if not path.exists():
        write_atomic(path, json.dumps(identity, indent=1).encode())
        return
    old = read_claim(path)
    changed = sorted(name for name in {*old, *identity} if old.get(name) != identity.get(name))
    if changed:
        raise UsageProblem(
            f"{path.parent} holds a {what} with another {', '.join(changed)}",
            "Give a new --output, or the old settings to go on.",
        )


def read_claim(path: Path) -> dict[str, Any]:
    """What a folder says it is of.

    Raises:
        DataError: It says nothing, or the file is damaged.
    """
    try:
        return dict(json.loads(path.read_bytes()))
    except OSError as problem:
        raise DataError(f"{path}: {problem.strerror}", "Give the folder that `refine run --output` named.") from None
    except (ValueError, TypeError) as problem:
        raise DataError(f"{path} is damaged: {problem}", "Start anew in another folder.") from None


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a ledger file; a line torn by a kill is not one."""
    if path.exists():
        with path.open("rb") as file:
            for raw in file:
                if raw.endswith(b"\n"):
                    yield json.loads(raw)


def write_lines(rows: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write a JSONL file that appears when it is whole.

    Args:
        rows: Its lines, taken one at a time.
        path: The file.

    Returns:
        How many there were.
    """
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as write:
        for row in rows:
            write(json.dumps(row).encode() + b"\n")
            count += 1
    return count


def _open(path: Path) -> IO[bytes]:
    """Open for appending, behind the last whole line."""
    file = path.open("ab")
    size = file.tell()
    if size:
        with path.open("rb") as old:
            old.seek(size - 1)
            if old.read(1) != b"\n":
                file.truncate(_last_newline(old, size) + 1)
    return file


def _last_newline(file: IO[bytes], size: int) -> int:
    """Offset of the last newline, -1 where there is none."""
    end = size
    while end:
        start = max(0, end - 65536)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at
        end = start
    return -1

"""Writing a run's `samples.jsonl`: one process, append and fsync, safe against kill -9 at any moment.

There is one line for each (id, repeat). Opening a run to continue it rewrites the file atomically without what is to be
played again: a line cut off by a kill, damaged lines and, unless told otherwise, faults.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from harness.errors import RunIncomplete
from harness.files import lock, replacing
from harness.protocols import Report
from harness.results.lines import SampleLine, encode
from harness.results.store import RUN, SAMPLES, log, scan


class Writer:
    """The one process that writes a run. Threads may append.

    Args:
        run: The run's folder.
        retry: Which lines of an earlier session are dropped, to be tried again.
        report: Told about damaged lines, which are dropped as well.

    Raises:
        UsageProblem: Another process writes this run.
    """

    def __init__(self, run: Path, retry: Callable[[SampleLine], bool], report: Report = log) -> None:
        self.run = run
        self._lock = lock(run, "Wait for it, or give --no-resume.")
        self._mutex = threading.Lock()
        self._compact(retry, report)
        self._file: IO[bytes] = (run / SAMPLES).open("ab")

    def _compact(self, retry: Callable[[SampleLine], bool], report: Report) -> None:
        path = self.run / SAMPLES
        # What a kill left of an earlier session's atomic writes.
        for name in (RUN, SAMPLES):
            for leftover in self.run.glob(f".{name}.*"):
                leftover.unlink()
        if not path.exists():
            return
        with replacing(path) as write:
            for line, raw in scan(self.run, report):
                if not retry(line):
                    write(raw)

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
        try:
            self.sync()
        finally:
            self._file.close()
            self._lock.close()

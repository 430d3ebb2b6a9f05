"""Writing a run's `samples.jsonl`: one process, append and fsync, safe against kill -9 at any moment.

There is one line for each (id, repeat). Opening a run to continue it rewrites the file atomically without what is to be
played again: a line cut off by a kill, damaged lines and, unless told otherwise, faults. Replies wait in
`waiting.jsonl` until their episode has its line, and those of a fault again when it is tried again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

from harness.errors import RunIncomplete
from harness.files import lock, replacing
from harness.protocols import Report
from harness.results.lines import SampleLine, encode, encode_generation
from harness.results.store import RUN, SAMPLES, log, scan
from harness.results.waiting import WAITING, encode_reply, read_waiting
from harness.types import Generation, Key, RequestKey


class Writer:
    """The one process that writes a run. Threads may append.

    Args:
        run: The run's folder.
        retry: Which lines of an earlier session are dropped, to be tried again.
        report: Told about damaged lines, which are dropped as well.
        forget: Drop replies that wait, too, and those of what is tried again.

    Raises:
        UsageProblem: Another process writes this run.
    """

    def __init__(
        self, run: Path, retry: Callable[[SampleLine], bool], report: Report = log, *, forget: bool = False
    ) -> None:
        self.run = run
        self._lock = lock(run, "Wait for it, or give --no-resume.")
        self._mutex = threading.Lock()
        self.replies = self._compact(retry, report, forget)
        """What earlier sessions were answered, of episodes that are not finished."""
        self._texts: dict[Key, list[str]] = {key[:2]: [] for key in self.replies}
        """Generations of this session, as JSON, by episode that waits."""
        self._faults: set[Key] = set()
        self._spare = False
        """Whether replies came that the line of their fault does not hold."""
        self._file: IO[bytes] = (run / SAMPLES).open("ab")
        self._arrived: IO[bytes] | None = None

    @property
    def waiting(self) -> int:
        """Episodes with replies and without a line."""
        return len(self._texts)

    def _compact(
        self, retry: Callable[[SampleLine], bool], report: Report, forget: bool
    ) -> dict[RequestKey, Generation]:
        # What a kill left of an earlier session's atomic writes.
        for name in (RUN, SAMPLES, WAITING):
            for leftover in self.run.glob(f".{name}.*"):
                leftover.unlink()
        replies = {} if forget else dict(read_waiting(self.run, report))
        if not (self.run / SAMPLES).exists():
            self._rewrite(replies)
            return replies
        finished = set()
        with replacing(self.run / SAMPLES) as write:
            for line, raw in scan(self.run, report):
                if not retry(line):
                    write(raw)
                    if line.fault is None:
                        finished.add(line.key)
                elif not forget:
                    steps = enumerate(line.steps)
                    replies |= {RequestKey(*line.key, place): step.generation for place, step in steps}
            replies = {key: generation for key, generation in replies.items() if key[:2] not in finished}
            self._rewrite(replies)  # Before the lines go that hold some of them.
        return replies

    def _rewrite(self, replies: Mapping[RequestKey, Generation]) -> None:
        if not replies:
            (self.run / WAITING).unlink(missing_ok=True)
            return
        with replacing(self.run / WAITING) as write:
            for key, generation in replies.items():
                write(encode_reply(key, encode_generation(generation)))

    def receive(self, replies: Iterable[tuple[RequestKey, Generation]]) -> None:
        """Keep replies until their episode has its line; they survive a kill of this process at once.

        Args:
            replies: What arrived; of one episode in the order of its steps.

        Raises:
            RunIncomplete: The disk does not take it.
        """
        data = []
        for key, generation in replies:
            text = encode_generation(generation)
            data.append(encode_reply(key, text))
            if key[:2] in self._faults:
                self._spare = True
            else:
                self._texts.setdefault(key[:2], []).append(text)
        if data:
            with self._mutex:
                self._arrived = self._arrived or (self.run / WAITING).open("ab")
                self._write(self._arrived, b"".join(data))

    def append(self, line: SampleLine) -> None:
        """Write one line; it survives a kill of this process at once, and of the machine after `sync`.

        Args:
            line: The line.

        Raises:
            RunIncomplete: The disk does not take it.
        """
        texts = self._texts.get(line.key, ())
        data = encode(line, texts)
        with self._mutex:
            self._write(self._file, data)
            if line.fault is not None:
                self._faults.add(line.key)
                self._spare = self._spare or len(texts) > len(line.steps)
            self._texts.pop(line.key, None)

    def _write(self, file: IO[bytes], data: bytes) -> None:
        try:
            file.write(data)
            file.flush()
        except OSError as error:
            remedy = "What is written is kept; the same command continues."
            raise RunIncomplete(f"cannot write {file.name}: {error.strerror}", remedy) from error

    def sync(self) -> None:
        """Force what was appended to the disk."""
        with self._mutex:
            os.fsync(self._file.fileno())
            if self._arrived and self._texts:
                os.fsync(self._arrived.fileno())

    def close(self) -> None:
        """Sync and let others write."""
        try:
            self.sync()
            if not self._texts and not self._spare:
                (self.run / WAITING).unlink(missing_ok=True)
        finally:
            self._file.close()
            if self._arrived:
                self._arrived.close()
            self._lock.close()

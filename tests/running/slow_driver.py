"""`harness` with a toy benchmark that is slow to judge, and an engine that books what it was asked and what was taken.

`-m tests.running.slow_driver SECONDS WORKERS BOOK run ...`. A line of the book is `asked` or `stored`, and the request.
What a session returned counts as stored once it is asked for more.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.engines import scripted
from harness.types import Completion, Episode, Prompt, RequestKey, Sample, Sampling, Verdict
from tests.toy import Toy, install


class Slow(Toy):
    """A toy whose checks take their time."""

    def __init__(self, seconds: float, workers: int) -> None:
        super().__init__(workers)
        self.seconds = seconds

    def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        time.sleep(self.seconds)
        return super().check(sample, episode, rules)


class Booking(scripted.Reciting):
    """A script that writes a book."""

    book: Path
    _given: Sequence[Completion] = ()

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        self._settle()
        self._write("asked", key)
        super().submit(key, prompt, sampling)

    def collect(self) -> Sequence[Completion]:
        self._settle()
        self._given = super().collect()
        return self._given

    def _settle(self) -> None:
        for completion in self._given:
            if completion.generation is not None:
                self._write("stored", completion.key)
        self._given = ()

    def _write(self, what: str, key: RequestKey) -> None:
        with self.book.open("a") as file:
            file.write(json.dumps([what, *key]) + "\n")


def books(path: Path) -> None:
    """Let the scripted engine write this book."""
    Booking.book = path
    scripted.Reciting = Booking  # type: ignore[misc]


def check_book(path: Path) -> int:
    """See that nothing that was stored was asked again; how many requests there were."""
    stored, asked = set(), 0
    for line in path.read_text().splitlines():
        what, *key = json.loads(line)
        if what == "stored":
            stored.add(tuple(key))
        else:
            asked += 1
            assert tuple(key) not in stored, f"{key} was paid for twice"
    return asked


if __name__ == "__main__":
    from harness.cli import main

    seconds, workers, book = sys.argv[1:4]
    del sys.argv[1:4]
    install(Slow(float(seconds), int(workers)))
    books(Path(book))
    main()

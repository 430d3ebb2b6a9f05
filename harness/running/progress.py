"""Telling a person how a run goes: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

from harness.results.tally import Tally

if TYPE_CHECKING:
    import rich.progress

Mode = Literal["auto", "plain", "none"]


class Progress(Protocol):
    """Told how a run goes."""

    def begin(self, title: str, total: int, tally: Tally) -> None:
        """A run starts; its tally may hold what an earlier session finished."""

    def update(self) -> None:
        """The tally has changed."""

    def end(self) -> None:
        """The run is over, finished or not."""


class Silent:
    """Says nothing."""

    def begin(self, title: str, total: int, tally: Tally) -> None:
        """Nothing."""

    def update(self) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class Meter:
    """What there is to say about a run: `120/400 · accuracy 43.3% · 812 tokens/s · 0 errors · 0:00:32 left`."""

    def __init__(self, total: int, tally: Tally) -> None:
        self.total, self.tally = total, tally
        self._began, self._done, self._tokens = time.monotonic(), self.done, tally.tokens["completion"]

    @property
    def done(self) -> int:
        """Items that have ended, with an error or without."""
        return self.tally.finished + self.tally.faults

    def text(self) -> str:
        """One line."""
        tally, seconds = self.tally, max(time.monotonic() - self._began, 1e-6)
        played = self.done - self._done
        parts = [f"{self.done}/{self.total}"]
        if tally.judged:
            parts.append(f"accuracy {tally.passed / tally.judged:.1%}")
        if played:
            parts.append(f"{(tally.tokens['completion'] - self._tokens) / seconds:.0f} tokens/s")
        parts.append(f"{tally.faults} error{'' if tally.faults == 1 else 's'}")
        if tally.waiting:
            parts.append(f"{tally.waiting} waiting")
        if tally.cost is not None:
            parts.append(f"cost {tally.cost:.2f}")
        if played and self.done < self.total:
            left = timedelta(seconds=round(seconds / played * (self.total - self.done)))
            parts.append(f"{left} left")
        return " · ".join(parts)


class Plain:
    """Lines for logs: one at the start, one at most every few seconds, one at the end.

    Args:
        file: Where to; standard error by default.
        every: Seconds between two lines.
    """

    def __init__(self, file: TextIO | None = None, every: float = 10.0) -> None:
        self._file, self._every = file, every

    def begin(self, title: str, total: int, tally: Tally) -> None:
        """Say where the run starts."""
        self._title, self._meter, self._said = title, Meter(total, tally), time.monotonic()
        self._say()

    def update(self) -> None:
        """Say how far it is, if it is time."""
        if time.monotonic() - self._said >= self._every:
            self._say()

    def end(self) -> None:
        """Say how it ended, unless that is said already."""
        if self._meter.done != self._at:
            self._say()

    def _say(self) -> None:
        self._said, self._at = time.monotonic(), self._meter.done
        print(f"{self._title}: {self._meter.text()}", file=self._file or sys.stderr, flush=True)


class Bar:
    """A bar on a terminal."""

    def begin(self, title: str, total: int, tally: Tally) -> None:
        """Show it."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._meter = Meter(total, tally)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[say]}", markup=False),
        )
        self._bar: rich.progress.Progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._bar.add_task(title, total=total, completed=self._meter.done, say=self._meter.text())
        self._bar.start()

    def update(self) -> None:
        """Move it."""
        self._bar.update(self._task, completed=self._meter.done, say=self._meter.text())

    def end(self) -> None:
        """Leave it as it is."""
        self.update()
        self._bar.stop()


def progress(mode: Mode) -> Progress:
    """The fitting one: `auto` shows a bar only on a terminal, outside CI and where colour is not refused."""
    if mode == "none":
        return Silent()
    fancy = mode == "auto" and sys.stderr.isatty() and not os.environ.get("CI") and not os.environ.get("NO_COLOR")
    return Bar() if fancy else Plain()

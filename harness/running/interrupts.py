"""Ctrl-C in two steps, so that replies that are on their way are not thrown away."""

from __future__ import annotations

import queue
import signal
import threading
from types import FrameType, TracebackType

GRACE = 0.7
"""Seconds after the first Ctrl-C in which replies still arrive and are kept."""


class Interrupts:
    """At the first Ctrl-C `asked` is set; at the second, or when `GRACE` is over, `KeyboardInterrupt` is raised.

    It takes the place of Python's own handler, for SIGTERM too where a command has put it there. In other threads than
    the main one, and where another handler is in place, nothing changes. Left without an error after it was asked to
    end, it raises `KeyboardInterrupt`.
    """

    def __init__(self) -> None:
        self.asked = False
        """Whether nothing more should be begun."""
        self._taken: list[signal.Signals] = []
        self._said: queue.SimpleQueue[int | None] = queue.SimpleQueue()  # a handler may put into it at any moment
        self._left = threading.Event()

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            numbers = (signal.SIGINT, signal.SIGTERM)
            self._taken = [number for number in numbers if signal.getsignal(number) is signal.default_int_handler]
        if self._taken:
            threading.Thread(target=self._wait, args=(threading.get_ident(),), daemon=True).start()
        for number in self._taken:
            signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._said.put(None)
        for number in self._taken:
            signal.signal(number, signal.default_int_handler)
        if self.asked and kind is None:
            raise KeyboardInterrupt

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._said.put(number)

    def _wait(self, main: int) -> None:
        number = self._said.get()
        if number is not None and not self._left.wait(GRACE):
            signal.pthread_kill(main, number)

"""Workers as processes of this machine, each with GPUs or a share of the cores of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait

from harness import machine
from harness.engines._workers import Copy, Lost, Request, Word
from harness.errors import UsageProblem
from harness.types import EngineSettings

GRACE = 5.0
"""Seconds in which a worker that is not needed any more may close its engine."""
Given = queue.SimpleQueue[list[Request] | None]
"""Requests on their way to the engine; None is the end."""


class Process:
    """One process and the pipe to it."""

    def __init__(self, engine: str, settings: EngineSettings, environment: dict[str, str]) -> None:
        # Spawned, not forked: torch and CUDA do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, engine, settings, environment), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, requests: list[Request]) -> None:
        """Send requests; to a dead process they go nowhere."""
        try:
            self.pipe.send(requests)
        except OSError:
            return  # `take` says so.

    def take(self) -> Word:
        """The next word.

        Raises:
            Lost: The process has ended.
        """
        try:
            word: Word = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            raise Lost(f"its process ended with status {self.process.exitcode}") from None
        return word

    def stop(self) -> None:
        """Let it end; `Processes.close` sees that it does."""
        self.pipe.close()


class Processes:
    """This machine.

    Args:
        engine: The engine's name.
        settings: Of one copy.
        count: How many copies.
        gpus: That each takes, where there are any.

    Raises:
        UsageProblem: There are not enough.
    """

    def __init__(self, engine: str, settings: EngineSettings, count: int, gpus: int) -> None:
        self._engine, self._settings = engine, settings
        self._started: list[Process] = []
        visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        devices = visible or [str(index) for index in range(len(machine.description()["gpus"]))]
        if devices and gpus > 1 and count * gpus > len(devices):
            raise UsageProblem(
                f"{count} copies of {gpus} GPUs do not fit {len(devices)} GPUs", "Give a smaller --dp or --tp."
            )
        threads = os.environ.get("OMP_NUM_THREADS", str(max(1, machine.cores() // count)))
        self._environments = [
            {"CUDA_VISIBLE_DEVICES": ",".join(_share(devices, index, gpus)), "OMP_NUM_THREADS": threads}
            for index in range(count)
        ]

    def start(self, index: int) -> Process:
        """Start a process."""
        self._started.append(Process(self._engine, self._settings, self._environments[index]))
        return self._started[-1]

    def wait(self, workers: Sequence[Process]) -> Sequence[Process]:
        """Those that have said something or ended."""
        pipes = wait([worker.pipe for worker in workers])
        return [worker for worker in workers if worker.pipe in pipes]

    def close(self) -> None:
        """Wait for all to end, and kill those that cannot at once."""
        end = time.monotonic() + GRACE
        for worker in self._started:
            worker.process.join(max(0.0, end - time.monotonic()))
            worker.process.kill()
            worker.process.join()


def _share(devices: Sequence[str], index: int, gpus: int) -> list[str]:
    """One copy's GPUs; small copies share them where there are fewer."""
    wanted = range(index * gpus, (index + 1) * gpus)
    return [devices[number % len(devices)] if devices else str(number) for number in wanted]


def _work(pipe: Connection, engine: str, settings: EngineSettings, environment: dict[str, str]) -> None:
    """A process's life: open the engine, then answer until the pipe closes."""
    os.environ.update(environment)  # Before torch is loaded.
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal: the first one decides.
    # A daemon may have no children, and vLLM starts some.
    multiprocessing.current_process().daemon = False
    given: Given = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, given), daemon=True).start()
    copy = Copy(engine, settings)
    with contextlib.suppress(OSError):  # Whoever would read is dead.
        pipe.send(copy.open())
        while True:
            batches = [] if copy.outstanding else [given.get()]
            while not given.empty():
                batches.append(given.get())
            if None in batches:
                break
            pipe.send(copy.work([request for batch in batches for request in batch or ()]))
    copy.close()


def _listen(pipe: Connection, given: Given) -> None:
    """Take requests as they come, so that neither side waits for the other to read, and end with whoever sends them."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            given.put(pipe.recv())
    given.put(None)
    time.sleep(GRACE)
    os._exit(0)

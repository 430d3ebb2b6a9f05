"""Several copies of an engine in processes of their own, one a GPU or a share of the cores, behind one session.

A request goes to the least busy worker. A worker that dies gives its requests back, and the others get them: nothing
is lost, and nothing counted twice, because a reply counts only when it arrives here.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

from harness import plugins
from harness.chat import plain
from harness.errors import HarnessError, UsageProblem
from harness.types import Completion, EngineSettings, Prompt, RequestKey, Sampling

Request = tuple[RequestKey, Prompt, Sampling]


class Worker:
    """One process and what it has been asked."""

    def __init__(self, engine: str, settings: EngineSettings, index: int, count: int) -> None:
        # Spawned, not forked: torch and CUDA do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, engine, settings, index, count), daemon=True)
        self.process.start()
        theirs.close()
        self.asked: dict[RequestKey, Request] = {}

    def stop(self) -> None:
        """End it, at once: whoever stops a worker does not wait for its replies."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


class WorkersSession:
    """A session over several workers.

    Args:
        engine: Name of the engine that every worker opens.
        settings: For each of them.
        count: How many.

    Raises:
        UsageProblem: A worker could not open its engine.
    """

    def __init__(self, engine: str, settings: EngineSettings, count: int) -> None:
        self.workers = [Worker(engine, settings, index, count) for index in range(count)]
        try:
            ready = [_first_word(worker) for worker in self.workers]
        except BaseException:
            self.close()
            raise
        self.version = f"{ready[0][0]}, {count} workers"
        self.slots = sum(slots for _, slots in ready)

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Give a request to the least busy worker."""
        # What crosses to another process must be plain: a mapping proxy cannot.
        sent = replace(prompt, messages=tuple(plain(prompt.messages)), tools=tuple(plain(prompt.tools)))
        self._give((key, sent, sampling))

    def collect(self) -> Sequence[Completion]:
        """Wait for a reply of any worker; empty where none is outstanding."""
        while any(worker.asked for worker in self.workers):
            done: list[Completion] = []
            for worker in self._ready():
                done += self._take(worker)
            if done:
                return done
        return []

    def close(self) -> None:
        """Stop all workers."""
        for worker in self.workers:
            worker.stop()
        self.workers = []

    def _ready(self) -> list[Worker]:
        pipes = wait([worker.pipe for worker in self.workers])
        return [worker for worker in self.workers if worker.pipe in pipes]

    def _take(self, worker: Worker) -> list[Completion]:
        """A worker's replies; where it has died, its requests go to the others."""
        try:
            done: list[Completion] = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return []
        for completion in done:
            del worker.asked[completion.key]
        return done

    def _bury(self, worker: Worker) -> None:
        worker.stop()
        self.workers.remove(worker)
        if not self.workers:
            raise RuntimeError(f"all workers have died; the last with status {worker.process.exitcode}")
        for request in worker.asked.values():
            self._give(request)

    def _give(self, request: Request) -> None:
        worker = min(self.workers, key=lambda worker: len(worker.asked))
        worker.asked[request[0]] = request
        try:
            worker.pipe.send(request)
        except OSError:
            self._bury(worker)


def _first_word(worker: Worker) -> tuple[str, int]:
    try:
        word = worker.pipe.recv()
    except EOFError:
        raise UsageProblem("a worker ended while it started", "Its own message is above.") from None
    if isinstance(word, HarnessError):
        raise word
    version, slots = word
    return version, slots


def _work(pipe: Connection, engine: str, settings: EngineSettings, index: int, count: int) -> None:
    """A worker's life: open the engine, then answer until the pipe closes."""
    _share_machine(index, count)
    try:
        session: Any = plugins.load("engines", engine).open(settings)
    except HarnessError as error:
        pipe.send(UsageProblem(str(error)))
        return
    pipe.send((session.version, session.slots))
    outstanding = 0
    try:
        while True:
            while not outstanding or pipe.poll():
                session.submit(*pipe.recv())
                outstanding += 1
            done = list(session.collect())
            outstanding -= len(done)
            pipe.send(done)
    except (EOFError, OSError):
        session.close()


def _share_machine(index: int, count: int) -> None:
    """This worker's own GPU, or its share of the cores; before torch is loaded."""
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    os.environ["CUDA_VISIBLE_DEVICES"] = visible[index % len(visible)] if visible else str(index)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // count)))

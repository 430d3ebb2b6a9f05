"""The judge's side: lend fork servers to threads, run one program at a time in each, stop it when its time is over."""

from __future__ import annotations

import contextlib
import marshal
import math
import os
import select
import signal
import socket
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from harness import machine
from harness.errors import HarnessError
from harness.sandbox import backends, containers, frames, values
from harness.sandbox.clock import JobClock
from harness.sandbox.job import FOLDER_MEGABYTES, THREADS, Job
from harness.sandbox.server import ON_DEMAND

with contextlib.suppress(ImportError):  # Windows has none, and no backend
    import fcntl

GIBIBYTE = 1 << 30
ANSWER_SECONDS = 30.0
_SLACK = 0.02
"""Results are read some milliseconds late."""
_SHORTEST_WAIT = 0.002
_LOOK = 0.02
"""Seconds between two looks at a job's threads, where the kernel does not bound them."""
_PAUSE = 2
"""Milliseconds between reads while a job runs, so that a stream of results does not wake the reader for each."""
_EARLY = 4
"""Most programs that are wrong are so in one of these calls: those are looked at at once."""
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031
_READ = 1 << 20
_TEXT = 4096
_NOTE = 300

Kind = Literal["value", "converted", "other", "raised", "timeout", "died", "garbled"]
_KINDS: dict[int, Kind] = {
    frames.VALUE: "value",
    frames.CONVERTED: "converted",
    frames.OTHER: "other",
    frames.RAISED: "raised",
}
_EQUAL = (frames.VALUE, frames.CONVERTED, frames.NARROWED)
_NARROWED: dict[bytes, Kind] = {frames.AS_VALUE: "value", frames.AS_CONVERTED: "converted"}
_LAST = ("raised", "garbled")


class SandboxFault(HarnessError):
    """The sandbox itself failed; the program it was to run has no verdict."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program and how to run it."""

    code: str
    entry_point: str
    inputs: bytes
    """`marshal.dumps(list_of_argument_lists, 2)`: trusted data, kept in this form because it is sent often."""
    limits: Sequence[float]
    """Effective seconds for each call."""
    budget: float
    """Effective seconds for everything together."""
    convert: Literal["value", "set", "present"] = "value"
    body_limit: int = 256
    """Values up to this many bytes are sent beside their digests."""
    right: Sequence[bytes] = ()
    """Digests that the results should have; such results are not reported. This list stays with the judge."""
    predicted: Sequence[bytes] = ()
    """The same with bodies, as `frames.predict` makes them, empty where there is none: found with less work."""
    timed: bool = False
    """Report CPU seconds for each call (for programs that are trusted to leave the clock alone)."""


class Result(NamedTuple):
    """What one call came to; call -1 is the execution of the program before the first call."""

    call: int
    kind: Kind
    seconds: float = 0.0
    digest: bytes = b""
    body: bytes = b""
    note: str = ""
    """For a person: an exception's text, a type's name, a limit."""
    precision: str = ""
    """Letter (see `values.PRECISIONS`) of numpy numbers in the value, which are not compared as floats are."""


@dataclass
class Sandbox:
    """Fork servers behind one backend, lent to one thread at a time.

    Args:
        backend: A backend's name or `auto`.
        workers: Programs at once; by default as many as there are processors and as memory holds.
        memory: Bytes of address space a program may use. All programs together stay below `workers` times this.
    """

    backend: str = "auto"
    workers: int | None = None
    memory: int = 4 * GIBIBYTE
    refused: dict[str, str] = field(default_factory=dict, init=False)
    """Backends that were tried and do not work here, with the reason."""

    def __post_init__(self) -> None:
        if self.workers is None:
            self.workers = max(1, min(machine.cores(), machine.memory() // self.memory))
        server, self.refused = backends.choose(self.backend)
        self._chosen, self._layers = server.backend, backends.layers(server.confinement)
        self._workers = [Worker(self._chosen, slot, self.memory) for slot in range(self.workers)]
        self._workers[0].server = server
        self._free = list(self._workers)
        self._available = threading.Semaphore(self.workers)

    @property
    def description(self) -> str:
        """One line: the backend in use and what it does not cover."""
        return f"{self._chosen.name} (does not cover: {self._chosen.not_covered})"

    @property
    def name(self) -> str:
        """The backend in use."""
        return self._chosen.name

    @property
    def facts(self) -> dict[str, Any]:
        """What of this sandbox a verdict can depend on, as JSON values; for the record of a run."""
        return {
            "backend": self.name,
            "layers": ", ".join(self._layers),
            "memory_gib": self.memory / GIBIBYTE,
            "threads": THREADS,
            "folder_mib": FOLDER_MEGABYTES,
        } | ({"image": containers.image()} if self.name == "docker" else {})

    @contextlib.contextmanager
    def run(self, program: Program) -> Iterator[Iterator[Result]]:
        """Run a program; leaving the block ends it at once.

        Args:
            program: What to run.

        Yields:
            An iterator over the results in the order of the inputs, without those that are as `program.right` says.
            It ends after the last input or after the first result that is not a value.

        Raises:
            SandboxFault: The sandbox failed, not the program.
        """
        with self._available:
            worker = self._free.pop()
            results = worker.run(program)
            try:
                yield results
            finally:
                results.close()
                self._free.append(worker)

    def lend(self) -> Worker | None:
        """A server for as long as its borrower likes; None where all are lent. `take_back` ends the loan."""
        return self._free.pop() if self._available.acquire(blocking=False) else None

    def take_back(self, worker: Worker) -> None:
        """The end of a loan."""
        self._free.append(worker)
        self._available.release()

    def warm(self) -> None:
        """Start all servers now; one that cannot be started is tried again when it is needed."""
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.started()

    def close(self) -> None:
        """End all servers; one that is being started ends as soon as it has been."""
        for worker in self._free:
            worker.end()


class Worker:
    """One fork server and the protocol with it."""

    def __init__(self, backend: backends.Backend, slot: int, memory: int) -> None:
        self._backend, self._slot, self._memory = backend, slot, memory
        self.server: backends.Server | None = None
        self._starting = threading.Lock()
        self._ended = False

    def started(self) -> backends.Server:
        """The server, started where it does not run; `OSError` where it cannot be."""
        with self._starting:
            if self._ended:
                raise OSError("the sandbox was closed")
            self.server = self.server or backends.start(self._backend, self._slot)
            return self.server

    def end(self) -> None:
        """End the server for good, also one that is being started."""
        with self._starting:
            self._ended = True
            self.close()

    def close(self) -> None:
        """End the server; the next program starts another."""
        if self.server:
            self.server.close()
            self.server = None

    def run(self, program: Program) -> Generator[Result]:  # closing it ends the job
        """Run a program and yield its results."""
        try:
            server = self.started()
            channel, handle = self.begin(server.control, program)
        except OSError as error:
            self.close()
            raise SandboxFault(f"the sandbox server could not run a program: {error}") from error
        try:
            with contextlib.closing(clock_of(handle)) as clock:
                for result in _watch(channel, clock, program, counted=server.confinement["counted_threads"]):
                    if result.kind == "died" and _hung_up(server.control):
                        raise SandboxFault("the sandbox server ended while it ran a program")
                    yield result
        finally:
            os.close(channel)
            self.finish(server.control, handle)

    def begin(self, control: socket.socket, program: Program, requests: int | None = None) -> tuple[int, int]:
        """Hand a job to the server; returns the reading end of its pipe and its pidfd."""
        payload = _payload(program, self._memory)
        channel, theirs = os.pipe()
        with contextlib.suppress(OSError):  # over the user's quota: a small pipe works too
            fcntl.fcntl(channel, _F_SETPIPE_SZ, _PIPE_BYTES)
        try:
            named = [name for name in ON_DEMAND if name in program.code]
            socket.send_fds(
                control, [" ".join(named or "-").encode()], [payload, theirs, *([] if requests is None else [requests])]
            )
            control.settimeout(ANSWER_SECONDS)
            _, handles, _, _ = socket.recv_fds(control, 1, 1)
            if not handles:
                raise OSError("it gave no process")
        except OSError:
            os.close(channel)
            raise
        finally:
            os.close(payload)
            os.close(theirs)
        return channel, handles[0]

    def finish(self, control: socket.socket, handle: int) -> None:
        """Kill whatever is left of a job and wait until the server has seen it end."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
        try:
            control.settimeout(ANSWER_SECONDS)
            alive = control.recv(64)
        except OSError:
            alive = b""
        if not alive:
            self.close()


def _hung_up(control: socket.socket) -> bool:
    poller = select.poll()
    poller.register(control, 0)
    return bool(poller.poll(0))


def clock_of(handle: int) -> JobClock:
    """The clock of a job by its pidfd; `SandboxFault` where its time cannot be measured."""
    try:
        return JobClock(handle)
    except OSError as error:
        raise SandboxFault(str(error)) from error


def _payload(program: Program, memory: int) -> int:
    """The job as an unnamed file in memory."""
    job = Job(
        code=program.code,
        entry_point=program.entry_point,
        convert=program.convert,
        body_limit=program.body_limit,
        memory=memory,
        cpu_seconds=math.ceil(program.budget) + 3,
        timed=program.timed,
        inputs=program.inputs,
    )
    payload = os.memfd_create("job", os.MFD_CLOEXEC)
    with open(payload, "wb", closefd=False) as file:
        file.write(marshal.dumps(tuple(job), 2))
    os.lseek(payload, 0, os.SEEK_SET)
    return payload


def _watch(channel: int, clock: JobClock, program: Program, *, counted: bool) -> Iterator[Result]:
    """Read a job's frames until it is over or has used up its time.

    The clock is read on every pass. When time is over, what waits is still read, once: a program is not charged for a
    slow reader. Nothing but a call's own complete frame gives the next call its time, and nothing moves the budget.

    Args:
        channel: The pipe.
        clock: Its clock.
        program: What runs.
        counted: Whether the kernel bounds its threads; else they are counted here every few milliseconds.

    Yields:
        Results that are worth a look.
    """
    reports = _Reports(program)
    poller, ended = select.poll(), select.poll()
    poller.register(channel, select.POLLIN)
    ended.register(channel, 0)
    mark = 0.0
    while not reports.over:
        now, index = clock.seconds(), reports.index
        end = min(mark + reports.limit, program.budget) + _SLACK
        late = now >= end
        if not counted and clock.threads() > THREADS:
            yield Result(reports.index, "died", note=f"ended because it had more than {THREADS} threads")
            return
        wait = max(end - now, _SHORTEST_WAIT)
        if poller.poll(0 if late else (wait if counted else min(wait, _LOOK)) * 1000):
            yield from reports.take(os.read(channel, _READ))
            if reports.index > index:
                mark = clock.seconds()
                late = now >= program.budget + _SLACK
        if late and not reports.over:
            yield Result(reports.index, "timeout", now - mark, note=f"limit {reports.limit:.3g} s")
            return
        if reports.index > _EARLY:
            ended.poll(_PAUSE)


class _Reports:
    """What a job has said so far. All but the first frame may be the program's own writing.

    Args:
        program: What runs.
    """

    def __init__(self, program: Program) -> None:
        self.index = -1
        """The call that is under way; -1 before the first."""
        self.over = False
        """Whether nothing that follows counts."""
        self._program = program
        self._right = [b"", *(program.right or [b""] * len(program.limits))]  # the first frame stands for no call
        self._reader = frames.FrameReader(max(program.body_limit, _TEXT))
        self._ready = False

    @property
    def limit(self) -> float:
        """Seconds for the call that is under way."""
        return self._program.budget if self.index < 0 else self._program.limits[self.index]

    def take(self, data: bytes) -> Iterator[Result]:
        """Read on.

        Args:
            data: What the job wrote; nothing where it has ended.

        Yields:
            Results that are worth a look.

        Raises:
            SandboxFault: The job ended, or said that it could not be confined, before the program was started.
        """
        if not data:
            yield self._ended()
            return
        self._reader.feed(data)
        while not self.over:
            if self.index >= 0:
                self.index = self._reader.skip(self._program.predicted, self.index)
            try:
                frame = self._reader.next()
            except frames.Malformed as error:
                self.over = True
                yield Result(self.index, "garbled", note=str(error))
                return
            if frame is None:
                self.over = self.index == len(self._program.limits)
                return
            if self._ready:
                yield from self._taken(frame)
            else:
                believe(frame)
                self._ready = True

    def _ended(self) -> Result:
        if not self._ready:
            raise SandboxFault("a job ended before its program was started")
        self.over = True
        return Result(self.index, "died", note="the process ended: memory, CPU time, full folder or an exit of its own")

    def _taken(self, frame: frames.Frame) -> Iterator[Result]:
        if self.index == len(self._program.limits):  # more results than calls: written by the program itself
            self.over = True
            return
        if frame.digest != self._right[self.index + 1] or frame.kind not in _EQUAL:
            result = _result(frame, self.index)
            if result:
                self.over = result.kind in _LAST
                yield result
        self.index += not self.over


def believe(frame: frames.Frame) -> None:
    """The first frame comes from trusted code: every layer is in place, or nothing was run."""
    if frame.kind != frames.READY:
        raise SandboxFault(f"a layer of the sandbox could not be set up: {frame.body.decode('utf-8', 'replace')}")


def _result(frame: frames.Frame, index: int) -> Result | None:
    """A frame as a result; None for the report that the program was executed."""
    if index < 0 and frame.kind == frames.LOADED:
        return None
    if frame.kind == frames.NARROWED and index >= 0:
        return _narrowed(frame, index)
    if frame.kind not in _KINDS or (index < 0 and frame.kind != frames.RAISED):
        return Result(index, "garbled", note=f"frame {frame.kind} out of turn")
    text = frame.kind in (frames.RAISED, frames.OTHER)
    note = frame.body[:_NOTE].decode("utf-8", "replace") if text else ""
    return Result(index, _KINDS[frame.kind], frame.seconds, frame.digest, b"" if text else frame.body, note)


def _narrowed(frame: frames.Frame, index: int) -> Result:
    letter, kind, body = frame.body[:1].decode("latin-1"), _NARROWED.get(frame.body[1:2]), frame.body[2:]
    if kind is None or letter not in values.PRECISIONS:
        return Result(index, "garbled", note="a number of no known precision")
    return Result(index, kind, frame.seconds, frame.digest, body, precision=letter)

"""The sandboxed process: confine yourself, run the program, report what its function returned.

Forked from `server`. Everything before `READY` is trusted code in a process that can still do harm; everything after
it runs beside the program and is trusted with nothing.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import marshal
import os
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from harness.sandbox import frames, landlock, linux, namespaces, seccomp, values
from harness.sandbox.arenas import LONG_CALL, Arenas

with contextlib.suppress(ImportError):  # Windows has none, and no backend
    import resource

_OPEN_FILES = 64
_DESCRIPTORS = 256
"""More than the server ever has open."""
THREADS = 128
"""In all; the kernel or the judge ends a job that has more."""
FOLDER_MEGABYTES = 8
_TEXT_LIMIT = 300


class Confinement(NamedTuple):
    """What the server could offer; each layer named here must succeed in the job, or nothing is run."""

    user: int | None
    """A user id of the job's own; None where there is only one."""
    namespaces: bool
    folder: str
    """Where it may write, a few megabytes."""
    mounts_folder: bool
    """Whether a file system of the job's own is mounted there; else the server watches and empties it."""
    counted_threads: bool
    """Whether the kernel counts the threads of the job's user apart from those of others; else the judge does."""
    landlock: landlock.Rules | None
    drop_capabilities: bool


class Job(NamedTuple):
    """A program and what to call it with. Crosses to the sandbox as a marshalled tuple."""

    code: str
    entry_point: str
    convert: str
    """What of the result counts: `value`, `set` (its elements), `present` (a truth value, or whether there is one)."""
    body_limit: int
    """Longest value in bytes that is sent beside its digest."""
    memory: int
    """Address space in bytes."""
    cpu_seconds: int
    timed: bool
    """Measure CPU time for each call, and for making its result ready to be sent, instead of wall-clock time."""
    inputs: bytes
    """Marshalled list of argument lists."""


class _NoInput(io.StringIO):
    """Standard input that cannot be read, as EvalPlus gives it."""

    def read(self, *_: Any) -> Any:
        raise OSError("no standard input")

    readline = read
    readlines = read

    def readable(self) -> bool:
        return False


SIZE = struct.Struct("<I")
"""What stands before each argument list that is asked for later: its bytes."""


def main(payload: int, channel: int, confinement: Confinement, requests: int | None = None) -> None:
    """Run one job and end the process.

    Args:
        payload: Descriptor of a file that holds the marshalled `Job`.
        channel: Descriptor of the pipe that takes the frames.
        confinement: Layers to set up.
        requests: Descriptor of a pipe that brings argument lists one by one, in place of the job's inputs.
    """
    send = _Sender(channel)
    job = Job(*marshal.loads(_read_all(payload)))
    try:
        layers = confine(confinement, job)
        _close_all_but(channel, requests)
    except (OSError, ValueError) as error:
        send(frames.REFUSED, body=str(error).encode())
        return
    send(frames.READY, body=json.dumps(layers).encode())
    run(job, send, requests)


def _close_all_but(*kept: int | None) -> None:
    first = 3
    for descriptor in sorted(one for one in kept if one is not None):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, _DESCRIPTORS)


def _read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        return file.read()


def silence() -> None:
    """Let the standard streams lead nowhere. The server does so for all jobs."""
    nowhere = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    sys.stdin = _NoInput()
    sys.stdout, sys.stderr = (open(stream, "w", closefd=False, errors="replace") for stream in (1, 2))  # noqa: SIM115


def confine(confinement: Confinement, job: Job) -> list[str]:
    """Set up all layers, the most powerful first, the system call filter last.

    Returns:
        Names of the layers.

    Raises:
        OSError: One of them failed.
    """
    layers = ["namespaces"] if confinement.namespaces else []
    if confinement.mounts_folder:
        namespaces.private_folder(confinement.folder, FOLDER_MEGABYTES)
    os.chdir(confinement.folder)
    layers.append("private folder")
    _limit({resource.RLIMIT_AS: job.memory, resource.RLIMIT_CPU: job.cpu_seconds})
    layers.append("rlimits")
    if confinement.user is not None:
        os.setgroups([])
        os.setresgid(*[confinement.user] * 3)
        os.setresuid(*[confinement.user] * 3)
        layers.append("own uid")
    elif confinement.drop_capabilities:
        linux.drop_capabilities()
    linux.prctl(linux.PR_SET_PDEATHSIG, 9)
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    if confinement.landlock:
        landlock.restrict(confinement.landlock, [confinement.folder])
        layers.append("landlock")
    seccomp.restrict(os.getpid())
    layers.append("seccomp")
    return layers


def limit(confinement: Confinement) -> None:
    """Set the limits that are the same for all jobs. The server does so; jobs inherit them.

    Raises:
        OSError: The kernel refused.
    """
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: FOLDER_MEGABYTES << 20,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if confinement.counted_threads:
        limits[resource.RLIMIT_NPROC] = THREADS
    _limit(limits)
    stack = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (stack, stack))


def _limit(limits: Mapping[int, int]) -> None:
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


class _Sender:
    """Writes frames, each at once: the judge sees how far a program came. Nobody is woken by most of these writes."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._header, self._write = frames.HEADER.pack, os.write

    def __call__(self, kind: int, seconds: float = 0.0, digest: bytes = values.INCOMPARABLE, body: bytes = b"") -> None:
        data = self._header(kind, seconds, len(body), digest) + body
        written = self._write(self._channel, data)
        while written < len(data):
            written += self._write(self._channel, data[written:])


def run(job: Job, send: _Sender, requests: int | None = None) -> None:
    """Execute the program and call its function on each input until one call raises.

    Calls share the process, so state that a program keeps between calls stays, as under EvalPlus.
    """
    clock = time.process_time if job.timed else time.perf_counter
    try:
        scope: dict[str, Any] = {}
        exec(compile(job.code, "<string>", "exec", dont_inherit=True), scope)  # noqa: S102 - what the sandbox is for
        if job.entry_point not in scope:
            raise NameError(f"the program defines no {job.entry_point}")
        function = scope[job.entry_point]
        calls: Iterable[Any] = _loaded(job.inputs) if requests is None else _asked(requests)
    except BaseException as error:  # noqa: BLE001 - SystemExit too is only a failed program
        send(frames.RAISED, body=_described(error))
        return
    gc.freeze()  # nothing that is there now goes away: the collector need not look at it again
    send(frames.LOADED)
    arenas = Arenas()
    for arguments in calls:
        start = clock()
        try:
            kind, digest, body = _crossing(function(*arguments), job.convert, job.body_limit)
            seconds = clock() - start
            send(kind, seconds if job.timed else 0.0, digest, body)
        except BaseException as error:  # noqa: BLE001
            send(frames.RAISED, body=_described(error))
            return
        if seconds > LONG_CALL:
            arenas.after_long_call()


def _loaded(inputs: bytes) -> Any:
    """Argument lists, read without the collector: it would go through all that a large program holds, for nothing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return marshal.loads(inputs)
    finally:
        if collecting:
            gc.enable()


def _asked(requests: int) -> Iterator[Any]:
    """Argument lists as the judge writes them, until it closes the pipe."""
    with open(requests, "rb") as file:
        while head := file.read(SIZE.size):
            yield marshal.loads(file.read(*SIZE.unpack(head)))


def _crossing(result: Any, convert: str, limit: int) -> tuple[int, bytes, bytes]:
    """What is sent of a result: frame kind, digest and body.

    With `set` the digest is that of the elements, the body still that of a list: its floats may be compared in order.
    """
    if convert == "value" and (quick := values.quick(result, limit)):
        return frames.VALUE, *quick
    shown = compared = _compared(result, convert)
    precisions = set[str]()
    try:
        value = values.plain(compared, precisions)
        digest = values.digest(value)
        if convert == "set" and type(result) in (list, tuple):
            shown, value = result, values.plain(result)
    except values.Incomparable as error:
        return frames.OTHER, values.INCOMPARABLE, str(error).encode("utf-8", "replace")[:_TEXT_LIMIT]
    same = type(value) is type(shown)
    if precisions and convert == "value":
        return _narrowed(value, digest, min(precisions, key=values.PRECISIONS.index), limit, same=same)
    return frames.VALUE if same else frames.CONVERTED, digest, _body(value, limit)


def _narrowed(value: Any, digest: bytes, letter: str, limit: int, *, same: bool) -> tuple[int, bytes, bytes]:
    head = letter.encode() + (frames.AS_VALUE if same else frames.AS_CONVERTED)
    compared = values.INCOMPARABLE if letter == values.WIDE else digest  # no float equals it, though one is as near
    return frames.NARROWED, compared, head + _body(value, limit - len(head))


def _compared(result: Any, convert: str) -> Any:
    if convert == "set":
        return set(result)
    if convert == "present":
        return result if isinstance(result, bool) else result is not None
    return result


def _body(value: Any, limit: int) -> bytes:
    """The value's bytes where they are few; a container is not written out only to be thrown away."""
    if isinstance(value, (list, tuple, dict, set, str, bytes, frozenset)) and len(value) > limit:
        return b""
    data = marshal.dumps(value, 2)
    return data if len(data) <= limit else b""


def _described(error: BaseException) -> bytes:
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - a program's own exception class may raise here, or `KeyError(10**5000)`
        text = "exception without a text"
    return text.encode("utf-8", "replace")[:_TEXT_LIMIT]

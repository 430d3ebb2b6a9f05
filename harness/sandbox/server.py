"""The fork server: a small process that has imported what programs use, enters the namespaces once and forks jobs.

Started by `backends` as `python -s -S -P` with an empty environment. It holds no tests and no expected outputs. It
reads names of modules and two or three descriptors (the job's file, its pipe, and one that brings what it is asked
later) from its control socket, answers with the job's pidfd and, when the job is over, with its exit status; it ends
when the socket does.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from harness.sandbox import folders, job, landlock, linux, namespaces, seccomp

_EARLY = "bisect collections copy functools heapq itertools json math operator re string time typing"
_ON_DEMAND = (
    "cmath dataclasses datetime decimal enum fractions inspect numbers numpy queue random statistics tempfile textwrap"
    " threading unicodedata"
)
PREIMPORTED, ON_DEMAND = tuple(_EARLY.split()), tuple(_ON_DEMAND.split())
"""Those on demand are imported before the first program that names them: each makes every later fork dearer."""
_LOOK = 50
"""Milliseconds between two looks at a job's folder, where it has no file system of its own."""
_DESCRIPTORS = 3
_LONGEST_REQUEST = 1024
_CLOSE_ON_EXEC = socket.MSG_CMSG_CLOEXEC


def main(settings: dict[str, Any]) -> None:
    """Set up the shared layers and serve until the control socket closes.

    Args:
        settings: `control` (descriptor, or path of a socket), `site` (folders of packages; none for this Python's own),
            `namespaces` (`make`, `inherit` or `none`), `user` (id for jobs, where this is root), `folder` (where jobs
            may write), `counts_threads` (whether the kernel counts them by user namespace).
    """
    control = _connect(settings["control"])
    try:
        confinement = _prepare(settings)
    except OSError as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    job.silence()
    _default_signals()
    offered = confinement._asdict() | {"landlock": confinement.landlock is not None}
    control.send(json.dumps({"confinement": offered}).encode())
    while request := _receive(control):
        names, descriptors = request
        _import([name for name in ON_DEMAND if name in names and name not in sys.modules])
        _serve(control, descriptors, confinement)
    _leave(confinement)


def _default_signals() -> None:
    """Forget what was inherited: `nohup` and a shell's `&` let signals be ignored, and no verdict depends on that."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN and number not in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def _leave(confinement: job.Confinement) -> None:
    """End this process; nobody is there any more who would remove the jobs' folder."""
    if not confinement.mounts_folder:
        with contextlib.suppress(OSError):
            folders.empty(confinement.folder)
            os.rmdir(confinement.folder)
    os._exit(0)


def _connect(control: int | str) -> socket.socket:
    if isinstance(control, int):
        return socket.socket(fileno=control)
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connected.connect(control)
    return connected


def _prepare(settings: dict[str, Any]) -> job.Confinement:
    site = settings["site"] or namespaces.site_packages()
    sys.path.extend(site)
    os.environ["TMPDIR"] = settings["folder"]
    readable = namespaces.python_paths(site)
    _import(PREIMPORTED)
    seccomp.prepare(linux.MACHINE)
    made = namespaces.enter() if settings["namespaces"] == "make" else ""
    if made:
        _become_first_process()
        namespaces.private_root(readable, settings["folder"])
    # Not earlier: a process that cannot be dumped cannot write its own /proc/self/uid_map.
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    root = os.geteuid() == 0 and made != "user" and settings["namespaces"] != "inherit"
    own_user = root and (bool(made) or all(map(_open_to_all, readable)))
    if own_user and not made:
        os.chown(settings["folder"], settings["user"], -1)
    confinement = job.Confinement(
        user=settings["user"] if own_user else None,
        namespaces=bool(made) or settings["namespaces"] == "inherit",
        folder=settings["folder"],
        mounts_folder=bool(made),
        counted_threads=own_user or (made == "user" and settings["counts_threads"]),
        landlock=landlock.prepare(readable) if landlock.abi() else None,
        drop_capabilities=True,
    )
    job.limit(confinement)
    return confinement


def _import(names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):  # numpy is not everywhere
            importlib.import_module(name)
    if "tempfile" in names:
        vars(sys.modules["tempfile"])["tempdir"] = os.environ["TMPDIR"]  # asking for it would try to write
    if names:
        gc.collect()
        gc.freeze()


def _open_to_all(path: str) -> bool:
    """Whether another user can reach a path."""
    places = [path]
    while places[-1] != "/":
        places.append(os.path.dirname(places[-1]))
    return all(os.stat(place).st_mode & 0o001 for place in places[1:])


def _become_first_process() -> None:
    """Continue in a child, process 1 of the new namespace: when it ends, the kernel ends all others in it."""
    child = os.fork()
    if child:
        os.closerange(0, 256)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    linux.prctl(linux.PR_SET_PDEATHSIG, 9)


def _receive(control: socket.socket) -> tuple[list[str], list[int]] | None:
    """Names of modules and the descriptors; None when nobody is there any more."""
    message, ancillary, _, _ = control.recvmsg(_LONGEST_REQUEST, socket.CMSG_SPACE(4 * _DESCRIPTORS), _CLOSE_ON_EXEC)
    descriptors = array.array("i")
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data)
    return (message.decode().split(), list(descriptors)) if message else None


def _serve(control: socket.socket, request: list[int], confinement: job.Confinement) -> None:
    payload, channel, *requests = request
    child = os.fork()
    if not child:
        try:
            job.main(payload, channel, confinement, *requests)
        finally:
            os._exit(0)
    for descriptor in request:
        os.close(descriptor)
    handle = os.pidfd_open(child)
    try:
        socket.send_fds(control, [b"p"], [handle])
        hung_up = _wait(child, handle, control, confinement)
    finally:
        os.close(handle)
    status = os.waitpid(child, 0)[1]
    if hung_up:
        _leave(confinement)
    if not confinement.mounts_folder:
        folders.empty(confinement.folder)
    control.send(b"%d" % os.waitstatus_to_exitcode(status))


def _wait(child: int, handle: int, control: socket.socket, confinement: job.Confinement) -> bool:
    """Wait until a job has ended, or has to: because of what it wrote, or because nobody waits for it any more.

    Returns:
        Whether nobody does: the control socket was closed.
    """
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    poller.register(control, 0)
    while not (events := dict(poller.poll(None if confinement.mounts_folder else _LOOK))):
        if folders.overfull(confinement.folder, job.FOLDER_MEGABYTES):
            os.kill(child, 9)
    if hung_up := bool(events.get(control.fileno(), 0) & select.POLLHUP):
        os.kill(child, 9)
    return hung_up

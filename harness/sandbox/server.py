"""The fork server: a small process that has imported what programs use, enters the namespaces once and forks jobs.

Started by `backends` as `python -s -S -P` with an empty environment. It holds no tests and no expected outputs. It
reads one byte and two descriptors (the job's file and its pipe) from its control socket, answers with the job's pidfd
and, when the job is over, with its exit status; it ends when the socket does.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import select
import socket
import sys
import tempfile
from typing import Any

from harness.sandbox import job, landlock, linux, namespaces, seccomp

PREIMPORTED = (
    "bisect cmath collections copy ctypes dataclasses datetime decimal enum fractions functools hashlib heapq itertools"
    " json math numbers operator queue random re statistics string textwrap threading time typing unicodedata numpy"
)
PRIVATE_TMP_MEGABYTES = 8
_DESCRIPTORS = 2


def main(settings: dict[str, Any]) -> None:
    """Set up the shared layers and serve until the control socket closes.

    Args:
        settings: `control` (descriptor, or path of a socket), `site` (folders of packages; none for this Python's own),
            `namespaces` (`make`, `inherit` or `none`), `user` (id for jobs, where this is root).
    """
    control = _connect(settings["control"])
    try:
        confinement = _prepare(settings)
    except OSError as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    job.silence()
    control.send(json.dumps({"confinement": confinement._asdict()}).encode())
    gc.collect()
    gc.freeze()
    while request := _receive(control):
        _serve(control, request, confinement)
    os._exit(0)  # there is nothing to put in order


def _connect(control: int | str) -> socket.socket:
    if isinstance(control, int):
        return socket.socket(fileno=control)
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connected.connect(control)
    return connected


def _prepare(settings: dict[str, Any]) -> job.Confinement:
    site = settings["site"] or namespaces.site_packages()
    sys.path.extend(site)
    readable = namespaces.python_paths(site)
    _import()
    seccomp.prepare(linux.MACHINE)
    made = namespaces.enter() if settings["namespaces"] == "make" else ""
    if made:
        _become_first_process()
        namespaces.private_root(readable)
    # Not earlier: a process that cannot be dumped cannot write its own /proc/self/uid_map.
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    root = os.geteuid() == 0 and made != "user" and settings["namespaces"] != "inherit"
    own_user = root and (bool(made) or all(map(_open_to_all, readable)))
    return job.Confinement(
        user=settings["user"] if own_user else None,
        namespaces=bool(made) or settings["namespaces"] == "inherit",
        private_tmp=PRIVATE_TMP_MEGABYTES if made else 0,
        landlock=landlock.abi() > 0,
        drop_capabilities=True,
        readable=tuple(readable),
    )


def _import() -> None:
    for name in PREIMPORTED.split():
        try:
            importlib.import_module(name)
        except ImportError:  # numpy is not everywhere
            continue
    tempfile.tempdir = namespaces.PRIVATE  # asking for it would try to write


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


def _receive(control: socket.socket) -> list[int]:
    _, ancillary, _, _ = control.recvmsg(1, socket.CMSG_SPACE(4 * _DESCRIPTORS), socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data)
    return list(descriptors)


def _serve(control: socket.socket, request: list[int], confinement: job.Confinement) -> None:
    payload, channel = request
    child = os.fork()
    if not child:
        try:
            job.main(payload, channel, confinement)
        finally:
            os._exit(0)
    os.close(payload)
    os.close(channel)
    handle = os.pidfd_open(child)
    try:
        socket.send_fds(control, [b"p"], [handle])
        # A closed control socket means that nobody waits for the job: this process ends, and the job with it.
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        poller.register(control, 0)
        if any(event & select.POLLHUP for descriptor, event in poller.poll() if descriptor == control.fileno()):
            os._exit(0)
    finally:
        os.close(handle)
    control.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

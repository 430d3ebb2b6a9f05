"""Processes that live no longer than the program that started them, however that program ends.

This file is a program, too: `supervised` puts a command under it. It reads its standard input, which ends when its
starter closes it or dies, even by kill -9, and then stops the command's whole process group. Should the supervisor
itself be killed, the kernel stops the command (PR_SET_PDEATHSIG).
A death signal set by the starter would not do: it is sent when the starting *thread* ends, and not to grandchildren.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
GRACE = 15.0
"""Seconds between asking the group to stop and killing it."""


def supervised(command: Sequence[str]) -> list[str]:
    """A command under a supervisor.

    Args:
        command: Program and arguments.

    Returns:
        What to start with a pipe as standard input; closing the pipe stops the command and all its children. The exit
        status is the command's.
    """
    return [*_THIS_FILE, *command]


def guarding(pids: Iterable[int]) -> list[str]:
    """A guard over processes that somebody else started.

    Args:
        pids: The processes.

    Returns:
        What to start with a pipe as standard input; closing the pipe kills the processes.
    """
    return [*_THIS_FILE, "--guard", *map(str, pids)]


_THIS_FILE = (sys.executable, "-P", __file__)
"""-P: the folder of this file is not searched for modules, or `types.py` in it would hide the standard library's."""


def _die_with_supervisor() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def supervise(command: list[str]) -> int:
    """Run a command until it ends or standard input does.

    Args:
        command: Program and arguments; it gets a process group of its own.

    Returns:
        Its exit status, 0 where it was stopped.
    """
    # The supervisor has one thread, so a function between fork and exec is safe.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_supervisor)
    try:
        while child.poll() is None:
            if select.select([sys.stdin], [], [], 0.2)[0] and not os.read(sys.stdin.fileno(), 4096):
                return 0
        return child.returncode
    finally:
        _stop(child)


def guard(pids: list[int]) -> int:
    """Wait until standard input ends, then kill processes that somebody else started.

    Args:
        pids: The processes; held by descriptor, so that a number used anew is never hit.

    Returns:
        0
    """
    held = [os.pidfd_open(pid) for pid in pids]
    while os.read(sys.stdin.fileno(), 4096):
        pass
    for descriptor in held:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    return 0


def descendants(pid: int) -> list[int]:
    """A process's children and theirs, at all depths."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, task.read_text().split())
    return found[1:]


def _stop(child: subprocess.Popen[bytes]) -> None:
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, 5.0)):
        end = time.monotonic() + seconds
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
            while time.monotonic() < end:
                child.poll()
                os.killpg(child.pid, 0)
                time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(guard([int(pid) for pid in sys.argv[2:]]) if sys.argv[1] == "--guard" else supervise(sys.argv[1:]))

"""The few Linux calls that Python's standard library does not wrap."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
from typing import Any

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38

MACHINE = platform.machine()

_NUMBERS = {
    "x86_64": {"pivot_root": 155, "capset": 126, "seccomp": 317},
    "aarch64": {"pivot_root": 41, "capset": 91, "seccomp": 277},
}
_COMMON = {
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}

_libc = ctypes.CDLL(None, use_errno=True) if platform.system() == "Linux" else None


def supported() -> bool:
    """Whether this is Linux on an architecture whose system call numbers are known here."""
    return _libc is not None and MACHINE in _NUMBERS


def counts_by_namespace() -> bool:
    """Whether RLIMIT_NPROC counts the processes of a user in each user namespace apart: since Linux 5.14."""
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    return release is not None and tuple(map(int, release.groups())) >= (5, 14)


def _checked(what: str, result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(name: str, *arguments: Any) -> int:
    """Make a system call by name.

    Args:
        name: One of the few in this module's tables.
        *arguments: Integers, bytes, ctypes buffers and references.

    Returns:
        The call's result.

    Raises:
        OSError: The kernel refused, or has no such call.
    """
    if _libc is None or MACHINE not in _NUMBERS:
        raise OSError(errno.ENOSYS, f"{name}: not Linux on a known architecture")
    number = _COMMON.get(name) or _NUMBERS[MACHINE][name]
    wide = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return _checked(name, _libc.syscall(ctypes.c_long(number), *wide))


def prctl(option: int, value: int) -> None:
    """Set one attribute of this process."""
    if _libc is not None:
        zero = ctypes.c_ulong(0)
        _checked(f"prctl {option}", _libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero))


def unshare(flags: int) -> None:
    """Leave the shared namespaces that `flags` name."""
    if _libc is not None:
        _checked("unshare", _libc.unshare(flags))


def mount(source: str, target: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    """Mount, as mount(2)."""
    if _libc is not None:
        encoded = [os.fsencode(source), os.fsencode(target), kind.encode() if kind else None]
        _checked(f"mount {target}", _libc.mount(*encoded, ctypes.c_ulong(flags), options.encode()))


def unmount_lazily(target: str) -> None:
    """Detach a mount now; it is freed when nothing uses it any more."""
    detach = 2
    if _libc is not None:
        _checked(f"umount {target}", _libc.umount2(os.fsencode(target), detach))


def drop_capabilities() -> None:
    """Give up every capability of this process for good (no new ones come back under no_new_privs)."""
    header = (ctypes.c_uint32 * 2)(0x2008_0522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    syscall("capset", header, (ctypes.c_uint32 * 6)())

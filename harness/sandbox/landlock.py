"""Landlock: this process and its children see the named folders and no other file, no TCP port, no outside signal.

Kernel interface: https://docs.kernel.org/userspace-api/landlock.html. Older kernels know fewer rights (ABI 1: files;
3: truncation; 4: TCP; 6: abstract Unix sockets and signals); the filter in `seccomp` covers what they lack.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from harness.sandbox import linux

READ = 1 << 2 | 1 << 3
"""Read files and list folders."""

_VERSION_FLAG = 1
_PATH_BENEATH = 1
_FILE_RIGHTS = 1 << 1 | 1 << 2 | 1 << 14
_SPECIAL = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11  # character and block devices, sockets, named pipes


def abi() -> int:
    """The kernel's Landlock version; 0 where it has none or it is switched off."""
    try:
        return linux.syscall("landlock_create_ruleset", 0, 0, _VERSION_FLAG)
    except OSError:
        return 0


def _file_rights(version: int) -> int:
    return (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1


def restrict(readable: Iterable[str], writable: Iterable[str] = ()) -> None:
    """Confine this thread for good. `no_new_privs` must be set.

    Args:
        readable: Files and folders that may be read; those that do not exist are passed over.
        writable: Folders where plain files and folders may be made, changed and removed.

    Raises:
        OSError: The kernel has no Landlock or refused.
    """
    version = abi()
    rights = _file_rights(version)
    fields = [rights]
    if version >= 4:
        fields.append(0b11)  # bind and connect TCP
    if version >= 6:
        fields.append(0b11)  # abstract Unix sockets and signals out of this domain
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = linux.syscall("landlock_create_ruleset", attributes, len(attributes), 0)
    for path in readable:
        _allow(ruleset, path, READ)
    for path in writable:
        _allow(ruleset, path, rights & ~_SPECIAL & ~1)
    linux.syscall("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        rights &= _FILE_RIGHTS
    linux.syscall("landlock_add_rule", ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    os.close(handle)

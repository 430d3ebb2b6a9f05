"""Landlock: this process and its children see the named folders and no other file, no TCP port, no outside signal.

Kernel interface: https://docs.kernel.org/userspace-api/landlock.html. Older kernels know fewer rights (ABI 1: files;
3: truncation; 4: TCP; 6: abstract Unix sockets and signals); the filter in `seccomp` covers what they lack.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from typing import NamedTuple

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


class Rules(NamedTuple):
    """What may be read, ready to be put into force by this process's children."""

    version: int
    attributes: bytes
    readable: tuple[bytes, ...]
    """Rules for folders and files that this process has opened and keeps open."""


def prepare(readable: Iterable[str]) -> Rules:
    """Look up paths once for many `restrict`s.

    Args:
        readable: Files and folders that may be read; those that do not exist are passed over.

    Returns:
        Rules with descriptors in them: of use to this process and its children.
    """
    version = abi()
    rights = _file_rights(version)
    fields = [rights]
    if version >= 4:
        fields.append(0b11)  # bind and connect TCP
    if version >= 6:
        fields.append(0b11)  # abstract Unix sockets and signals out of this domain
    rules = tuple(rule for path in readable if (rule := _rule(path, READ)))
    return Rules(version, struct.pack(f"={len(fields)}Q", *fields), rules)


def restrict(rules: Rules, writable: Iterable[str] = ()) -> None:
    """Confine this thread for good. `no_new_privs` must be set.

    Args:
        rules: What may be read.
        writable: Folders where plain files and folders may be made, changed and removed.

    Raises:
        OSError: The kernel has no Landlock or refused.
    """
    ruleset = linux.syscall("landlock_create_ruleset", rules.attributes, len(rules.attributes), 0)
    own = [_rule(path, _file_rights(rules.version) & ~_SPECIAL & ~1) for path in writable]
    for rule in (*rules.readable, *own):
        if rule:
            linux.syscall("landlock_add_rule", ruleset, _PATH_BENEATH, rule, 0)
    linux.syscall("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _rule(path: str, rights: int) -> bytes | None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None
    return struct.pack("=Qi", rights if os.path.isdir(path) else rights & _FILE_RIGHTS, handle)

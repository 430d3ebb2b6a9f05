"""Namespaces: no network, no foreign process, and a root that holds Python's folders read-only and nothing else."""

from __future__ import annotations

import os
import stat
import struct
import sys
import sysconfig
from collections.abc import Iterable

from harness.sandbox import linux

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
PRIVATE = "/tmp"
"""Where a job in namespaces has a few megabytes of its own, if nothing that it must read lies there."""
_ELSEWHERE = "/private"

_ALL = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
_BIND, _RECURSIVE, _PRIVATE_MOUNTS, _NOSUID, _NODEV = 0x1000, 0x4000, 0x40000, 0x2, 0x4
_READ_ONLY_ATTRIBUTES = 0x1 | 0x2  # MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID
_AT_RECURSIVE, _AT_FDCWD = 0x8000, -100


def python_paths(site: Iterable[str]) -> list[str]:
    """What a Python program must be able to read: the standard library, installed packages, shared libraries.

    Args:
        site: Folders of installed packages.

    Returns:
        Existing real paths, none inside another.
    """
    places = [sysconfig.get_path("stdlib"), f"{sys.base_prefix}/lib", *site]
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache"]
    found = dict.fromkeys(os.path.realpath(place) for place in [*places, *system, *DEVICES] if os.path.exists(place))
    return [path for path in found if not any(path.startswith(f"{other}/") for other in found)]


def private_place(paths: Iterable[str]) -> str:
    """Where a job's own folder can be without hiding anything.

    Args:
        paths: What must be readable.

    Returns:
        `/tmp`, or another where Python or the harness lies in `/tmp`.
    """
    return _ELSEWHERE if any(path.startswith(f"{PRIVATE}/") for path in paths) else PRIVATE


def site_packages() -> list[str]:
    """This Python's folders of installed packages."""
    return list(dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]))


def enter() -> str:
    """Move this process, and all children made from now on, into namespaces of their own.

    The caller must fork once for the process namespace to take effect.

    Returns:
        `root` where real root made them, `user` where a user namespace was needed.

    Raises:
        OSError: The kernel or a security module refuses both ways.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        linux.unshare(_ALL)
    except OSError:
        linux.unshare(_ALL | linux.CLONE_NEWUSER)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
        return "user"
    return "root"


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def private_root(paths: Iterable[str], folder: str) -> None:
    """Replace the root by an empty one that shows only `paths`, read-only.

    It is mounted over `/tmp` of this mount namespace, so nothing is left on disk to remove.

    Args:
        paths: Absolute real paths of files and folders.
        folder: Another, empty, for `private_folder`.
    """
    handles = [(path, os.open(path, os.O_PATH)) for path in paths]  # before /tmp is covered: they may lie in it
    linux.mount("none", "/", None, _RECURSIVE | _PRIVATE_MOUNTS)
    linux.mount("tmpfs", PRIVATE, "tmpfs", _NOSUID, "size=1m,mode=755")
    for path, handle in handles:
        _show(path, handle, PRIVATE + path)
    os.makedirs(PRIVATE + folder, 0o755, exist_ok=True)
    _link_system_folders(PRIVATE)
    os.chdir(PRIVATE)
    linux.syscall("pivot_root", b".", b".")
    linux.unmount_lazily(".")
    os.chdir("/")
    _read_only("/", recursive=False)


def _show(path: str, handle: int, place: str) -> None:
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
    linux.mount(f"/proc/self/fd/{handle}", place, None, _BIND | _RECURSIVE)
    os.close(handle)
    if path not in DEVICES:
        _read_only(place, recursive=True)


def _read_only(place: str, *, recursive: bool) -> None:
    attributes = struct.pack("=4Q", _READ_ONLY_ATTRIBUTES, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    linux.syscall("mount_setattr", _AT_FDCWD, os.fsencode(place), flags, attributes, len(attributes))


def _link_system_folders(root: str) -> None:
    """Repeat links such as `/lib -> usr/lib`, which the dynamic loader follows."""
    for name in ("lib", "lib64", "bin"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")


def private_folder(folder: str, megabytes: int) -> None:
    """Give this process alone an empty folder that vanishes with it. Needs the namespace's root."""
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, f"size={megabytes}m,nr_inodes=256,mode=1777")

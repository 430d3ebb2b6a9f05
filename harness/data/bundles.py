"""Benchmark data in one file, carried to a machine without a network."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from harness import machine
from harness.data import datasets, pins
from harness.data.sources import open_zip
from harness.errors import DataError, UsageProblem


def bundle(names: list[str], target: Path) -> list[str]:
    """Write data sets to one zip file that `unbundle` or `fetch(source=...)` reads on another machine.

    Args:
        names: Data sets, with those companions of theirs that are in the cache; all that are there where empty.
        target: The file to write.

    Returns:
        Names of the sets written.

    Raises:
        DataError: A set is missing or damaged, or there is none.
        UsageProblem: The file cannot be written.
    """
    fetched = [data for data in pins.datasets().values() if data.folder.is_dir()]
    wanted = dict.fromkeys(name for asked in names for name in _family(asked))
    chosen = [pins.dataset(name) for name in wanted] or fetched
    if not chosen:
        raise DataError(f"no data set in {machine.cache_root()}", "Fetch one first: harness data fetch bfcl")
    for data in chosen:
        datasets.verify(data.name)
    if target.exists() and not target.is_file():  # a device would be replaced
        raise UsageProblem(f"cannot write {target}: it is not a file", "Name a file in a folder that can be written.")
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for data in chosen:
                for relative in data.files:
                    # Fixed times: the same data gives the same bundle.
                    archive.writestr(_entry(f"{data.name}/{relative}"), (data.folder / relative).read_bytes())
        partial.replace(target)
    except OSError as error:
        raise UsageProblem(f"cannot write {target}: {error}", "Name a file in a folder that can be written.") from error
    finally:
        partial.unlink(missing_ok=True)
    return [data.name for data in chosen]


def _family(name: str) -> list[str]:
    first, *companions = pins.family(name)
    return [first, *(other for other in companions if pins.dataset(other).folder.is_dir())]


def unbundle(source: Path) -> list[str]:
    """Install every data set of a bundle.

    Returns:
        Their names.

    Raises:
        DataError: The file is not a bundle, or its data is not what was pinned.
    """
    with open_zip(source) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    found = [name for name in pins.datasets() if name in tops]
    if not found:
        raise DataError(f"{source} holds no known data set", "Make one with: harness data bundle FILE")
    for name in found:
        datasets.fetch(name, source)
    return found


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry

"""Data sets that are published as many small files: each is fetched at its commit, and those of a folder are packed.

`assets/<data set>.json` says where each pinned file comes from: one `path` of a repository at a `commit`, or a folder
and the `names` in it. Packed JSON Lines hold a line a file (`file`, `sha256` of the original, its lines as `history`),
a packed object the content of each file by its name. Packing is exact, so a pinned sha256 holds for both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data.web import get
from harness.errors import DataError

if TYPE_CHECKING:
    from harness.data.pins import DataSet

RAW = "https://raw.githubusercontent.com/{repository}/{commit}/{path}"
ASSETS = Path(__file__).parents[1] / "assets"
AT_ONCE = 8
"""Connections."""


def is_gathered(data: DataSet) -> bool:
    """Whether a data set is published as many files."""
    return (ASSETS / f"{data.name}.json").is_file()


def gather(data: DataSet, folder: Path) -> Path:
    """Fetch and pack every file.

    Args:
        data: The data set.
        folder: Where to put the pinned files.

    Returns:
        The folder.

    Raises:
        DataError: A file cannot be had, or is not JSON.
    """
    sources = json.loads((ASSETS / f"{data.name}.json").read_text())
    for name, source in sources.items():
        paths = [source["path"] + each for each in source.get("names", [""])]
        urls = [RAW.format(repository=source["repository"], commit=source["commit"], path=path) for path in paths]
        with ThreadPoolExecutor(AT_ONCE, "fetch") as pool:
            contents = list(pool.map(partial(get, data=data), urls))
        (folder / name).write_bytes(_packed(name, source, contents, data))
    return folder


def _packed(name: str, source: Mapping[str, Any], contents: list[bytes], data: DataSet) -> bytes:
    if "names" not in source:
        return contents[0]
    try:
        pairs = zip(source["names"], contents, strict=True)
        return pack_lines(pairs) if name.endswith(".jsonl") else pack_object(pairs)
    except ValueError as error:
        raise DataError(f"{source['repository']}/{source['path']}: a file is not JSON: {error}", data.remedy) from error


def pack_lines(files: Iterable[tuple[str, bytes]]) -> bytes:
    """JSON Lines files as one, a line each, in the order given."""
    rows = (
        {
            "file": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "history": [json.loads(line) for line in content.decode().split("\n") if line.strip()],
        }
        for name, content in files
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def pack_object(files: Iterable[tuple[str, bytes]]) -> bytes:
    """JSON files as one object by name, in the order given."""
    return json.dumps({name: json.loads(content) for name, content in files}, ensure_ascii=False).encode()

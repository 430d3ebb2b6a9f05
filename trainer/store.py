"""Encoded records in files, so that a data set of any size needs little memory and is read by every rank.

FOLDER/about.json     counts of the rows, digests and sizes of the columns
FOLDER/ids.i          token ids of all records, one after the other (and so for each array of a `Record`)
FOLDER/id.text        names of the records, in UTF-8
FOLDER/ends.q         where each record ends, in tokens; FOLDER/id.q, where its name ends, in bytes
FOLDER/think.q        tokens of its think region; FOLDER/result.q, of its result region
"""

from __future__ import annotations

import json
import os
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, TypeVar, overload

import numpy as np

from trainer.losses import RESULT, THINK

ABOUT = "about.json"
COUNTED = {"think": THINK, "result": RESULT}
CHUNK = 2**24
"""Bytes that are checked at a time."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Record:
    """One reply to learn, with the conversation before it."""

    id: str
    ids: array[int]
    regions: array[int]
    """0, `THINK` or `RESULT` for each token."""
    weight: float = 1.0
    """Of its loss."""

    def __len__(self) -> int:
        return len(self.ids)


class Damaged(ValueError):
    """A folder that does not hold what it says."""


def write(folder: Path, records: Iterable[Record], about: Mapping[str, Any], counts: Counter[str]) -> None:
    """Write records as they come.

    Args:
        folder: New folder.
        records: None of them is kept in memory.
        about: Goes into `about.json`.
        counts: Of rows; read when the last record has come, because reading the rows is what counts them.
    """
    folder.mkdir(parents=True)
    columns: dict[str, IO[bytes]] = {}
    ends = {"ends": 0, "id": 0}

    def put(name: str, data: bytes) -> None:
        if name not in columns:
            columns[name] = (folder / name).open("wb")
        columns[name].write(data)

    for record in records:
        ends["ends"] += len(record)
        for field in fields(Record):
            value = getattr(record, field.name)
            if isinstance(value, str):
                data = value.encode()
                ends[field.name] += len(data)
                put(f"{field.name}.text", data)
            elif isinstance(value, array):
                put(f"{field.name}.{value.typecode}", value.tobytes())
            else:
                put(f"{field.name}.d", array("d", [value]).tobytes())
        for name, end in ends.items():
            put(f"{name}.q", array("q", [end]).tobytes())
        for name, region in COUNTED.items():
            put(f"{name}.q", array("q", [record.regions.count(region)]).tobytes())
    for file in columns.values():
        file.flush()
        os.fsync(file.fileno())
        file.close()
    sums = {name: _checksum(folder / name) for name in sorted(columns)}
    text = json.dumps({**about, "counts": counts, "columns": sums}, indent=1)
    (folder / ABOUT).write_text(text, "utf-8")


def _checksum(path: Path) -> list[int]:
    """Size and CRC-32 of a file."""
    crc, size = 0, 0
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            crc, size = zlib.crc32(part, crc), size + len(part)
    return [size, crc]


class Shard(Sequence[Record]):
    """The records of one folder, each read when it is asked for.

    Args:
        folder: As `write` left it.

    Raises:
        Damaged: It is not.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.about: dict[str, Any] = json.loads((folder / ABOUT).read_bytes())
            sums = {name: _checksum(folder / name) for name in self.about["columns"]}
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise Damaged(f"{folder}: {problem}") from None
        if sums != self.about["columns"]:
            wrong = next(name for name in sums if sums[name] != self.about["columns"][name])
            raise Damaged(f"{folder / wrong} is not what was written")
        self.folder = folder
        self.numbers = {path.stem: np.fromfile(path, np.int64) for path in sorted(folder.glob("*.q"))}
        self._open: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.numbers["ends"]) if self.numbers else 0

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        start, end = self._bounds("ends", index)
        values: dict[str, Any] = {}
        for name in self.about["columns"]:
            field, _, code = name.rpartition(".")
            if code == "text":
                values[field] = self._bytes(name, *self._bounds(field, index)).decode()
            elif code == "d":
                values[field] = array("d", self._bytes(name, 8 * index, 8 * index + 8))[0]
            elif code != "q":
                size = array(code).itemsize
                values[field] = array(code, self._bytes(name, size * start, size * end))
        return Record(**values)

    def _bounds(self, name: str, index: int) -> tuple[int, int]:
        ends = self.numbers[name]
        return int(ends[index - 1]) if index else 0, int(ends[index])

    def _bytes(self, name: str, start: int, end: int) -> bytes:
        if name not in self._open:
            self._open[name] = os.open(self.folder / name, os.O_RDONLY)
        return os.pread(self._open[name], end - start, start)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}}

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        for number in getattr(self, "_open", {}).values():  # `os` may be gone when the interpreter ends
            close(number)


class Picked(Sequence[Item]):
    """Items of several sequences, by a list of picks: which ones, in which order, and how often.

    Args:
        parts: Their items are numbered through.
        picks: Numbers of items.
    """

    def __init__(self, parts: Sequence[Sequence[Item]], picks: np.ndarray) -> None:
        self.parts, self.picks = parts, picks
        self._starts = np.cumsum([0, *map(len, parts)])

    def __len__(self) -> int:
        return len(self.picks)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Picked[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Picked[Item]:
        if isinstance(index, slice):
            return Picked(self.parts, self.picks[index])
        number = int(self.picks[index])
        part = int(np.searchsorted(self._starts, number, "right")) - 1
        return self.parts[part][number - int(self._starts[part])]


def lengths(items: Sequence[Any]) -> np.ndarray:
    """Tokens of each item, shape (items,); of stored records without reading them."""
    return _numbers(items, lambda shard: np.diff(shard.numbers["ends"], prepend=0), len)


def names(items: Sequence[Any]) -> list[str]:
    """The name of each item; of stored records without reading the rest of them."""
    if isinstance(items, Shard):
        text = (items.folder / "id.text").read_bytes()
        ends = items.numbers["id"].tolist()
        return [text[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
    if isinstance(items, Picked):
        known = [name for part in items.parts for name in names(part)]
        return [known[pick] for pick in items.picks.tolist()]
    return [item.id for item in items]


def tokens(records: Sequence[Record]) -> dict[str, int]:
    """Tokens of records by region."""
    sums = {name: int(_counted(records, name).sum()) for name in COUNTED}
    return {"prompt": int(lengths(records).sum()) - sum(sums.values()), **sums}


def _counted(records: Sequence[Record], name: str) -> np.ndarray:
    return _numbers(records, lambda shard: shard.numbers[name], lambda record: record.regions.count(COUNTED[name]))


def _numbers(items: Sequence[Any], stored: Callable[[Shard], np.ndarray], one: Callable[[Any], int]) -> np.ndarray:
    if isinstance(items, Shard):
        return stored(items)
    if isinstance(items, Picked):
        return np.concatenate([_numbers(part, stored, one) for part in items.parts])[items.picks]
    return np.fromiter(map(one, items), np.int64, len(items))

"""What the tokenizer made of data sets, kept so that a resume, another rank and the next run do not make it again.

A data set is encoded once under a key: digests of the file, of the tokenizer and its chat template, of the handler and
of the code that reads and writes, and every setting that decides what records are. The process that comes first encodes
it, a batch at a time, into a folder that appears when it is whole; others wait for it. A folder that is damaged is made
again. Hub ids and pipes, whose content has no digest, and `none` use a folder of this process that goes with it.
"""

from __future__ import annotations

import atexit
import inspect
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
from filelock import FileLock

import harness
from harness import machine
from harness.data import examples
from harness.errors import DataError
from harness.results.provenance import digest
from trainer import store
from trainer.data import Corpus, Encoder
from trainer.store import Record

KEEP_DAYS = 30
"""A data set that no run has used for so long is deleted by the next one that is written."""
LARGE = 2**25
"""Bytes of a file from which several processes encode it: starting them takes seconds."""
MOST_WORKERS = 16
TOLD_EVERY = 10.0
"""Seconds between lines that tell how far the encoding is."""
_CODE = (
    *("harness/data", "harness/handlers", "harness/benchmarks/bfcl", "harness/chat.py", "harness/text.py"),
    *("harness/types.py", "trainer/data.py", "trainer/shown.py"),
)


def place(setting: str) -> Path | None:
    """The folder that `--data-cache` means.

    Args:
        setting: `auto`, `none` or a folder.

    Returns:
        The folder; None where nothing is to be kept.
    """
    if setting == "none":
        return None
    return machine.cache_root() / "training-data" if setting == "auto" else Path(setting).expanduser()


class Cache:
    """Encodes data sets that are not there yet.

    Args:
        folder: Where they are kept; None keeps nothing.
        encoder: Encodes them.
        workers: Processes that encode; 0 for one a processor where a file is large.
    """

    def __init__(self, folder: Path | None, encoder: Encoder, workers: int = 0) -> None:
        self.folder, self.encoder, self._workers = folder, encoder, workers

    def corpus(self, source: str, form: str = "auto", limit: int | None = None) -> Corpus:
        """A data set, encoded now or before.

        Args:
            source: As `harness.data.examples.read` takes it.
            form: Its format.
            limit: Rows to read at most.

        Returns:
            Records that are read from the disk when they are asked for, and the counts of all rows.

        Raises:
            DataError: No row can be trained on, or the folder cannot be written.
        """
        sha256 = examples.sha256(source)

        def make(at: Path) -> None:
            counts: Counter[str] = Counter()
            records = _told(source, self.encoder.stream(source, form, limit, counts, self.workers(source)))
            store.write(at, records, {"source": source, "sha256": sha256}, counts)

        if self.folder is None or not Path(source).is_file():
            found = Path(tempfile.mkdtemp(prefix="trainer-data-")) / "data"
            atexit.register(shutil.rmtree, found.parent, ignore_errors=True)
            make(found)
            shard = store.Shard(found)
        else:
            shard = _kept(self.folder / self._key(sha256, form, limit), make)
        return Corpus(shard, Counter(shard.about["counts"]), sha256)

    def workers(self, source: str) -> int:
        """How many processes encode a data set."""
        large = Path(source).is_file() and Path(source).stat().st_size >= LARGE
        return self._workers or (min(machine.cores(), MOST_WORKERS) if large else 1)

    def _key(self, sha256: str, form: str, limit: int | None) -> str:
        encoder = self.encoder
        kind = type(encoder.handler)
        settings = {name: getattr(encoder, name) for name in ("max_length", "overlong", "turns", "positions", "end")}
        asked = {"data": sha256, "form": form, "limit": limit, "reading": encoder.reading, **settings}
        of_handler = [Path(inspect.getfile(kind)).read_text("utf-8"), _described(encoder.handler)]
        versions = [machine.version(name) for name in ("transformers", "tokenizers", "jinja2", "funreason-harness")]
        return digest([asked, of_handler, versions, _code(), _tokenizer(encoder.tokenizer)])[:32]


def _kept(folder: Path, make: Callable[[Path], None]) -> store.Shard:
    """Open a folder of the cache; make it where it is missing or damaged."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            with suppress(store.Damaged):
                if folder.exists():
                    folder.touch()
                    return store.Shard(folder)
            shutil.rmtree(folder, ignore_errors=True)
            _forget(folder.parent)
            fresh = folder.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            make(fresh)
            fresh.rename(folder)
        return store.Shard(folder)
    except OSError as problem:
        remedy = "Name another folder by --data-cache or HARNESS_CACHE, or give --data-cache none."
        raise DataError(f"cannot keep the encoded data in {folder.parent}: {problem}", remedy) from problem


def _forget(cache: Path) -> None:
    """Delete what has not been used for long."""
    for old in cache.iterdir():
        if old.is_dir() and time.time() - old.stat().st_mtime > KEEP_DAYS * 86400:
            shutil.rmtree(old, ignore_errors=True)


def _told(source: str, records: Iterable[Record]) -> Iterator[Record]:
    """Records, with a line every now and then that tells how many there are."""
    start = last = time.monotonic()
    for number, record in enumerate(records, 1):
        yield record
        if time.monotonic() - last > TOLD_EVERY:
            last = time.monotonic()
            click.echo(f"encoding {source}: {number} records, {number / (last - start):.0f} a second", err=True)


@cache
def _code() -> str:
    """Digest of the code that decides what records are."""
    places = [Path(harness.__file__).parents[1] / part for part in _CODE]
    files = [path for at in places for path in ([at] if at.suffix else sorted(at.rglob("*.py")))]
    return digest([path.read_text("utf-8") for path in files])


def _described(value: Any) -> Any:
    """An object by its class and fields, whatever it is; what has none by its text."""
    own = fields(value) if is_dataclass(value) and not isinstance(value, type) else ()
    named = {each.name: _described(getattr(value, each.name)) for each in own} or {
        name: _described(field) for name, field in getattr(value, "__dict__", {}).items()
    }
    return (
        [type(value).__module__, type(value).__qualname__, named] if named else repr(value).partition(" object at ")[0]
    )


def _tokenizer(tokenizer: Any) -> str:
    whole = tokenizer.backend_tokenizer.to_str() if hasattr(tokenizer, "backend_tokenizer") else repr(tokenizer)
    return digest([whole, tokenizer.chat_template, tokenizer.special_tokens_map])

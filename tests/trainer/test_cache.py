"""Encoded data is kept: it is what encoding anew gives, is made once, and is made again where it is damaged."""

from __future__ import annotations

import dataclasses
import shutil
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness import plugins
from harness.errors import DataError
from tests.tinymodels import tiny_tokenizer
from tests.trainer.worlds import rows, write
from trainer import data, store
from trainer.cache import Cache, place
from trainer.data import Encoder
from trainer.mix import mix

TOKENIZER = tiny_tokenizer()


def _encoder(**settings: Any) -> Encoder:
    handler = settings.pop("handler", plugins.load("handlers", "funreason"))
    return Encoder(settings.pop("tokenizer", TOKENIZER), handler, **settings)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "data.jsonl", [*rows(20), {"messages": 3}, {"id": "ü", **rows(1)[0], "think": None}])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Data sets in the order in which they were encoded."""
    names: list[str] = []
    stream = Encoder.stream

    def counted(self: Encoder, source: Any, *rest: Any) -> Any:
        names.append(Path(source).name)
        return stream(self, source, *rest)

    monkeypatch.setattr(Encoder, "stream", counted)
    return names


def _same(first: data.Corpus, second: data.Corpus) -> bool:
    one, two = ((list(each.records), each.counts, each.tokens, each.sha256) for each in (first, second))
    return one == two


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_kept_is_what_was_encoded(tmp_path, source, workers):
    plain = _encoder().corpus(source)
    kept = Cache(tmp_path / "cache", _encoder(), workers)
    for _ in range(2):
        found = kept.corpus(str(source))
        assert _same(found, plain)
        assert store.lengths(found.records).tolist() == list(map(len, plain.records))
        assert list(found.records[3:5]) == plain.records[3:5]
        assert found.records[-1] == plain.records[-1]
    mixed = [mix([("a", 2.5, corpus), ("b", 1.0, corpus)], seed=1) for corpus in (plain, found)]
    assert _same(*mixed)
    assert len(mixed[0].records) == len(plain.records) * 3 + round(len(plain.records) / 2)
    with pytest.raises(IndexError):
        found.records[len(found.records)]


def test_data_is_encoded_once_however_many_processes_want_it(tmp_path, source, made):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: Cache(tmp_path / "cache", _encoder()).corpus(str(source)), range(4)))
    assert made == ["data.jsonl"]
    assert all(_same(each, found[0]) for each in found)


def test_whatever_decides_what_records_are_is_part_of_the_key(tmp_path, source, made):
    def take(limit: int | None = None, **settings: Any) -> None:
        Cache(tmp_path / "cache", _encoder(**settings)).corpus(str(source), "auto", limit)

    other = tiny_tokenizer()
    other.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    for settings in (
        {},
        {"limit": 5},
        {"max_length": 100},
        {"max_length": 100, "overlong": "truncate"},
        {"turns": "last"},
        {"positions": 64},
        {"reading": {"roles": {"x": "user"}}},
        {"handler": plugins.load("handlers", "prompt")},
        {"tokenizer": other},
    ):
        before = len(made)
        take(**dict(settings))
        take(**dict(settings))
        assert len(made) == before + 1, settings
    before = len(made)
    source.write_text(source.read_text().replace("sun", "fog"))
    take()
    assert len(made) == before + 1


@pytest.mark.parametrize("damage", ["a shorter column", "another byte", "no column", "no about", "half an about"])
def test_what_is_damaged_is_made_again(tmp_path, source, made, damage):
    kept = Cache(tmp_path / "cache", _encoder())
    plain = kept.corpus(str(source))
    before = list(plain.records)
    (folder,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    ids, about = folder / "ids.i", folder / store.ABOUT
    content = ids.read_bytes()
    if damage == "a shorter column":
        ids.write_bytes(content[:-4])
    elif damage == "another byte":
        ids.write_bytes(content[:8] + bytes([content[8] ^ 1]) + content[9:])
    elif damage == "no column":
        ids.unlink()
    elif damage == "no about":
        about.unlink()
    else:
        about.write_bytes(about.read_bytes()[:40])
    assert list(kept.corpus(str(source)).records) == before
    assert made == ["data.jsonl"] * 2


def test_what_a_kill_left_half_written_is_made_again(tmp_path, source, made, monkeypatch):
    kept = Cache(tmp_path / "cache", _encoder())
    write_all = store.write

    def killed(folder: Path, *rest: Any) -> None:
        write_all(folder, *rest)
        (folder / store.ABOUT).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            kept.corpus(str(source))
    assert _same(kept.corpus(str(source)), _encoder().corpus(source))
    assert not list((tmp_path / "cache").glob("*.new"))


def test_a_cache_that_cannot_be_written_is_named(tmp_path, source):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot keep"):
        Cache(tmp_path / "file" / "below", _encoder()).corpus(str(source))
    assert place("none") is None
    assert _same(Cache(None, _encoder()).corpus(str(source)), _encoder().corpus(source))


def test_rows_without_a_record_are_told_and_not_kept(tmp_path):
    source = write(tmp_path / "data.jsonl", [{"messages": 3}])
    with pytest.raises(DataError, match="no row can be trained on"):
        Cache(tmp_path / "cache", _encoder()).corpus(str(source))


def test_memory_does_not_grow_with_the_data(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "BATCH", 16)
    peaks = []
    for count in (32, 320):
        source = write(tmp_path / f"{count}.jsonl", rows(count))
        tracemalloc.start()
        counts: Counter[str] = Counter()
        store.write(tmp_path / str(count), _encoder().stream(source, "auto", None, counts), {}, counts)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        shutil.rmtree(tmp_path / str(count))
    assert peaks[1] < 1.5 * peaks[0]


def test_every_field_of_a_record_is_kept(tmp_path):
    names = {field.name for field in dataclasses.fields(data.Record)}
    (record,) = _encoder().corpus(write(tmp_path / "data.jsonl", rows(1))).records
    store.write(tmp_path / "kept", [record], {}, Counter())
    assert {path.stem for path in (tmp_path / "kept").iterdir()} >= names
    assert store.Shard(tmp_path / "kept")[0] == record

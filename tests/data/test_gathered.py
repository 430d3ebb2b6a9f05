"""A data set of many files: fetched at its commit, packed exactly, and compared with what is pinned."""

from __future__ import annotations

import gzip
import hashlib
import json
import urllib.request
from pathlib import Path

import pytest

from harness.data import datasets, gathered, pins, web
from harness.errors import DataError

HISTORY = [{"role": "User", "text": "é"}, {"role": "AI", "text": "x"}]
SOURCES = json.loads((gathered.ASSETS / "apibank.json").read_text())


def test_lines_are_packed_with_their_own_digest() -> None:
    content = b'{"role": "User", "text": "\\u00e9"}\n\n{"role":"AI","text":"x"}'
    packed = gathered.pack_lines([("a.jsonl", content), ("b.jsonl", b"")])
    first, second = map(json.loads, packed.decode().splitlines())
    assert first == {"file": "a.jsonl", "sha256": hashlib.sha256(content).hexdigest(), "history": HISTORY}
    assert second == {"file": "b.jsonl", "sha256": hashlib.sha256(b"").hexdigest(), "history": []}
    assert "é" in packed.decode()


def test_objects_are_packed_by_name() -> None:
    assert (
        gathered.pack_object([("B.json", b'{"x": 1.50}'), ("A.json", b"[]")]) == b'{"B.json": {"x": 1.5}, "A.json": []}'
    )


def test_every_pinned_file_has_a_source_at_a_commit() -> None:
    assert set(SOURCES) == set(pins.dataset("apibank").files)
    assert all(len(source["commit"]) == 40 for source in SOURCES.values())


def original(packed: dict) -> bytes:
    """The published file of a packed line: its digest says which of the usual ways it was written in."""
    for ascii_only in (False, True):
        text = "\n".join(json.dumps(line, ensure_ascii=ascii_only) for line in packed["history"])
        for content in (text.encode(), f"{text}\n".encode()):
            if hashlib.sha256(content).hexdigest() == packed["sha256"]:
                return content
    raise AssertionError(packed["file"])


@pytest.fixture
def published(shared_data: Path) -> dict[str, bytes]:
    """What the public repositories serve, by address, made of the shared copy."""
    folder = shared_data / "apibank"
    if not folder.is_dir():
        pytest.skip(f"no API-Bank data in {folder}")
    found = {}
    for name, source in SOURCES.items():
        content = gzip.decompress((folder / f"{name}.gz").read_bytes())
        base = gathered.RAW.format(**{"path": source["path"], **source})
        if "names" not in source:
            found[base] = content
        elif name.endswith(".jsonl"):
            found |= {base + row["file"]: original(row) for row in map(json.loads, content.decode().splitlines())}
        else:
            found |= {base + key: json.dumps(value).encode() for key, value in json.loads(content).items()}
    return found


class Answer:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, limit: int) -> bytes:
        return self.content[:limit]

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def serve(monkeypatch: pytest.MonkeyPatch, found: dict[str, bytes]) -> list[str]:
    asked: list[str] = []

    def opened(url: str, timeout: float) -> Answer:
        asked.append(url)
        if url not in found:
            raise OSError("HTTP Error 404: Not Found")
        return Answer(found[url])

    monkeypatch.setattr(urllib.request, "urlopen", opened)
    return asked


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    for name in ("HARNESS_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_fetched_is_what_is_pinned(monkeypatch: pytest.MonkeyPatch, published: dict[str, bytes]) -> None:
    asked = serve(monkeypatch, published)
    datasets.fetch("apibank")
    assert datasets.verify("apibank") == 14
    assert sorted(asked) == sorted(published)
    assert len(asked) == 8 + 264 + 19 + 3
    datasets.fetch("apibank")
    assert len(asked) == len(published), "what is there is not fetched again"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "could not download"),
        (b"<html>", "is not JSON"),
        (b'{"role": "User", "text": "changed"}', "is not that of apibank"),
        (b"x" * (2**22 + 1), "larger than any known data set"),
    ],
)
def test_what_is_not_as_pinned_is_refused(
    monkeypatch: pytest.MonkeyPatch, published: dict[str, bytes], change: bytes | None, message: str
) -> None:
    url = next(url for url in published if "level-1-given-desc/AddAgenda" in url)
    if change is None:
        del published[url]
    else:
        published[url] = change
    monkeypatch.setattr(web, "LARGEST", 2**22)
    serve(monkeypatch, published)
    with pytest.raises(DataError, match=message) as error:
        datasets.fetch("apibank")
    assert "harness data add apibank" in str(error.value)
    assert not pins.dataset("apibank").folder.exists()


def test_the_network_can_be_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, {})
    with pytest.raises(DataError, match="forbidden"):
        datasets.fetch("apibank", offline=True)
    assert asked == []


def test_a_local_copy_is_added_with_or_without_gzip(tmp_path: Path, shared_data: Path) -> None:
    source = shared_data / "apibank"
    if not source.is_dir():
        pytest.skip(f"no API-Bank data in {source}")
    datasets.fetch("apibank", source, offline=True)
    plain = tmp_path / "plain"
    plain.mkdir()
    for name in SOURCES:
        (plain / name).write_bytes(gzip.decompress((source / f"{name}.gz").read_bytes()))
    folder = pins.dataset("apibank").folder
    folder.rename(tmp_path / "away")
    assert datasets.fetch("apibank", plain, offline=True) == folder
    (plain / "level-3.json").unlink()
    folder.rename(tmp_path / "away2")
    with pytest.raises(DataError, match=r"lacks level-3\.json"):
        datasets.fetch("apibank", plain, offline=True)

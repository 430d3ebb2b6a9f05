import hashlib
import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from harness.benchmarks.bfcl import data
from harness.cli import main
from harness.data import datasets, pins


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and no way to the network."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "cache"


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only data set: one file with two lines."""
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"{}\n{}\n")
    pin = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(pins, "datasets", lambda: {"lines": pins.DataSet("lines", "1", pin, {file.name: pin})})
    return file


def harness(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["harness", "data", *map(str, words)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_way_from_one_machine_to_another(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle.zip"
    assert harness(monkeypatch, "add", "lines", lines) == 0
    assert harness(monkeypatch, "bundle", bundle) == 0
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "elsewhere"))
    assert harness(monkeypatch, "path", "lines") == 4
    assert harness(monkeypatch, "unbundle", bundle) == 0
    capsys.readouterr()
    assert harness(monkeypatch, "path", "lines", "--json") == 0
    assert Path(json.loads(capsys.readouterr().out)["lines"]).read_bytes() == lines.read_bytes()
    assert harness(monkeypatch, "fetch", "lines", "--from", bundle, "--offline") == 0
    assert harness(monkeypatch, "verify") == 0


def test_the_list_says_what_is_ready(
    lines: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def state() -> str:
        assert harness(monkeypatch, "list", "--json") == 0
        row: dict[str, str] = json.loads(capsys.readouterr().out)["lines"]
        return row["state"]

    assert state().startswith("missing")
    assert harness(monkeypatch, "add", "lines", lines) == 0
    capsys.readouterr()
    assert state() == "ready"
    datasets.path("lines").write_bytes(b"")
    assert state().startswith("damaged")
    assert harness(monkeypatch, "list") == 0


@pytest.mark.parametrize("words", [("fetch",), ("fetch", "lines"), ("path", "lines"), ("verify",), ("bundle", "b.zip")])
def test_missing_data_is_exit_4_with_a_remedy(
    lines: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert harness(monkeypatch, *words) == 4
    assert "harness data fetch" in capsys.readouterr().err


def test_damage_is_exit_4_and_names_the_file(
    lines: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    harness(monkeypatch, "add", "lines", lines)
    datasets.path("lines").write_bytes(b"?")
    for words in (("verify",), ("path", "lines"), ("bundle", "b.zip")):
        assert harness(monkeypatch, *words) == 4
        assert "lines.jsonl" in capsys.readouterr().err


def test_an_unsafe_bundle_is_exit_4(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("lines/../../escaped", "x")
    assert harness(monkeypatch, "unbundle", tmp_path / "bad.zip") == 4
    assert not (tmp_path.parent / "escaped").exists()


def test_a_misspelt_name_is_exit_2(
    lines: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert harness(monkeypatch, "path", "lnies") == 2
    assert "lines" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["delete", "truncate"])
def test_a_run_on_damaged_questions_is_exit_4_and_names_the_file(
    bfcl_data: Path, cache: Path, damage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = pins.dataset("bfcl").folder
    shutil.copytree(bfcl_data, root)
    questions = root / "bfcl_eval" / "data" / "BFCL_v4_simple_python.json"
    if damage == "delete":
        questions.unlink()
    else:
        questions.write_bytes(questions.read_bytes()[:-100])
    data.questions.cache_clear()
    words = [
        "harness",
        "run",
        "--model",
        "x",
        "--engine",
        "scripted",
        "--tasks",
        "simple_python",
        "--output",
        str(cache),
    ]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 4
    said = capsys.readouterr().err
    assert "BFCL_v4_simple_python.json" in said
    assert "harness data fetch bfcl" in said

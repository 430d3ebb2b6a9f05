"""`trainer export`: the converter is found, called and believed. A script stands for llama.cpp's, which is not here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.errors import RunIncomplete, UsageProblem
from tests.trainer.worlds import config
from trainer.cli import cli
from trainer.gguf import CONVERTER, find_converter
from trainer.run import train

SCRIPT = """
import json, sys
from pathlib import Path
folder, _, outfile, _, outtype = sys.argv[1:]
if outtype == "q9":
    sys.exit("no such type")
names = sorted(path.name for path in Path(folder).iterdir())
Path(outfile).write_text(json.dumps({"names": names, "outtype": outtype}))
"""


@pytest.fixture
def converter(tmp_path: Path) -> Path:
    path = tmp_path / CONVERTER
    path.write_text(SCRIPT)
    path.chmod(0o755)
    return path


def _export(*words: object) -> None:
    cli.main(["export", *map(str, words)], standalone_mode=False)


@pytest.mark.parametrize("peft", [False, True])
def test_an_adapter_is_merged_first(tmp_path, converter, peft):
    trained = train(config(tmp_path, max_steps=1, use_peft=peft))
    _export(trained, "--gguf", tmp_path / "m.gguf", "--converter", converter, "--outtype", "f16")
    told = json.loads((tmp_path / "m.gguf").read_text())
    assert told["outtype"] == "f16"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(told["names"])
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".gguf")]
    with pytest.raises(UsageProblem, match="already"):
        _export(trained, "--gguf", tmp_path / "m.gguf", "--converter", converter)


def test_a_converter_that_fails_or_is_missing_is_named(tmp_path, converter, monkeypatch):
    model = config(tmp_path).model
    with pytest.raises(RunIncomplete, match="no such type"):
        _export(model, "--gguf", tmp_path / "m.gguf", "--converter", converter, "--outtype", "q9")
    assert not (tmp_path / "m.gguf").exists()
    with pytest.raises(UsageProblem, match="not a file"):
        find_converter(tmp_path / "other.py")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(UsageProblem, match="not on PATH"):
        find_converter(None)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + "/usr/bin")
    assert find_converter(None) == converter

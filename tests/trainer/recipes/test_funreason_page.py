"""Every command of the page that reproduces FunReason's tables: parsed as it stands, and run with a tiny model.

The page's shell blocks run in bash with stand-ins for the programs that write down their arguments, so that variables
and loops count. The model, the data and the results have the page's own names in a folder of their own; what a machine
without GPUs cannot offer is replaced: eight processes by two, a vLLM server by transformers or a loopback judge.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import refine.cli
import trainer.cli
from harness.models import TINY
from refine.export import export
from tests import commandlines
from tests.benchmarks.evalplus.conftest import evalplus_files  # noqa: F401 - a fixture
from tests.commandlines import PROGRAMS, parse
from tests.refine.test_loop import knowing, source_set
from tests.servers import loopback
from tests.test_readme import blocks
from trainer.config import RECIPES

PAGE = RECIPES / "README.md"
MODELS = ("Qwen/Qwen2.5-Coder-7B-Instruct", "sft", "msl", "srml/round-1/model")
SMALL = {
    "HARNESS_RUN_LIMIT": "1",
    "HARNESS_RUN_MAX_TOKENS": "64",
    "HARNESS_RUN_QUIET": "1",
    "TRAINER_RUN_MAX_STEPS": "1",
    "TRAINER_RUN_USE_CPU": "1",
    "PET_STANDALONE": "1",
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Words of each command of the page, in order, as the programs get them."""
    script = "\n".join(block.text for block in blocks(PAGE) if block.language == "sh")
    return commandlines.of(script, tmp_path_factory.mktemp("page"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the page's names stand for small things."""
    base, data = tmp_path / MODELS[0], tmp_path / "Salesforce" / "xlam-function-calling-60k"
    for path in (base, data):
        path.parent.mkdir()
    base.symlink_to(TINY)
    export(source_set(4, seed=1), "xlam", data)
    for block in blocks(PAGE):
        if block.what == "file":
            (tmp_path / block.value).write_text(block.text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_is_parsed_with_its_real_flags(lines, world):
    (world / "source.jsonl").touch()
    for run in ("base", "sft", "srml"):
        (world / "results" / run).mkdir(parents=True)
    assert {line[0] for line in lines} == {*PROGRAMS, "torchrun", "pip"}
    for line in lines:
        if line[0] != "pip":
            parse(line)


def test_every_command_of_a_round_is_parsed_with_its_real_flags(lines, world, capsys):
    (world / "source.jsonl").touch()
    (loop,) = (line for line in lines if line[:2] == ["refine", "loop"])
    refine.cli.cli([*loop[1:], "--dry-run"], standalone_mode=False)
    programs = []
    for line in capsys.readouterr().out.splitlines():
        words = [word for word in shlex.split(line, comments=True) if not word.startswith("HARNESS_EXAMPLES=")]
        if words:
            words = words if words[0] == "torchrun" else [words[2].partition(".")[0], *words[3:]]
            programs.append(words[0])
            parse(words)
    assert programs == ["harness", "refine", "torchrun"]


def small(words: list[str], judge: str) -> list[str]:
    """The same command for a machine without GPUs; strings of further flags are rewritten like the command."""
    made = []
    rest = iter(words)
    for word in rest:
        if " " in word:
            made.append(shlex.join(small(shlex.split(word), judge)))
        elif word in ("--judge-args", "--model-args", "--dtype"):
            next(rest)
        elif word == "vllm_server":
            made += ["openai", "--judge-base-url", judge] if made[-1] == "--judge-engine" else ["hf"]
        else:
            made.append("2" if made and made[-1] == "--nproc-per-node" else word)
    return made


@contextmanager
def programs_on_the_path(monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name, value in (SMALL | files).items():
            patch.setenv(name, value)
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        yield


@pytest.mark.slow
def test_every_command_runs_at_a_small_scale(lines, world, bfcl_data, evalplus_files, monkeypatch, capfd):  # noqa: F811
    pytest.importorskip("evalplus", reason="evalplus is an extra")
    codes = {}
    with loopback(knowing(source_set(4, seed=1))) as server, programs_on_the_path(monkeypatch, evalplus_files):
        for line in lines:
            if line[0] == "pip" or line[1] in ("data", "doctor"):
                continue
            words = small(line, server.url)
            if words[0] == "torchrun" and "sft" in words:  # once over two processes is enough
                trainer.cli.cli([*words[words.index("run") :], "--no-fsdp"], standalone_mode=False)
            elif words[0] == "torchrun":
                done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
                assert done.returncode == 0, f"{words}\n{done.stderr[-3000:]}"
            else:
                codes[" ".join(words[:2])] = PROGRAMS[words[0]](words[1:], standalone_mode=False)
    assert {name: code for name, code in codes.items() if code} in ({}, {"harness gate": 1})
    about = {name: json.loads((world / name / "train.json").read_text()) for name in MODELS[1:]}
    assert [each["config"]["loss"] for each in about.values()] == ["sft", "msl", "msl"]
    assert about["sft"]["data"] == about["msl"]["data"], "the loss is the only difference"
    kept = [json.loads(line) for line in (world / "refined" / "kept.jsonl").read_text().splitlines()]
    assert [bool(example["think"]) for example in kept] == [True] * 4, "the judge wrote what xLAM lacks"
    assert [each["ranks"] for each in about.values() if each["sharded"]] == [2, 2]
    table = (world / "board" / "leaderboard.md").read_text()
    assert all(table.count(f"{model} †") == 2 for model in MODELS), "a row in each of the two tables"

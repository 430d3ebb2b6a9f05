"""The front page's larger jobs, whose commands need GPUs there: run here in order with the embedded model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import trainer.cli
from harness.models import TINY
from tests import commandlines
from tests.bench import estimates
from tests.benchmarks.evalplus.conftest import evalplus_files  # noqa: F401 - a fixture
from tests.refine.test_loop import source_set, written
from tests.test_readme import ROOT, blocks
from tests.trainer.recipes.test_funreason_page import programs_on_the_path

MEASURE, REPRODUCE = "Measure my checkpoint", "Reproduce FunReason"
BASE = "Qwen/Qwen2.5-Coder-7B-Instruct"
HERE = {"vllm": "hf", "3": "1"}
"""Words of the page that stand for more than this machine has."""


def commands(heading: str, folder: Path) -> list[list[str]]:
    """The commands below a heading of the front page."""
    page = ROOT / "README.md"
    first = page.read_text().partition(f"\n## {heading}\n")[0].count("\n") + 2
    block = next(block for block in blocks(page) if block.line > first and block.language == "sh")
    assert block.what == "not run"
    return commandlines.of(block.text, folder)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the page's names stand for small things."""
    (tmp_path / BASE).parent.mkdir()
    (tmp_path / BASE).symlink_to(TINY)
    written(source_set(2, seed=1), tmp_path / "data.jsonl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_my_checkpoint_is_measured_beside_its_base(world, bfcl_data, evalplus_files, monkeypatch, capfd):  # noqa: F811
    pytest.importorskip("evalplus", reason="evalplus is an extra")
    lines = commands(MEASURE, world)
    with programs_on_the_path(monkeypatch, evalplus_files):
        adapter = f"run --model {BASE} --data data.jsonl --handler funreason --use-peft -o my-lora".split()
        trainer.cli.cli([*adapter, "--learning-rate", "0.01", "--max-steps", "4"], standalone_mode=False)
        for program, *words in lines:
            if program != "pip" and words[0] != "data":
                commandlines.PROGRAMS[program]([HERE.get(word, word) for word in words], standalone_mode=False)
    shown = capfd.readouterr().out
    assert shown.count("my-lora †") == 2, "a row in each of the two tables"
    assert f"A  {BASE}" in shown


def test_every_command_that_reproduces_funreason_is_parsed_with_its_real_flags(world: Path) -> None:
    (world / "results").mkdir()
    lines = commands(REPRODUCE, world)
    assert [line[0] for line in lines] == ["refine", "torchrun", "harness", "harness", "harness"]
    for line in lines:
        commandlines.parse(line)


def test_its_estimates_are_those_of_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    estimates.main()
    table, memory = capsys.readouterr().out.split("\n\n")
    page = (ROOT / "README.md").read_text()
    assert all(row in page for row in table.splitlines()[1:])
    minutes, weights = re.search(r"(\d+) minutes", memory), re.search(r"[\d.]+ GB", memory)
    assert minutes
    assert weights
    assert f"{minutes[0]} of generation" in page
    assert f"{weights[0]} of weights in bfloat16" in page

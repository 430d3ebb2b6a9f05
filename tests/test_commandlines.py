"""Commands of pages that are not run: what they name is looked up, and a slip is found."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from harness.errors import UsageProblem
from tests import commandlines


def test_a_script_becomes_its_command_lines(tmp_path: Path) -> None:
    script = 'export E="--engine vllm"\nfor m in a b; do\n  harness run --model $m $E  # x\ndone\npip install x'
    engine = ["--engine", "vllm"]
    models = [["harness", "run", "--model", model, *engine] for model in "ab"]
    assert commandlines.of(script, tmp_path) == [*models, ["pip", "install", "x"]]


@pytest.mark.parametrize(
    "line",
    [
        "harness run --modle x",
        "harness vew x",
        "refine run --inputs x",
        "make no-such",
        "python -m tests.no_such",
        "torchrun --nproc-per-node 8 -m trainer.cli run --no-such 1",
        "curl x",
    ],
)
def test_what_does_not_exist_is_found(line: str) -> None:
    with pytest.raises((AssertionError, click.ClickException, UsageProblem)):
        commandlines.check(line.split())


def test_what_exists_passes() -> None:
    commandlines.check(["harness", "run", "--model_args", "a=-b", "--temperature", "0.7"])
    commandlines.check(["torchrun", "--nproc-per-node", "8", "-m", "trainer.cli", "run", "--loss", "sft"])
    commandlines.check(["make", "run", "MODEL=x"])

"""DeepSpeed: its configuration reaches transformers; ranks that share the optimizer learn what one process learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers
from click.testing import CliRunner
from safetensors.torch import load_file

from harness import machine
from harness.errors import UsageProblem
from tests.trainer.programs import torchrun
from tests.trainer.worlds import config, log
from trainer.arguments import arguments
from trainer.cli import cli
from trainer.run import train

ZERO2 = Path(__file__).parents[2] / "examples" / "deepspeed" / "zero2.json"
INSTALLED = machine.version("deepspeed") is not None


class Unchecked(transformers.TrainingArguments):
    """The settings as given, without what DeepSpeed makes of them."""

    def __post_init__(self) -> None:
        pass


def test_the_configuration_reaches_transformers(tmp_path):
    assert arguments(config(tmp_path, deepspeed=str(ZERO2)), Unchecked).deepspeed == str(ZERO2)


@pytest.mark.skipif(INSTALLED, reason="needs a machine without DeepSpeed")
def test_deepspeed_that_is_not_installed_is_a_usage_error(tmp_path):
    settings = config(tmp_path)
    flags = ["--model", settings.model, "--data", str(settings.data), "--output-dir", str(tmp_path / "out")]
    with pytest.raises(UsageProblem, match="needs the package deepspeed") as raised:
        CliRunner().invoke(cli, ["run", *flags, "--deepspeed", str(ZERO2)], catch_exceptions=False)
    assert raised.value.exit_code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_configuration_that_cannot_be_read_is_named(tmp_path, text):
    path = tmp_path / "zero.json"
    if text:
        path.write_text(text)
    with pytest.raises(UsageProblem, match=r"--deepspeed .*zero.json"):
        train(config(tmp_path, deepspeed=str(path)))


@pytest.mark.skipif(not INSTALLED, reason="DeepSpeed is not installed")
def test_two_ranks_of_zero2_learn_what_a_plain_run_learns(tmp_path):
    common = {"max_steps": 2, "per_device_train_batch_size": 4, "lr_scheduler_type": "constant", "warmup_steps": 0}
    plain = train(config(tmp_path, output_dir=str(tmp_path / "plain"), **common | {"per_device_train_batch_size": 8}))
    sharded = config(tmp_path, output_dir=str(tmp_path / "sharded"), deepspeed=str(ZERO2), save_steps=1, **common)
    torchrun("run", sharded)
    ours, theirs = log(tmp_path / "sharded"), log(plain)
    assert [line["loss"] for line in ours] == pytest.approx([line["loss"] for line in theirs], abs=1e-5)
    assert [line["grad_norm"] for line in ours] == pytest.approx([line["grad_norm"] for line in theirs], rel=1e-4)
    got, expected = load_file(tmp_path / "sharded" / "model.safetensors"), load_file(plain / "model.safetensors")
    assert got.keys() == expected.keys()
    assert max((got[name] - expected[name]).abs().max().item() for name in got) < 1e-4
    assert json.loads((tmp_path / "sharded" / "train.json").read_text())["ranks"] == 2

"""Settings and recipes of `trainer rl`."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from harness.flags.fields import settings
from tests.trainer.test_config import RECIPES_OF_RL
from trainer.cli import cli
from trainer.config import RECIPES, RunConfig, read_recipe
from trainer.rl.config import RLConfig

PAPER = {
    "entropy_weight": 0.4,
    "entropy_bound": 2.0,
    "learning_rate": 1e-6,
    "temperature": 0.7,
    "beta": 0.001,
    "max_completion_length": 8192,
    "num_train_epochs": 5.0,
}
"""arXiv 2508.05118."""


def test_every_setting_has_a_line_of_help():
    assert [name for name, each in settings(RLConfig).items() if not each.help] == []


def test_defaults_are_the_papers():
    assert {name: getattr(RLConfig(), name) for name in PAPER} == PAPER


@pytest.mark.parametrize("name", RECIPES_OF_RL)
def test_every_shipped_recipe_is_built(name, tmp_path):
    from trainer.rl.engine import SAME, trl_arguments

    given = read_recipe(name, RLConfig)
    assert {key: given[key] for key in PAPER} == PAPER
    recipe = RLConfig(**given | {"data": "d.jsonl", "output_dir": str(tmp_path)}).check()
    recipe.check_batch(8)
    # vLLM and eight GPUs are not here; the rest is built as it is.
    here = RLConfig(**asdict(recipe) | {"fsdp": False, "use_cpu": True, "rollouts": "slots"})
    made = trl_arguments(here)
    for key in {*SAME, "learning_rate"}:
        assert getattr(made, key) == getattr(here, key), key
    assert made.gradient_checkpointing


def test_a_recipe_writes_out_whatever_differs_from_trl(tmp_path):
    """So that a reader sees it, and a new default of TRL's changes nothing."""
    from trl import GRPOConfig

    from trainer.rl.engine import SAME, trl_arguments

    written = yaml.safe_load((RECIPES / f"{RECIPES_OF_RL[0]}.yaml").read_text())
    shape: dict[str, Any] = {"per_device_train_batch_size": 8}
    theirs = GRPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, **shape)
    ours = trl_arguments(RLConfig(model="m", data=("d",), output_dir=str(tmp_path), use_cpu=True, **shape))
    differs = {name for name in (*SAME, "learning_rate") if getattr(theirs, name) != getattr(ours, name)}
    assert differs <= written.keys()
    assert {"beta", "temperature", "loss_type", "max_completion_length", "use_bias_correction_kl"} <= differs


def test_flags_count_before_the_environment_and_that_before_the_recipe(tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("model: nowhere\ndata: nothing.jsonl\nlambda: 0.1\nlimit: 1")
    result = CliRunner().invoke(
        cli,
        ["rl", "--config", str(recipe), "-o", "o", "--alpha", "0.5"],
        env={"TRAINER_RL_ENTROPY_WEIGHT": "0.3"},
        standalone_mode=False,
    )
    assert "--entropy-weight 0.3 with --entropy-bound 0.5" in str(result.exception)


def test_what_both_trainings_share_has_one_home():
    shared = {each.name for each in fields(RunConfig)}
    assert shared < {each.name for each in fields(RLConfig)}
    assert {"loss", "packing", "max_length"}.isdisjoint(each.name for each in fields(RLConfig))

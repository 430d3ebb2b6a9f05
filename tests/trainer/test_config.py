"""Settings, recipes and the command line."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import yaml
from click.testing import CliRunner

from harness.errors import UsageProblem
from harness.flags.fields import settings
from tests.trainer.worlds import config
from trainer import losses
from trainer.cli import cli
from trainer.config import RECIPES, TrainConfig, read_recipe

RECIPES_OF_RL = ["egpo-qwen2.5-coder-7b"]
SHIPPED = sorted(
    {path.relative_to(RECIPES).with_suffix("").as_posix() for path in RECIPES.rglob("*.yaml")} - {*RECIPES_OF_RL}
)


def invoke(*arguments: str, env: dict[str, str] | None = None):
    return CliRunner().invoke(cli, arguments, env=env, standalone_mode=False)


def test_every_setting_has_a_line_of_help():
    assert [name for name, each in settings(TrainConfig).items() if not each.help] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_recipe_is_built(name, tmp_path):
    settings = TrainConfig(**read_recipe(name) | {"data": "d.jsonl", "output_dir": str(tmp_path)}).check()
    losses.load(settings.loss, settings.loss_settings)
    from trainer.run import arguments

    if settings.bf16 or settings.fsdp:  # transformers asks for the devices of the recipe; the rest is built here
        settings = TrainConfig(**asdict(settings) | {"fsdp": False, "use_cpu": True})
    assert arguments(settings).per_device_train_batch_size == settings.per_device_train_batch_size


def test_a_misspelt_recipe_or_setting_offers_the_nearest(tmp_path):
    with pytest.raises(UsageProblem, match="Did you mean tiny/msl"):
        read_recipe("tiny/msll")
    path = tmp_path / "mine.yaml"
    path.write_text("learning_rat: 1")
    with pytest.raises(UsageProblem, match="Did you mean learning_rate"):
        read_recipe(str(path))
    path.write_text("a: [")
    with pytest.raises(UsageProblem, match="not YAML"):
        read_recipe(str(path))


def test_a_recipe_may_spell_a_setting_as_a_flag_is(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("batch-size: 4\nmodel_name_or_path: tiny\nlora-r: 8")
    assert read_recipe(str(path)) == {"per_device_train_batch_size": 4, "model": "tiny", "lora_r": 8}


def test_flags_count_before_the_environment_and_that_before_the_recipe(tmp_path):
    recipe = tmp_path / "mine.yaml"
    settings = {**asdict(config(tmp_path)), "alpha": 0.1, "seed": 1, "learning_rate": 0.5}
    recipe.write_text(yaml.safe_dump({name: value for name, value in settings.items() if value is not None}))
    result = invoke(
        *("plan", "--config", str(recipe), "--alpha", "0.3", "--json", "--max_steps", "4"),
        env={"TRAINER_PLAN_ALPHA": "0.2", "TRAINER_PLAN_MAX_STEPS": "9", "HF_HUB_OFFLINE": "1"},
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["steps"] == 4


def test_missing_and_wrong_settings_are_refused_before_anything_loads():
    for flags, message in (
        ([], "--model is missing"),
        (["--model", "m", "--data", "d", "-o", "o", "--overlong", "cut"], "overlong"),
        (["--model", "m", "--data", "d", "-o", "o", "--eval-every", "5"], "--eval-tasks"),
        (["--model", "m", "--data", "d", "-o", "o", "--max-length", "0"], "not positive"),
    ):
        result = invoke("run", *flags)
        assert isinstance(result.exception, UsageProblem), flags
        assert message in str(result.exception)

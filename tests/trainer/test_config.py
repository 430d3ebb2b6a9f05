"""Settings, recipes and the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict

import pytest
import yaml
from click.testing import CliRunner

from harness.errors import UsageProblem
from harness.flags.fields import settings
from tests.trainer.worlds import config, rows, write
from trainer import losses
from trainer.cli import cli
from trainer.config import RECIPES, TrainConfig, read_recipe

SHIPPED = sorted(path.relative_to(RECIPES).with_suffix("").as_posix() for path in RECIPES.rglob("*.yaml"))


def _invoke(*arguments: str, env: dict[str, str] | None = None):
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
    result = _invoke(
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
        result = _invoke("run", *flags)
        assert isinstance(result.exception, UsageProblem), flags
        assert message in str(result.exception)


def test_peek_shows_the_regions_of_a_record(tmp_path):
    settings = config(tmp_path)
    write(tmp_path / "data.jsonl", [rows(1)[0] | {"think": "It \x1b[31masks.", "answer": "[f(a=1)]"}])
    result = _invoke("peek", "--model", settings.model, "--data", settings.data)
    assert result.exit_code == 0, result.output
    assert "[f(a=1)]<|im_end|>" in result.output
    assert "think" in result.output
    assert "\x1b[31m" not in result.output


def test_plan_counts_steps_tokens_memory_and_compute_of_a_hub_model_without_its_weights(tmp_path, monkeypatch):
    settings = config(tmp_path)
    cached = tmp_path / "hub" / "models--some--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("c0ffee")
    shutil.move(settings.model, cached / "snapshots" / "c0ffee")
    (cached / "snapshots" / "c0ffee" / "model.safetensors").unlink()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    flags = ("--model", "some/model", "--data", settings.data, "--batch-size", "4", "--num-train-epochs", "2")
    result = _invoke("plan", *flags, "--json", "--devices", "2", "--tflops", "0.001", "--gradient-checkpointing")
    assert result.exception is None, result.output
    plan = json.loads(result.output)
    assert plan["steps"] == 12
    assert plan["tokens"]["think"] > plan["tokens"]["result"] > 0
    memory = plan["memory of a device, GiB"]
    assert memory["sum"] == pytest.approx(sum(memory.values()) - memory["sum"], abs=0.01)
    flops = 8 * plan["parameters"] * plan["tokens a step"] * 12
    assert plan["compute, PFLOP"] == pytest.approx(flops / 1e15, rel=1e-3)
    assert plan["hours"] == pytest.approx(flops / 2e9 / 3600, rel=1e-2)
    with pytest.raises(UsageProblem, match="no such model"):
        CliRunner().invoke(cli, ["plan", *flags, "--model", "no/model"], catch_exceptions=False, standalone_mode=False)


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from click.testing import CliRunner; from trainer.cli import cli;"
        "assert CliRunner().invoke(cli, ['run', '--help']).exit_code == 0;"
        "print([name for name in ('torch', 'transformers', 'datasets', 'peft') if name in sys.modules])"
    )
    started = time.process_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
    assert time.process_time() - started < 5

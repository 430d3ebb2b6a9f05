"""Questions for verl: its columns, and a reward that is ours."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from pyarrow import parquet

from harness import chat
from harness.errors import UsageProblem
from tests.trainer.programs import flags
from tests.trainer.rl.worlds import config
from trainer.cli import cli
from trainer.rl import rewards
from trainer.rl.items import read_items
from trainer.run import load_tokenizer


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    settings = config(tmp_path_factory.mktemp("verl"))
    done = CliRunner().invoke(cli, ["rl", "export", "--to", "verl", *flags(settings)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return Path(settings.output_dir), settings


def told(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "grpo.yaml").read_text())


def test_prompts_are_token_for_token_those_of_the_training(exported):
    folder, settings = exported
    tokenizer = load_tokenizer(settings)
    items = read_items(settings, tokenizer, rewards.load("exact"))[0].records
    template = told(folder)["actor_rollout_ref"]["model"]["custom_chat_template"]
    rows = parquet.read_table(folder / "train.parquet").to_pylist()
    assert len(rows) == len(items)
    for row, item in zip(rows, items, strict=True):
        text = tokenizer.apply_chat_template(
            row["prompt"], chat_template=template, add_generation_prompt=True, tokenize=False
        )
        assert tokenizer.encode(text, add_special_tokens=False) == item.prompt
    assert chat.THINK in template


def test_the_reward_is_ours(exported):
    folder, _ = exported
    specification = importlib.util.spec_from_file_location("verl_reward", folder / "reward.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    row = parquet.read_table(folder / "train.parquet").to_pylist()[0]
    reference = row["reward_model"]["ground_truth"]
    answer = json.loads(reference)["answer"]
    for reply, worth in {
        f"x\n</think>\n\n{answer}": 1.0,
        "x\n</think>\n\n[f()]": 0.0,
        answer: 0.0,
        "x\n</think>\n\n" + answer[:-3]: 0.0,
    }.items():
        got = module.compute_score(row["data_source"], reply, reference, extra_info=row["extra_info"])
        assert got == worth, reply


def test_the_settings_say_what_the_training_says(exported):
    folder, settings = exported
    found = told(folder)
    policy = found["actor_rollout_ref"]
    assert policy["actor"]["kl_loss_coef"] == settings.beta
    assert (policy["rollout"]["n"], policy["rollout"]["temperature"]) == (settings.num_generations, 1.0)
    assert found["data"]["train_batch_size"] * settings.num_generations == settings.per_device_train_batch_size
    assert Path(found["reward"]["custom_reward_function"]["path"]) == folder / "reward.py"


def test_the_command_names_the_settings_and_takes_more(exported, tmp_path):
    """Run with a stand-in for Python, which says what it was given."""
    folder, _ = exported
    (tmp_path / "python").write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    (tmp_path / "python").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", str(folder / "run.sh"), "trainer.nnodes=4"]
    words = subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True).stdout
    given = ["--config-path", str(folder), "--config-name", "grpo", "trainer.nnodes=4"]
    assert words.splitlines() == ["-m", "verl.trainer.main_ppo", *given]


def test_what_belongs_together_is_asked_for_together(tmp_path):
    for words in (["export"], ["--to", "verl"]):
        done = CliRunner().invoke(cli, ["rl", *words, *flags(config(tmp_path))], standalone_mode=False)
        assert isinstance(done.exception, UsageProblem)

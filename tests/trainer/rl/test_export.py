"""Questions for verl: its columns, and a reward that is ours."""

from __future__ import annotations

import importlib.util
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pyarrow import parquet

from harness import chat
from harness.errors import UsageProblem
from tests.trainer.rl.test_runs import flags
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


def test_prompts_are_token_for_token_those_of_the_training(exported):
    folder, settings = exported
    tokenizer = load_tokenizer(settings)
    items = read_items(settings, tokenizer, rewards.load("exact"))[0].records
    template = (folder / "chat_template.jinja").read_text()
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


def test_the_command_says_what_the_training_says(exported):
    folder, settings = exported
    words = shlex.split((folder / "run.sh").read_text().replace("\\\n", " "), comments=True)
    given = dict(word.split("=", 1) for word in words if "=" in word)
    assert float(given["actor_rollout_ref.actor.kl_loss_coef"]) == settings.beta
    assert int(given["actor_rollout_ref.rollout.n"]) == settings.num_generations
    assert int(given["data.train_batch_size"]) * settings.num_generations == settings.per_device_train_batch_size
    assert Path(given["reward.custom_reward_function.path"]) == folder / "reward.py"


def test_what_belongs_together_is_asked_for_together(tmp_path):
    for words in (["export"], ["--to", "verl"]):
        done = CliRunner().invoke(cli, ["rl", *words, *flags(config(tmp_path))], standalone_mode=False)
        assert isinstance(done.exception, UsageProblem)

"""Whole runs on a random two-layer model: denominators, continuing, what is saved."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from harness import models
from tests.trainer.programs import start, torchrun
from tests.trainer.worlds import config, log, rows, write
from trainer.config import TrainConfig
from trainer.run import train

SHAPES = {"8": (8, 1), "8 x 1": (1, 8), "4 x 2": (4, 2)}


def _rank(rank: int, port: int, runs: Sequence[TrainConfig]) -> None:
    """One of two ranks, as torchrun would start it, training several runs one after the other."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    os.environ |= {"MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    for settings in runs:
        train(settings)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def _assert_same(one: Path, other: Path, tolerance: float) -> None:
    for mine, theirs in zip(log(one), log(other), strict=True):
        for name in ("loss", "loss_think", "loss_result", "grad_norm"):
            assert mine[name] == pytest.approx(theirs[name], rel=tolerance, abs=tolerance), name
        assert mine["alpha"] == pytest.approx(theirs["alpha"], abs=tolerance)
    for mine, theirs in zip(_evaluations(one), _evaluations(other), strict=True):
        assert mine == pytest.approx(theirs, rel=tolerance, abs=tolerance)
    left, right = _weights(one), _weights(other)
    assert max((left[name] - right[name]).abs().max().item() for name in left) < tolerance


def _evaluations(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "eval_loss" in line]


def _world(tmp_path: Path, **settings) -> TrainConfig:
    """Plain descent, so that the comparison of weights is one of gradients (Adam magnifies noise near zero)."""
    return config(
        tmp_path,
        optim="sgd",
        learning_rate=0.05,
        lr_scheduler_type="constant",
        warmup_steps=0,
        max_steps=3,
        **settings,
    )


@pytest.mark.parametrize("mean", ["sample", "batch"])
@pytest.mark.parametrize("loss", ["sft", "msl", "ssb"])
def test_accumulation_changes_nothing(tmp_path, loss, mean):
    if loss == "sft" and mean == "sample":
        pytest.skip("sft knows one mean")
    folders = []
    for name, (batch, accumulation) in SHAPES.items():
        settings = _world(
            tmp_path,
            loss=loss,
            mean=mean,
            alpha=0.3,
            alpha_lr=1.0,
            output_dir=str(tmp_path / name),
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=accumulation,
        )
        folders.append(train(settings))
    for other in folders[1:]:
        _assert_same(folders[0], other, 1e-6)


def test_two_ranks_change_nothing(tmp_path):
    shapes = [("sft", "batch"), ("msl", "sample"), ("msl", "batch"), ("ssb", "sample")]
    runs = []
    held_out = {"eval_data": str(write(tmp_path / "held_out.jsonl", rows(13, seed=7))), "eval_every": 2}
    for loss, mean in shapes:
        shared = {"loss": loss, "mean": mean, "alpha": 0.3, "alpha_lr": 1.0, **held_out}
        train(_world(tmp_path, **shared, output_dir=str(tmp_path / f"{loss}-{mean}-whole")))
        ranks = str(tmp_path / f"{loss}-{mean}-ranks")
        runs.append(_world(tmp_path, **shared, output_dir=ranks, per_device_train_batch_size=4))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [start(_rank, rank, port, runs) for rank in range(2)]
    for process in processes:
        process.join(200)
        assert process.exitcode == 0
    for loss, mean in shapes:
        assert len(_evaluations(tmp_path / f"{loss}-{mean}-ranks")) == 1
        _assert_same(tmp_path / f"{loss}-{mean}-whole", tmp_path / f"{loss}-{mean}-ranks", 1e-6)


def test_fully_sharded_ranks_from_the_command_line_change_nothing(tmp_path):
    held_out = {"eval_data": str(write(tmp_path / "held_out.jsonl", rows(13, seed=7))), "eval_every": 1}
    held_out["load_best_model_at_end"] = True
    whole = train(_world(tmp_path, output_dir=str(tmp_path / "whole"), **held_out))
    sharded = {"per_device_train_batch_size": 4, "fsdp": True, "gradient_checkpointing": True, **held_out}
    torchrun("run", _world(tmp_path, output_dir=str(tmp_path / "ranks"), **sharded))
    _assert_same(whole, tmp_path / "ranks", 1e-5)
    about = json.loads((tmp_path / "ranks" / "train.json").read_text())
    assert (about["ranks"], about["sharded"]) == (2, True)


def test_packing_changes_nothing_but_the_rows(tmp_path):
    """All records in one step, so that both ways train on the same ones."""
    write(tmp_path / "data.jsonl", rows(8))
    plain = train(_world(tmp_path, output_dir=str(tmp_path / "plain")))
    packed = _world(tmp_path, output_dir=str(tmp_path / "packed"), packing=True, max_length=400)
    _assert_same(plain, train(packed), 1e-5)


def test_alpha_of_the_token_share_is_plain_sft_to_the_last_step(tmp_path):
    write(tmp_path / "data.jsonl", rows(8))
    sft = train(_world(tmp_path, loss="sft", output_dir=str(tmp_path / "sft")))
    tokens = json.loads((sft / "train.json").read_text())["data"]["tokens"]
    share = tokens["think"] / (tokens["think"] + tokens["result"])
    msl = train(_world(tmp_path, loss="msl", mean="batch", alpha=share, output_dir=str(tmp_path / "msl")))
    _assert_same(sft, msl, 1e-6)


def test_a_run_learns(tmp_path):
    lines = log(train(config(tmp_path, max_steps=30, learning_rate=1e-2)))
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]


def test_a_continued_run_equals_an_uninterrupted_one(tmp_path):
    settings = {"loss": "ssb", "alpha_lr": 1.0, "save_steps": 2, "per_device_train_batch_size": 4}
    whole = train(config(tmp_path, output_dir=str(tmp_path / "whole"), **settings))
    halted = tmp_path / "halted"
    shutil.copytree(whole, halted)
    shutil.rmtree(halted / "checkpoint-6")
    for name in ("model.safetensors", "train.json"):
        (halted / name).unlink()
    continued = train(config(tmp_path, output_dir=str(halted), **settings))
    assert log(whole)[4:] != []
    for mine, theirs in zip(log(whole), log(continued), strict=True):
        assert {**mine, "epoch": 0} == {**theirs, "epoch": 0}
    _assert_same(whole, continued, 1e-12)


def test_a_kill_at_any_moment_leaves_only_whole_checkpoints(tmp_path):
    """Saves at every step, killed twice in the middle; what is left loads, and the run ends as an undisturbed one."""
    settings = config(tmp_path, output_dir=str(tmp_path / "killed"), save_steps=1, max_steps=12, save_total_limit=None)
    for kill_after in (2, 5, 9):
        process = start(train, settings)
        while process.is_alive() and not (tmp_path / "killed" / f"checkpoint-{kill_after}").exists():
            time.sleep(0.002)
        time.sleep(0.01 * kill_after)  # somewhere in the next step or its save
        process.kill()
        process.join()
        found = list((tmp_path / "killed").glob("checkpoint-*"))
        assert found
        for checkpoint in found:
            _weights(checkpoint)
            assert json.loads((checkpoint / "train.json").read_text())["step"] == int(checkpoint.name[11:])
    train(settings)
    whole = train(config(tmp_path, output_dir=str(tmp_path / "whole"), max_steps=12))
    _assert_same(whole, tmp_path / "killed", 1e-12)


def test_the_result_is_an_ordinary_model_with_its_history(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = train(config(tmp_path, max_steps=2))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("Weather", return_tensors="pt").input_ids
    assert model.generate(ids, max_new_tokens=2, do_sample=False).shape[1] > ids.shape[1]
    about = json.loads((folder / "train.json").read_text())
    assert about["step"] == 2
    assert len(about["data"]["sha256"]) == 64
    assert about["data"]["counts"]["records"] == 48
    assert about["config"]["loss"] == "msl"
    assert {"loss_think", "loss_result", "alpha"} <= set(about["parts"])
    assert "torch" in json.dumps(about["code"])


def test_an_adapter_is_trained_and_saved_as_one(tmp_path):
    folder = train(config(tmp_path, use_peft=True, lora_r=4, learning_rate=1e-2))
    assert (folder / "adapter_config.json").exists()
    assert not (folder / "model.safetensors").exists()
    lines = log(folder)
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_an_adapter_of_a_model_with_a_name_finds_its_base_on_every_machine(tmp_path):
    folder = train(config(tmp_path, model="tiny", use_peft=True, lora_r=2, max_steps=1, per_device_train_batch_size=1))
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == "tiny"
    assert models.locate(str(folder)).folder == models.TINY


def test_mixed_precision_and_checkpointing_stay_close_to_float32(tmp_path):
    exact = log(train(_world(tmp_path, output_dir=str(tmp_path / "exact"))))
    settings = {"bf16": True, "gradient_checkpointing": True}
    mixed = log(train(_world(tmp_path, output_dir=str(tmp_path / "mixed"), **settings)))
    assert mixed[0]["loss"] == pytest.approx(exact[0]["loss"], rel=0.02)
    assert mixed[0]["grad_norm"] == pytest.approx(exact[0]["grad_norm"], rel=0.1)

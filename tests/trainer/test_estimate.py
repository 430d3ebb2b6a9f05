"""Plans of a run against figures derived by hand."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from harness.errors import UsageProblem
from tests.trainer.test_config import invoke
from tests.trainer.worlds import config
from trainer.cli import cli
from trainer.config import TrainConfig
from trainer.estimate import compute, memory

SHAPE = SimpleNamespace(hidden_size=8, num_hidden_layers=3, intermediate_size=20, vocab_size=100)


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({}, 3),
        ({"gradient_checkpointing": True}, 4),
        ({"use_peft": True}, 2),
        ({"use_peft": True, "gradient_checkpointing": True}, 3),
    ],
)
def test_compute_is_two_operations_a_parameter_token_and_pass(settings, passes):
    assert compute(TrainConfig(**settings), parameters=1000, tokens=10) == 2 * passes * 1000 * 10


def test_memory_of_float32_training_is_sixteen_bytes_a_parameter():
    parts = memory(TrainConfig(), SHAPE, parameters=10**6, tokens=0, devices=1)
    assert parts["weights"] + parts["gradients"] + parts["optimizer"] == 16 * 10**6
    assert parts["activations"] == 0


def test_ranks_share_weights_under_fsdp_and_not_without():
    alone = memory(TrainConfig(), SHAPE, 10**6, 64, devices=8)
    shared = memory(TrainConfig(fsdp=True), SHAPE, 10**6, 64, devices=8)
    for name in ("weights", "gradients", "optimizer"):
        assert alone[name] == 8 * shared[name]
    assert alone["activations"] == shared["activations"]


def test_an_adapter_has_gradients_of_its_own_parameters_only():
    full, adapter = (memory(TrainConfig(use_peft=peft), SHAPE, 10**6, 64, 1) for peft in (False, True))
    assert adapter["weights"] == full["weights"]
    assert adapter["gradients"] == 4 * 2 * 16 * 7 * SHAPE.hidden_size * SHAPE.num_hidden_layers
    assert adapter["loss"] == full["loss"] - 4 * SHAPE.vocab_size * SHAPE.hidden_size


def test_checkpointing_keeps_a_layers_input_and_one_layer():
    plain, checked = (
        memory(TrainConfig(gradient_checkpointing=on), SHAPE, 10**6, 64, 1)["activations"] for on in (False, True)
    )
    layer = 4 * 64 * (8 * 8 + 4 * 20)
    assert plain == 3 * layer
    assert checked == 3 * 4 * 64 * 8 + layer


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
    result = invoke("plan", *flags, "--json", "--devices", "2", "--tflops", "0.001", "--gradient-checkpointing")
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

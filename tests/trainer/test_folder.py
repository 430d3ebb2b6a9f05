"""What a repeated command does: nothing where the run is finished, the rest where it was cut off."""

from __future__ import annotations

import shutil

import pytest

from harness.errors import UsageProblem
from tests.trainer.worlds import config, log
from trainer.config import TrainConfig
from trainer.run import train

FILES = ("model.safetensors", "train.json", "log.jsonl")


def _bytes(folder, *names):
    return [(folder / name).read_bytes() for name in names]


@pytest.mark.parametrize("length", [{"max_steps": 3}, {"max_steps": -1, "num_train_epochs": 0.5}], ids=str)
def test_a_finished_run_is_left_as_it_is(tmp_path, capsys, length):
    settings = config(tmp_path, save_steps=1, **length)
    output = train(settings)
    before = _bytes(output, *FILES)
    names = sorted(path.name for path in output.iterdir())
    for _ in range(2):
        train(settings)
        assert "is finished: step 3 was the last" in capsys.readouterr().out
    assert _bytes(output, *FILES) == before
    assert sorted(path.name for path in output.iterdir()) == names
    assert len(log(output)) == 3


@pytest.mark.parametrize("peft", [False, True], ids=["model", "adapter"])
def test_a_kill_before_the_final_save_ends_with_the_same_bytes(tmp_path, peft):
    settings = config(tmp_path, max_steps=3, save_steps=1, use_peft=peft, gradient_accumulation_steps=2)
    output = train(settings)
    name = "adapter_model.safetensors" if peft else "model.safetensors"
    before = _bytes(output, name, "train.json")
    for path in output.iterdir():
        if path.is_file() and path.name != "log.jsonl":
            path.unlink()
    train(settings)
    assert _bytes(output, name, "train.json") == before
    assert [line["step"] for line in log(output)] == [1, 2, 3]


def test_no_steps_save_the_model_as_it_is(tmp_path):
    settings = config(tmp_path, max_steps=0)
    output = train(settings)
    assert _bytes(output, "model.safetensors") == _bytes(tmp_path / "model", "model.safetensors")
    assert not (output / "log.jsonl").exists()


def test_a_finished_model_without_its_checkpoints_is_not_trained_over(tmp_path):
    output = train(config(tmp_path, max_steps=1, save_steps=1))
    shutil.rmtree(output / "checkpoint-1")
    with pytest.raises(UsageProblem, match="learning_rate"):
        train(config(tmp_path, max_steps=1, save_steps=1, learning_rate=0.5))


def test_a_run_older_than_a_setting_is_continued(tmp_path):
    import json

    settings = config(tmp_path, max_steps=1)
    output = train(settings)
    saved = json.loads((output / "train.json").read_text())
    del saved["config"]["merge_adapter"]
    (output / "train.json").write_text(json.dumps(saved))
    assert train(settings) == output
    with pytest.raises(UsageProblem, match="merge_adapter"):
        train(TrainConfig(**saved["config"] | {"merge_adapter": True}))

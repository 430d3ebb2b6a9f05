"""One run from its configuration: what is refused, and what goes on where."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from harness import models
from harness.errors import DataError, RunIncomplete, UsageProblem
from tests.trainer.worlds import config, rows, write
from trainer.arguments import SAME, arguments
from trainer.config import TrainConfig
from trainer.run import encode, load_tokenizer, train


def test_transformers_gets_every_setting_that_it_knows_by_the_same_name(tmp_path):
    changed = {"learning_rate": 0.5, "weight_decay": 0.25, "warmup_steps": 0.1, "seed": 3, "save_steps": 7}
    settings = arguments(config(tmp_path, **changed))
    given = config(tmp_path, **changed)
    for name in set(SAME):
        assert getattr(settings, name) == getattr(given, name), name


@pytest.mark.skipif(torch.accelerator.is_available(), reason="needs a machine without a GPU")
def test_mixed_precision_needs_no_gpu(tmp_path):
    settings = config(tmp_path, bf16=True, use_cpu=False, max_steps=1)
    assert arguments(settings).bf16
    state = json.loads((train(settings) / "train.json").read_text())
    assert (state["step"], state["config"]["bf16"], state["config"]["use_cpu"]) == (1, True, False)


def test_rows_are_records_unless_they_are_packed(tmp_path):
    settings = config(tmp_path)
    corpus, plain = encode(settings, load_tokenizer(settings))
    assert list(plain) == [(record,) for record in corpus.records]
    _, packed = encode(config(tmp_path, packing=True, max_length=512), load_tokenizer(settings))
    assert len(packed) < len(plain)
    assert sorted(record.id for row in packed for record in row) == sorted(record.id for record in corpus.records)


@pytest.mark.parametrize("overlong", ["drop", "truncate"])
def test_a_record_longer_than_the_models_positions_is_noticed(tmp_path, overlong):
    settings = config(tmp_path, overlong=overlong)
    lengths = sorted(map(len, encode(settings, load_tokenizer(settings))[0].records))
    positions = lengths[len(lengths) // 2]
    about = tmp_path / "model" / "config.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"max_position_embeddings": positions}))
    corpus, _ = encode(settings, load_tokenizer(settings))
    what = f"dropped: longer than the model's {positions} positions" if overlong == "drop" else "truncated"
    assert corpus.counts[what] == sum(length > positions for length in lengths) > 0
    assert max(map(len, corpus.records)) == positions


def test_a_folder_is_no_training_data(tmp_path):
    config(tmp_path)
    with pytest.raises(DataError, match="is a folder"):
        train(
            TrainConfig(
                model=str(tmp_path / "model"), data=str(tmp_path), output_dir=str(tmp_path / "out"), use_cpu=True
            )
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optim": "adamx"}, "adamx"),
        ({"lr_scheduler_type": "cosin"}, "cosin"),
        ({"dtype": "float31"}, "float32"),
        ({"dtype": "float16"}, "bfloat16"),
        ({"learning_rate": float("nan")}, "not a number"),
        ({"attn_implementation": "spda"}, "spda"),
        ({"report_to": "nowhere"}, "nowhere"),
        ({"report_to": "clearml"}, "clearml"),
        ({"use_peft": True, "lora_target_modules": "nope"}, "nope"),
        ({"eval_every": 1, "eval_tasks": "simple_pyhton"}, "simple_python"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_meant_is_refused_before_the_first_step(tmp_path, settings, message):
    with pytest.raises(UsageProblem, match=message):
        train(config(tmp_path, **settings))
    assert not (tmp_path / "out" / "log.jsonl").exists()


def test_a_damaged_checkpoint_is_named(tmp_path):
    settings = config(tmp_path, max_steps=2, save_steps=1)
    last = train(settings) / "checkpoint-2"
    (last.parent / "train.json").unlink()  # as a kill before the final save leaves it
    for name, rest in (("model.safetensors", 1000), ("train.json", 10)):
        (last / name).write_bytes((last / name).read_bytes()[:rest])
        with pytest.raises(DataError, match="checkpoint-2 is damaged"):
            train(settings)
    shutil.rmtree(last)
    train(settings)


@pytest.mark.parametrize("scale", ["final_logit_softcapping", "a setting of another name"])
def test_a_model_that_does_more_than_multiply_by_its_output_layer_is_refused(tmp_path, monkeypatch, scale):
    from transformers import Qwen2ForCausalLM

    plain = Qwen2ForCausalLM.forward

    def scaled(self, *args, **kwargs):
        output = plain(self, *args, **kwargs)
        output.logits = output.logits / 8 if scale.startswith("a") else 3 * (output.logits / 3).tanh()
        return output

    monkeypatch.setattr(Qwen2ForCausalLM, "forward", scaled)
    with pytest.raises(UsageProblem, match=r"the fused loss of the first batch is .* and the model's own"):
        train(config(tmp_path, learning_rate=0.0))


def test_a_loss_that_is_not_a_number_ends_the_run_with_a_reason(tmp_path):
    with pytest.raises(RunIncomplete, match=r"the loss of step [2-6] is"):
        train(config(tmp_path, learning_rate=1e30, max_grad_norm=0.0))
    assert not (tmp_path / "out" / "train.json").exists()


def test_sharding_over_one_process_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match="torchrun"):
        train(config(tmp_path, fsdp=True))


def test_a_run_with_other_settings_or_data_is_not_continued(tmp_path):
    train(config(tmp_path, max_steps=2, save_steps=1))
    with pytest.raises(UsageProblem, match="learning_rate"):
        train(config(tmp_path, max_steps=2, save_steps=1, learning_rate=1.0))
    write(tmp_path / "data.jsonl", rows(48, seed=1))
    with pytest.raises(UsageProblem, match="the data itself"):
        train(config(tmp_path, max_steps=2, save_steps=1))
    train(config(tmp_path, max_steps=2, save_steps=1, overwrite=True))


def test_what_was_trained_in_a_benchmarks_environments_says_so_and_so_does_what_is_built_on_it(tmp_path):
    marked = [{**row, "source": {"benchmark_environment": "bfcl"}} for row in rows(2)]
    write(tmp_path / "marked.jsonl", marked)
    first = train(config(tmp_path, data=str(tmp_path / "marked.jsonl"), max_steps=1, output_dir=str(tmp_path / "1")))
    assert models.inspect(str(first)).environments == ("bfcl",)
    second = train(config(tmp_path, model=str(first), max_steps=1, output_dir=str(tmp_path / "2")))
    assert json.loads((second / "train.json").read_text())["benchmark_environments"] == ["bfcl"]
    assert models.inspect(str(train(config(tmp_path, max_steps=1)))).environments == ()

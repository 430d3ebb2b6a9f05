"""Losses are TRL's: the same records in the same order give the same figure at every step."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.bench import bench_trainer
from tests.trainer.worlds import config, log, rows, write
from trainer.config import TrainConfig
from trainer.model import load_model
from trainer.run import encode, load_tokenizer, train

trl = pytest.importorskip("trl")
SAME = (
    *("learning_rate", "lr_scheduler_type", "warmup_steps", "optim", "max_steps", "seed"),
    *("per_device_train_batch_size", "gradient_accumulation_steps"),
)


def _theirs(settings: TrainConfig, folder: Path) -> list[dict[str, Any]]:
    """Losses of TRL's `SFTTrainer` on the records that this trainer makes."""
    from datasets import Dataset

    tokenizer = load_tokenizer(settings)
    corpus, _ = encode(settings, tokenizer)
    data = Dataset.from_list(
        [
            {"input_ids": list(record.ids), "completion_mask": [int(region > 0) for region in record.regions]}
            for record in corpus.records
        ]
    )
    arguments = trl.SFTConfig(
        **{name: getattr(settings, name) for name in SAME},
        output_dir=str(folder),
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        completion_only_loss=True,
        gradient_checkpointing=False,
        max_length=None,
        loss_type="nll",
        disable_tqdm=True,
        bf16=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = trl.SFTTrainer(
            model=load_model(settings, fused=False), args=arguments, train_dataset=data, processing_class=tokenizer
        )
        trainer.train()
    return [line for line in trainer.state.log_history if "loss" in line]


@pytest.mark.parametrize("case", ["a whole model", "several files", "an adapter that is continued"])
def test_losses_and_gradients_are_those_of_trl(tmp_path, case):
    common: dict[str, Any] = {
        **{"loss": "sft", "optim": "sgd", "learning_rate": 0.05, "lr_scheduler_type": "constant", "warmup_steps": 0},
        **{"max_steps": 4, "per_device_train_batch_size": 3, "gradient_accumulation_steps": 2, "seed": 7},
    }
    if case == "several files":
        for name, count in (("a", 9), ("b", 14)):
            write(tmp_path / f"{name}.jsonl", rows(count, seed=count))
        common["data"] = (f"{tmp_path}/a.jsonl:2", f"{tmp_path}/b.jsonl:0.5")
    elif case == "an adapter that is continued":
        first = config(tmp_path, use_peft=True, max_steps=3, learning_rate=2e-2, output_dir=str(tmp_path / "adapter"))
        common["model"] = str(train(first))
    settings = config(tmp_path, **common)
    ours, theirs = log(train(settings)), _theirs(settings, tmp_path / "trl")
    for mine, other in zip(ours, theirs, strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], rel=1e-6)
        assert mine["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-5)


def test_the_bench_trains_on_its_records(tmp_path):
    trainer = bench_trainer.our_trainer(bench_trainer.model(8192, 64, 1, 64), "sft", str(tmp_path))
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["input_ids"].shape == batch["regions"].shape
    assert len(batch["input_ids"]) == bench_trainer.BATCH

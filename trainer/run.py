"""One training run from its configuration: model, data, trainer, result."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from harness import machine, models, plugins
from harness.errors import DataError, UsageProblem
from harness.results import provenance
from harness.text import one_line
from trainer import callbacks, losses
from trainer.collate import Collator, Row, pack
from trainer.config import TrainConfig
from trainer.data import Corpus, Encoder
from trainer.train import STATE, RegionTrainer, checkpoints, fuse

SAME = (
    *("output_dir", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps"),
    *("learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "optim", "max_grad_norm", "seed"),
    *("bf16", "use_cpu", "deepspeed", "save_steps", "save_total_limit", "logging_steps", "report_to"),
)
"""Settings that transformers knows by the same name."""


class Rows(torch.utils.data.Dataset[Row]):
    """Rows as torch's data loader wants them."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]


def small_files(kind: Any, config: TrainConfig) -> Any:
    """A model's config or tokenizer. Of a hub id nothing else is fetched, so that a plan costs no download of weights.

    Args:
        kind: `AutoConfig` or `AutoTokenizer`.
        config: Names the model.

    Returns:
        What `kind` loads.
    """
    if "/" in config.model and not Path(config.model).expanduser().exists():
        with suppress(OSError):  # no such model, or no network: `locate` says which
            return kind.from_pretrained(config.model, trust_remote_code=config.trust_remote_code)
    found = models.locate(config.model)
    folder = found.folder if kind is transformers.AutoConfig else found.tokenizer
    return kind.from_pretrained(folder, trust_remote_code=config.trust_remote_code)


def load_tokenizer(config: TrainConfig) -> Any:
    """The model's tokenizer.

    Raises:
        UsageProblem: It cannot tell where tokens stand in a text, as regions need.
    """
    tokenizer = small_files(transformers.AutoTokenizer, config)
    if not tokenizer.is_fast:
        raise UsageProblem(f"{config.model} has a slow tokenizer, which gives no offsets", "Convert it to a fast one.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def encode(config: TrainConfig, tokenizer: Any) -> tuple[Corpus, list[Row]]:
    """Read the data.

    Args:
        config: The run.
        tokenizer: The model's.

    Returns:
        The corpus, and the rows that are trained on.
    """
    handler = plugins.load("handlers", config.handler)
    encoder = Encoder(tokenizer, handler, config.max_length, config.overlong, config.turns)
    corpus = encoder.corpus(config.data, config.data_format, config.limit)
    if config.packing:
        return corpus, pack(corpus.records, config.max_length)
    return corpus, [(record,) for record in corpus.records]


def load_model(config: TrainConfig) -> Any:
    """The model, with a fresh adapter where one is trained."""
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        models.locate(config.model).folder,
        dtype=config.dtype,
        attn_implementation=config.attn_implementation,
        trust_remote_code=config.trust_remote_code,
    )
    model.config.use_cache = False
    if config.use_peft:
        import peft

        targets = config.lora_target_modules
        model = peft.get_peft_model(
            model,
            peft.LoraConfig(
                r=config.lora_r,
                lora_alpha=config.lora_alpha,
                lora_dropout=config.lora_dropout,
                target_modules=targets if targets == "all-linear" else targets.split(","),
                task_type="CAUSAL_LM",
            ),
        )
        if models.is_named(config.model):  # else the adapter would look for its base in this machine's cache
            model.peft_config["default"].base_model_name_or_path = config.model
    fuse(model)
    return model


def arguments(config: TrainConfig) -> transformers.TrainingArguments:
    """The configuration as transformers wants it."""
    settings: dict[str, Any] = {name: getattr(config, name) for name in SAME}
    # transformers refuses mixed precision where it finds no GPU, unless the CPU was asked for.
    settings["use_cpu"] |= config.bf16 and not torch.accelerator.is_available()
    if config.fsdp:
        # FSDP's own checkpointing: transformers' would gather each layer's weights once more.
        own = {"version": 2, "activation_checkpointing": config.gradient_checkpointing}
        settings |= {"fsdp": True, "fsdp_config": config.fsdp_config or own}
    elif config.gradient_checkpointing:
        known = {each.name for each in fields(transformers.TrainingArguments)}
        settings["activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"] = True
    return transformers.TrainingArguments(
        **settings,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        save_strategy="steps",
        disable_tqdm=True,
    )


def train(config: TrainConfig) -> Path:
    """Train, or continue an interrupted run.

    Args:
        config: The run.

    Returns:
        The output folder: an ordinary model folder (or adapter folder) with `train.json`.

    Raises:
        UsageProblem: The output folder holds a run with other settings, or a setting cannot be honoured.
    """
    config.check()
    if config.fsdp and int(os.environ.get("WORLD_SIZE", "1")) == 1:
        remedy = "Start it by `torchrun --nproc-per-node N -m trainer.cli run ...`, or give --no-fsdp."
        raise UsageProblem("--fsdp shards over several processes, and this is one", remedy)
    transformers.utils.logging.disable_progress_bar()
    output = Path(config.output_dir)
    loss = losses.load(config.loss, config.loss_settings)
    with _settings_are_refused():
        settings = arguments(config)
    tokenizer = load_tokenizer(config)
    corpus, rows = encode(config, tokenizer)
    about = {
        "config": asdict(config),
        "data": {"source": config.data, "sha256": corpus.sha256, "counts": corpus.counts, "tokens": corpus.tokens},
        "base": models.inspect(config.model).sha256 if os.environ.get("RANK", "0") == "0" else None,
        "code": asdict(provenance.code()),
        "machine": machine.description(),
    }
    checkpoint = _checkpoint(config, corpus.sha256)
    transformers.set_seed(config.seed)
    with _settings_are_refused():
        trainer = RegionTrainer(
            loss=loss,
            about=about,
            model=load_model(config),
            args=settings,
            train_dataset=Rows(rows),
            data_collator=Collator(tokenizer.pad_token_id),
            processing_class=tokenizer,
        )
    callbacks.install(trainer, config, corpus)
    if checkpoint:
        loss.restore(_state(checkpoint)["loss_state"])
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except SafetensorError as problem:
        raise _damaged(checkpoint or output, problem) from None
    trainer.save_model()
    if trainer.args.should_save:
        trainer.write_state(output)
        shutil.rmtree(output / ".saving", ignore_errors=True)
    return output


@contextmanager
def _settings_are_refused() -> Iterator[None]:
    """What transformers and peft do not know of a setting's value is the user's to mend."""
    try:
        yield
    except (ValueError, ImportError) as problem:
        raise UsageProblem(one_line(str(problem), 600), "`trainer run --help` has all settings.") from problem


def _state(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint says of its training.

    Raises:
        DataError: It is damaged.
    """
    try:
        return dict(json.loads((checkpoint / STATE).read_bytes()))
    except ValueError as problem:
        raise _damaged(checkpoint, problem) from None


def _damaged(checkpoint: Path, problem: Exception) -> DataError:
    remedy = "Delete it, and the same command continues from the one before it."
    return DataError(f"{checkpoint} is damaged: {problem}", remedy)


def _checkpoint(config: TrainConfig, data_sha256: str) -> Path | None:
    """The checkpoint to continue from, if its settings and data are these.

    Raises:
        UsageProblem: The output folder holds a run with other settings or data.
    """
    output = Path(config.output_dir)
    if config.resume_from_checkpoint:
        return Path(config.resume_from_checkpoint)
    if config.overwrite:
        for path in [*output.glob("checkpoint-*"), output / ".saving"]:
            shutil.rmtree(path, ignore_errors=True)
        (output / STATE).unlink(missing_ok=True)
        return None
    if not config.resume:
        return None
    found = next(reversed(checkpoints(output)), None)
    if found is None:
        return None
    saved = _state(found)
    known = {name: saved["config"].get(name) for name in config.identity()}
    changed = [name for name, value in config.identity().items() if known[name] != value]
    if saved["data"]["sha256"] != data_sha256:
        changed.append("the data itself")
    if changed:
        raise UsageProblem(
            f"{output} holds a run with other settings: {', '.join(changed)}",
            "Name another --output-dir, or start anew with --overwrite.",
        )
    return found

"""One training run from its configuration: model, data, trainer, result."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click
import torch
import transformers
from safetensors import SafetensorError

from harness import chat, handlers, machine, models
from harness.data import examples
from harness.errors import UsageProblem
from harness.results import provenance
from harness.text import one_line
from harness.types import ModelInfo
from trainer import callbacks, folder, losses
from trainer.collate import Collator, Row, pack
from trainer.config import TrainConfig
from trainer.data import IN_ENVIRONMENT, Corpus, Encoder, Record, end_of_turn
from trainer.mix import mix, source
from trainer.model import describe_adapter, load_model, stop_at
from trainer.train import RegionTrainer
from trainer.tree import Tree, refuse, trees

SAME = (
    *("output_dir", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps"),
    *("learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "optim", "max_grad_norm", "seed"),
    *("bf16", "use_cpu", "deepspeed", "save_steps", "save_total_limit", "logging_steps"),
    *("adam_beta1", "adam_beta2", "adam_epsilon"),
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
    if config.chat_template:
        tokenizer.chat_template = Path(config.chat_template).read_text("utf-8")
    tokenizer.chat_template = tokenizer.chat_template or chat.CHATML  # saved with the model: it is trained on it
    return tokenizer


def encode(config: TrainConfig, tokenizer: Any) -> tuple[Corpus, list[Row]]:
    """Read the data.

    Args:
        config: The run.
        tokenizer: The model's.

    Returns:
        The corpus, and the rows that are trained on.
    """
    about = small_files(transformers.AutoConfig, config)
    model = ModelInfo(
        config.model,
        chat_template=tokenizer.chat_template,
        architectures=tuple(about.architectures or ()),
        model_type=about.model_type,
        marks=models.marks_in(tokenizer.get_added_vocab()),
    )
    handler, _, why = handlers.fitted(config.handler, {}, "upstream", model)
    if why:
        print(f"{config.handler}: {why}", flush=True)
    encoder = Encoder(tokenizer, handler, config.max_length, config.overlong, config.turns)
    encoder.positions = getattr(about, "max_position_embeddings", None)
    encoder.reading = {
        "columns": examples.pairs("--columns", config.columns),
        "roles": examples.pairs("--roles", config.roles),
    }
    sources = [source(each) for each in config.sources]
    corpora = [(name, weight, encoder.corpus(name, config.data_format, config.limit)) for name, weight in sources]
    corpus = mix(corpora, config.seed)
    if not config.share_prefix:
        return corpus, _rows(corpus.records, config)
    refuse(config.attn_implementation, about, config.max_length)
    shared = trees(corpus.records, config.max_length)
    corpus.counts["tokens that replies share"] = sum(map(len, corpus.records)) - sum(map(len, shared))
    return corpus, _rows(shared, config)


def _rows(items: Sequence[Record | Tree], config: TrainConfig) -> list[Row]:
    return pack(items, config.max_length) if config.packing else [(item,) for item in items]


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
        report_to=_reporters(config.report_to),
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
        "benchmark_environments": sorted(
            {name.removeprefix(IN_ENVIRONMENT) for name in corpus.counts if name.startswith(IN_ENVIRONMENT)}
            | set(models.outline(config.model, models.locate(config.model)).environments)
        ),
        "base": models.inspect(config.model).sha256 if os.environ.get("RANK", "0") == "0" else None,
        "adapter": describe_adapter(config),
        "code": asdict(provenance.code()),
        "machine": machine.description(),
    }
    checkpoint = folder.resume_point(config, corpus.sha256)
    if checkpoint == output:
        click.echo(f"{output} is finished: step {folder.state(output)['step']} was the last. --overwrite starts anew.")
        return output
    transformers.set_seed(config.seed)
    with _settings_are_refused():
        model = load_model(config)
        stop_at(model, tokenizer, end_of_turn(tokenizer))
        trainer = RegionTrainer(
            loss=loss,
            about=about,
            model=model,
            args=settings,
            train_dataset=Rows(rows),
            data_collator=Collator(tokenizer.pad_token_id),
            processing_class=tokenizer,
        )
    callbacks.install(trainer, config, corpus)
    if checkpoint:
        trainer.restore(folder.state(checkpoint))
    try:
        if config.max_steps != 0:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except SafetensorError as problem:
        raise folder.damaged(checkpoint or output, problem) from None
    trainer.save_model()
    if trainer.args.should_save:
        trainer.write_state(output)
        shutil.rmtree(output / ".saving", ignore_errors=True)
    return output


def _reporters(text: str) -> list[str]:
    """Reporters by name; `auto` is tensorboard where it is installed.

    Raises:
        UsageProblem: One is unknown or not installed.
    """
    installed = transformers.integrations.get_available_reporting_integrations()
    if text == "auto":
        return [name for name in installed if name == "tensorboard"]
    named = [name.strip() for name in text.split(",") if name.strip() not in ("", "none")]
    if missing := [name for name in named if name not in installed]:
        raise UsageProblem(
            f"--report-to {', '.join(missing)}: no such reporter is installed here",
            f"Installed: {', '.join(installed) or 'none'}. `pip install` it, or give --report-to none.",
        )
    return named


@contextmanager
def _settings_are_refused() -> Iterator[None]:
    """What transformers and peft do not know of a setting's value is the user's to mend."""
    try:
        yield
    except (ValueError, ImportError) as problem:
        raise UsageProblem(one_line(str(problem), 600), "`trainer run --help` has all settings.") from problem

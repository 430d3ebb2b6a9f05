"""One training run from its configuration: model, data, trainer, result."""

from __future__ import annotations

import importlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
import transformers
from safetensors import SafetensorError

from harness import chat, handlers, machine, models
from harness.data import examples
from harness.errors import UsageProblem
from harness.protocols import Handler
from harness.results import provenance
from harness.types import ModelInfo
from trainer import cache, callbacks, folder, losses
from trainer.arguments import arguments, settings_are_refused
from trainer.checkpoints import STAGING
from trainer.collate import Collator, Rows, pack
from trainer.config import RunConfig, TrainConfig
from trainer.data import IN_ENVIRONMENT, Corpus, Encoder, end_of_turn
from trainer.evaluation import held_out
from trainer.mix import mix, source
from trainer.model import describe_adapter, load_model, stop_at
from trainer.monotony import warning
from trainer.store import Record, lengths
from trainer.train import RegionTrainer
from trainer.tree import Tree, refuse, trees

EXAMPLE = "examples/deepspeed/zero2.json."


def small_files(kind: Any, config: RunConfig) -> Any:
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


def load_tokenizer(config: RunConfig) -> Any:
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


def convention(config: RunConfig, tokenizer: Any, rules: str = "upstream") -> tuple[Handler, int | None]:
    """How a model is asked and read.

    Args:
        config: Names the model and the handler.
        tokenizer: The model's.
        rules: By which replies are read.

    Returns:
        The handler with the options that fit the model, and how many positions the model has, where it says.
    """
    about = small_files(transformers.AutoConfig, config)
    model = ModelInfo(
        config.model,
        chat_template=tokenizer.chat_template,
        architectures=tuple(about.architectures or ()),
        model_type=about.model_type,
        marks=models.marks_in(tokenizer.get_added_vocab()),
    )
    handler, _, why = handlers.fitted(config.handler, {}, rules, model)
    if why:
        print(f"{config.handler}: {why}", flush=True)
    return handler, getattr(about, "max_position_embeddings", None)


def reading(config: RunConfig) -> dict[str, Any]:
    """Further arguments of `harness.data.examples.read`."""
    return {
        "columns": examples.pairs("--columns", config.columns),
        "roles": examples.pairs("--roles", config.roles),
    }


def read_all(config: RunConfig, named: Sequence[str], read: Callable[[str, str, int | None], Corpus]) -> Corpus:
    """Several data sets as one.

    Args:
        config: How they are read.
        named: Data sets, each with its weight where one is given.
        read: From a data set, its format and a limit of rows to its records.

    Returns:
        The mix.
    """
    sources = [source(each) for each in named]
    return mix([(name, weight, read(name, config.data_format, config.limit)) for name, weight in sources], config.seed)


def encode(config: TrainConfig, tokenizer: Any) -> tuple[Corpus, Rows]:
    """Read the data.

    Args:
        config: The run.
        tokenizer: The model's.

    Returns:
        The corpus, and the rows that are trained on.
    """
    corpus, _ = corpora(config, tokenizer)
    return corpus, in_rows(corpus, config)


def corpora(config: TrainConfig, tokenizer: Any) -> tuple[Corpus, Corpus | None]:
    """What is trained on, and what is held out, where something is.

    Args:
        config: The run.
        tokenizer: The model's.

    Returns:
        Both.
    """
    handler, positions = convention(config, tokenizer)
    encoder = Encoder(tokenizer, handler, config.max_length, config.overlong, config.turns, positions, reading(config))
    kept = cache.Cache(cache.place(config.data_cache), encoder, config.preprocessing_num_workers)
    corpus = read_all(config, config.sources, kept.corpus)
    if config.eval_data:
        return corpus, read_all(config, config.eval_sources, kept.corpus)
    return held_out(corpus, config.eval_fraction, config.seed) if config.eval_fraction else (corpus, None)


def in_rows(corpus: Corpus, config: TrainConfig) -> Rows:
    """The rows of a corpus: replies of a conversation in one tree, rows packed, where that is asked for."""
    items: Sequence[Record | Tree] = corpus.records
    if config.share_prefix:
        refuse(config.attn_implementation, small_files(transformers.AutoConfig, config), config.max_length)
        items = trees(corpus.records, config.max_length)
        shared = int(lengths(corpus.records).sum() - lengths(items).sum())
        corpus.counts["tokens that replies share"] = shared
    return pack(items, config.max_length) if config.packing else Rows(items)


def train(config: TrainConfig) -> Path:
    """Train, or continue an interrupted run.

    Args:
        config: The run.

    Returns:
        The output folder: an ordinary model folder (or adapter folder) with `train.json`.

    Raises:
        UsageProblem: The output folder holds a run with other settings, or a setting cannot be honoured.
    """
    prepare(config)
    output = Path(config.output_dir)
    loss = losses.load(config.loss, config.loss_settings)
    with settings_are_refused():
        settings = arguments(config)
    tokenizer = load_tokenizer(config)
    corpus, kept_out = corpora(config, tokenizer)
    about = described(config, corpus)
    about["data"]["tokens"] = corpus.tokens
    if kept_out:
        about["data"]["held_out"] = {"sha256": kept_out.sha256, "counts": kept_out.counts, "tokens": kept_out.tokens}
    held_out_sha256 = kept_out.sha256 if kept_out else None
    checkpoint = folder.resume_point(config, corpus.sha256, held_out_sha256)
    if checkpoint == output:
        return told_finished(output)
    about["evaluated"] = folder.evaluated(config, held_out_sha256, checkpoint)
    if (told := warning(corpus.records, tokenizer, config.loss)) and os.environ.get("RANK", "0") == "0":
        click.echo(f"warning: {told}", err=True)
    rows = in_rows(corpus, config)
    transformers.set_seed(config.seed)
    with settings_are_refused():
        model = load_model(config)
        stop_at(model, tokenizer, end_of_turn(tokenizer))
        trainer = RegionTrainer(
            loss=loss,
            about=about,
            model=model,
            args=settings,
            train_dataset=rows,
            data_collator=Collator(tokenizer.pad_token_id),
            processing_class=tokenizer,
        )
    measure = partial(trainer.measure, in_rows(kept_out, config)) if kept_out else None
    callbacks.install(trainer, config, corpus, measure)
    return carry_out(trainer, config, checkpoint)


def prepare(config: RunConfig) -> None:
    """Refuse what cannot be meant, before anything is loaded.

    Raises:
        UsageProblem: A setting cannot be honoured.
    """
    config.check()
    if config.fsdp and int(os.environ.get("WORLD_SIZE", "1")) == 1:
        remedy = "Start it by `torchrun --nproc-per-node N -m trainer.cli ...`, or give --no-fsdp."
        raise UsageProblem("--fsdp shards over several processes, and this is one", remedy)
    if config.deepspeed:
        _check_deepspeed(config.deepspeed, config.use_cpu)
    transformers.utils.logging.disable_progress_bar()


def _check_deepspeed(name: str, on_cpu: bool) -> None:
    """Refuse a configuration that is not there, and one without its package; on a CPU, let it use gloo as it is.

    Raises:
        UsageProblem: It is so.
    """
    try:
        settings = json.loads(Path(name).read_bytes())
    except (OSError, ValueError) as problem:
        raise UsageProblem(
            f"--deepspeed {name} cannot be read: {problem}", "Give a JSON file, such as " + EXAMPLE
        ) from None
    if not isinstance(settings, dict):
        raise UsageProblem(f"--deepspeed {name} is not a JSON object", "Give a JSON file, such as " + EXAMPLE)
    if machine.version("deepspeed") is None:
        raise UsageProblem("--deepspeed needs the package deepspeed, which is not installed", "pip install deepspeed")
    if on_cpu:
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
        # It would compile an all-reduce of its own at the first start: for minutes, in silence, or not at all.
        importlib.import_module("deepspeed.ops").__dict__["__compatible_ops__"] = {}


def described(config: RunConfig, corpus: Corpus) -> dict[str, Any]:
    """What `train.json` says of a run before its first step."""
    return {
        "config": asdict(config),
        "data": {"source": config.data, "sha256": corpus.sha256, "counts": corpus.counts},
        "benchmark_environments": sorted(
            {name.removeprefix(IN_ENVIRONMENT) for name in corpus.counts if name.startswith(IN_ENVIRONMENT)}
            | set(models.outline(config.model, models.locate(config.model)).environments)
        ),
        "base": models.inspect(config.model).sha256 if os.environ.get("RANK", "0") == "0" else None,
        "adapter": describe_adapter(config),
        "code": asdict(provenance.code()),
        "machine": machine.description(),
    }


def told_finished(output: Path) -> Path:
    """The folder of a finished run, after saying that it is finished."""
    click.echo(f"{output} is finished: step {folder.state(output)['step']} was the last. --overwrite starts anew.")
    return output


def carry_out(trainer: Any, config: RunConfig, checkpoint: Path | None) -> Path:
    """Take the steps that are left, and save the model.

    Args:
        trainer: Built, with its callbacks; a subclass of `Staged`.
        config: The run.
        checkpoint: Where to go on; None for a start.

    Returns:
        The output folder.

    Raises:
        DataError: The checkpoint is damaged.
    """
    output = Path(config.output_dir)
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
        shutil.rmtree(output / STAGING, ignore_errors=True)
    return output

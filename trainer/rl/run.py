"""One training by reinforcement from its configuration: model, items, trainer, result."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers

from harness.errors import DataError, UsageProblem
from trainer import callbacks, folder
from trainer.arguments import settings_are_refused
from trainer.data import Corpus, end_of_turn
from trainer.model import load_model, stop_at
from trainer.rl import rewards
from trainer.rl.config import RLConfig
from trainer.rl.items import read_items
from trainer.rl.page import Page
from trainer.rl.replies import Replies
from trainer.rl.reward import Scorer
from trainer.run import carry_out, described, load_tokenizer, prepare, told_finished

if TYPE_CHECKING:
    from harness.protocols import Handler

TRL = "1.16"
"""The minor version whose protected methods `engine` overrides."""


def require_trl() -> None:
    """See that TRL is the one that this was written for.

    Raises:
        UsageProblem: It is missing, or another.
    """
    remedy = f"pip install 'trl>={TRL},<1.{int(TRL.partition('.')[2]) + 1}', or this package with its extra: [rl]"
    try:
        found = metadata.version("trl")
    except metadata.PackageNotFoundError:
        raise UsageProblem("trainer rl needs TRL, which is not installed", remedy) from None
    if found.split(".")[:2] != TRL.split("."):
        raise UsageProblem(f"trainer rl works with TRL {TRL}, and {found} is installed", remedy)


def learn(config: RLConfig) -> Path:
    """Train by reinforcement, or continue an interrupted run.

    Args:
        config: The run.

    Returns:
        The output folder: an ordinary model folder (or adapter folder) with `train.json`.
    """
    require_trl()
    prepare(config)
    config.check_batch(int(os.environ.get("WORLD_SIZE", "1")))
    output = Path(config.output_dir)
    tokenizer = load_tokenizer(config)
    corpus, handler = read_items(config, tokenizer, rewards.load(config.reward))
    check_size(config, corpus)
    about = described(config, corpus)
    checkpoint = folder.resume_point(config, corpus.sha256)
    if checkpoint == output:
        return told_finished(output)
    about["evaluated"] = folder.evaluated(config, None, checkpoint)
    transformers.set_seed(config.seed)
    trainer = build(config, tokenizer, corpus, handler, about, folder.state(checkpoint)["step"] if checkpoint else 0)
    callbacks.install(trainer, config, corpus)
    trainer.add_callback(Page())
    return carry_out(trainer, config, checkpoint)


def check_size(config: RLConfig, corpus: Corpus) -> None:
    """See that there is a step's worth of questions.

    Raises:
        DataError: There is not.
    """
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    replies = config.per_device_train_batch_size * config.gradient_accumulation_steps * ranks
    if len(corpus.records) < replies // config.num_generations:
        raise DataError(
            f"a step asks {replies // config.num_generations} questions, and the data has {len(corpus.records)}",
            "Give more data, or lower --gradient-accumulation-steps.",
        )


def build(
    config: RLConfig, tokenizer: Any, corpus: Corpus, handler: Handler, about: dict[str, Any], step: int = 0
) -> Any:
    """The trainer of a run.

    Args:
        config: The run.
        tokenizer: The model's.
        corpus: Items.
        handler: Reads replies.
        about: For `train.json`.
        step: Steps taken before.

    Returns:
        An `engine.PolicyTrainer`.
    """
    from harness.engines.hf import ends_of
    from trainer.rl.engine import PolicyTrainer, trl_arguments

    with settings_are_refused():
        model = load_model(config, fused=False)
        stop_at(model, tokenizer, end_of_turn(tokenizer))
        return PolicyTrainer(
            config=config,
            items=corpus.records,
            scorer=Scorer(
                rewards.load(config.reward), handler, tokenizer, ends_of(model, tokenizer), config.needs_think
            ),
            about=about,
            replies=Replies(config, step),
            model=model,
            args=trl_arguments(config),
            processing_class=tokenizer,
        )

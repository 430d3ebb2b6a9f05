"""`trainer run`: train a model."""

from __future__ import annotations

from typing import Any

import click

from trainer.commands import options
from trainer.config import TrainConfig


@click.command("run")
@options
def command(**flags: Any) -> None:
    """Train a model. Killed at any moment, the same command continues from its last checkpoint.

    \b
      trainer run --model tiny --data kept.jsonl --loss msl --output-dir tuned
      trainer run --config funreason-qwen2.5-coder-7b --data kept.jsonl -o tuned
      torchrun --nproc-per-node 8 -m trainer.cli run ...
    """
    config = TrainConfig(**flags).check()
    from trainer.run import train

    click.echo(f"trained: {train(config)}")

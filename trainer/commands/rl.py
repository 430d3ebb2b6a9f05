"""`trainer rl`: train a model by reinforcement."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from harness.flags import doors
from trainer.config import read_recipe
from trainer.rl.config import RLConfig


@click.command("rl")
@doors.config_option(
    partial(read_recipe, record=RLConfig),
    metavar="FILE",
    help="Recipe: YAML of these settings, or a shipped one by name. Flags count before TRAINER_RL_* variables, those "
    "before the recipe.",
)
@doors.options(RLConfig, negatable=True)
def command(**flags: Any) -> None:
    """Train a model by reinforcement: GRPO, or EGPO with its bonus for the entropy of thinking.

    Replies are rewarded by the checker that evaluates. Start from a model that keeps the format. Killed at any moment,
    the same command continues from its last checkpoint.

    \b
      trainer rl --model tuned --data kept.jsonl --method egpo -o policy
      trainer rl --config egpo-qwen2.5-coder-7b --model tuned --data kept.jsonl -o policy
    """
    config = RLConfig(**flags).check()
    from trainer.rl.run import learn

    click.echo(f"trained: {learn(config)}")

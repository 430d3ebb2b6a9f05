"""`refine synth`: conversations from environments."""

from __future__ import annotations

import click

from refine.commands._synth_run import run


@click.group()
def command() -> None:
    """Make multi-turn training conversations from tools that can be carried out (FunReason-MT)."""


command.add_command(run)

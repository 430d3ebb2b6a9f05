"""`refine synth`: conversations from environments."""

from __future__ import annotations

import click

from refine.commands._synth_graph import graph
from refine.commands._synth_run import run
from refine.commands._synth_walk import walk


@click.group()
def command() -> None:
    """Make training conversations from tools that can be run.

    After FunReason-MT (arXiv 2510.24645).
    """


command.add_command(graph)
command.add_command(walk)
command.add_command(run)

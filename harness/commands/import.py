"""`harness import`: another tool's results as a run."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--from", "origin", required=True, metavar="FORMAT", help="lm-eval or bfcl.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Results folder.",
)
def command(source: Path, origin: str, output: Path) -> None:
    """Store another tool's results in SOURCE as a run.

    The verdicts are those that the other tool gave; replies of the official BFCL command are judged here, and what its
    own score files say is kept beside, with a warning for each item on which the two differ.

    \b
      harness import lm_eval_output/ --from lm-eval
      harness import result/Qwen_Qwen3-8B-FC --from bfcl
    """
    from harness import exchange

    click.echo(exchange.read(origin, source, output))

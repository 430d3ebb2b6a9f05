"""`trainer merge`: an adapter and its base as one model folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("merge")
@click.argument("adapter")
@click.option("--output-dir", "-o", required=True, type=click.Path(path_type=Path, file_okay=False), help="New folder.")
def command(adapter: str, output_dir: Path) -> None:
    """Write a trained ADAPTER and its base as one ordinary model folder.

    \b
      trainer merge adapter -o merged
    """
    from trainer.model import merge

    merge(adapter, output_dir)
    click.echo(f"merged: {output_dir}")

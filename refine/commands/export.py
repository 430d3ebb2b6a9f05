"""`refine export`: kept examples in another trainer's format."""

from __future__ import annotations

from pathlib import Path

import click

from harness.errors import UsageProblem


@click.command("export")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--format", "form", required=True, help="trl, sharegpt, openai or xlam.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSONL file.")
def command(source: Path, form: str, output: Path) -> None:
    """Write examples as TRL, ShareGPT, OpenAI or xLAM rows.

    SOURCE is a run folder, whose kept.jsonl is taken, or any file of examples.
    """
    from harness.data import examples as data
    from harness.types import Example
    from refine.export import export

    file = source / "kept.jsonl" if source.is_dir() else source
    if not file.exists():
        raise UsageProblem(f"{source} holds no kept.jsonl", "Give the folder of a run, or a file of examples.")
    usable = (row for row in data.read(file) if isinstance(row, Example))
    written, left_out = export(usable, form, output)
    note = f", {left_out} left out because {form} cannot hold them" if left_out else ""
    click.echo(f"{written} written to {output}{note}")

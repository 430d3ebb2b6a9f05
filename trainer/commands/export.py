"""`trainer export`: a trained model for llama.cpp and what is built on it."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export")
@click.argument("model")
@click.option("--gguf", "output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="New file.")
@click.option("--outtype", default="auto", show_default=True, help="Of its weights: f32, f16, bf16, q8_0, auto.")
@click.option(
    "--converter",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="llama.cpp's convert_hf_to_gguf.py. [default: the one on PATH]",
)
def command(model: str, output: Path, outtype: str, converter: Path | None) -> None:
    """Write MODEL as a GGUF file by llama.cpp's converter.

    An adapter is merged into its base first.

    \b
      trainer export tuned --gguf tuned.gguf
    """
    from trainer.gguf import export, find_converter

    export(model, output, outtype, find_converter(converter))
    click.echo(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")

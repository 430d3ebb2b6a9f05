"""`refine dedup`: leave near duplicates out."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("dedup")
@click.option("--input", "source", required=True, metavar="FILE|HF_ID", help="Data set: JSONL file or hub id[:split].")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSONL file.")
@click.option("--threshold", default=0.8, show_default=True, type=click.FloatRange(0, 1), help="Jaccard similarity.")
def command(source: str, output: Path, threshold: float) -> None:
    """Leave out examples that nearly repeat an earlier one.

    By MinHash over three-word shingles of query and answer.
    """
    from refine.sift import sift
    from refine.similar import NearDuplicates

    click.echo("\n".join(sift(source, output, NearDuplicates(threshold).objection)))

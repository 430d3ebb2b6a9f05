"""`refine dedup`: leave near duplicates out."""

from __future__ import annotations

import json
from dataclasses import asdict
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
    from harness import examples as data
    from harness.types import Example
    from refine.similar import NearDuplicates

    usable = (row for row in data.read(source) if isinstance(row, Example))
    seen, kept, repeated = NearDuplicates(threshold), 0, 0
    new = output.with_name(output.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        for example in usable:
            if seen.original(example) is None:
                kept += 1
                file.write(json.dumps(asdict(example)) + "\n")
            else:
                repeated += 1
    new.replace(output)
    click.echo(f"{kept} kept, {repeated} near duplicates left out")

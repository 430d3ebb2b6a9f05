"""`refine decontaminate`: leave out what overlaps with a benchmark."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command("decontaminate")
@click.option("--input", "source", required=True, metavar="FILE|HF_ID", help="Data set: JSONL file or hub id[:split].")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSONL file.")
@click.option("--against", required=True, metavar="NAMES", help="bfcl, humaneval, mbpp; separated by commas.")
def command(source: str, output: Path, against: str) -> None:
    """Leave out queries that stand in a benchmark.

    Or that share 13 words in a row with one of its questions.
    """
    from harness import examples as data
    from harness.types import Example
    from refine.similar import Contamination, benchmark_questions

    contamination = Contamination(benchmark_questions([name.strip() for name in against.split(",")]))
    kept, found = 0, []
    new = output.with_name(output.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        for example in data.read(source):
            if not isinstance(example, Example):
                continue
            if findings := contamination.check(example):
                found.append((example.id, findings[0].message))
            else:
                kept += 1
                file.write(json.dumps(asdict(example)) + "\n")
    new.replace(output)
    for example_id, message in found[:20]:
        click.echo(f"{example_id!r}: {message}")
    click.echo(f"{kept} kept, {len(found)} left out")

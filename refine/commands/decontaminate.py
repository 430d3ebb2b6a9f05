"""`refine decontaminate`: leave out what overlaps with a benchmark."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("decontaminate")
@click.option("--input", "source", required=True, metavar="FILE|HF_ID", help="Data set: JSONL file or hub id[:split].")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSONL file.")
@click.option(
    "--against", required=True, metavar="NAMES", help="bfcl, acebench, apibank, humaneval, mbpp; separated by commas."
)
def command(source: str, output: Path, against: str) -> None:
    """Leave out queries that stand in a benchmark.

    Or that share 13 words in a row with one of its questions.
    """
    from harness.running.pairs import split
    from refine.questions import benchmark_questions
    from refine.sift import sift
    from refine.similar import Contamination

    contamination = Contamination(benchmark_questions(split([against]) or [against]))
    click.echo("\n".join(sift(source, output, contamination.objection)))

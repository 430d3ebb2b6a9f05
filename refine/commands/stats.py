"""`refine stats`: the report of a run, made anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command("stats")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--tokenizer", help="Count lengths in this model's tokens instead of words.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def command(folder: Path, tokenizer: str | None, as_json: bool) -> None:
    """Print what a run kept, dropped and spent.

    Its report is written again.
    """
    from tabulate import tabulate

    from refine import report
    from refine.synth import report as synthesis

    if synthesis.is_synthesis(folder):
        _tell_synthesis(synthesis.write(folder), as_json)
        return
    summary = report.summarise(folder, report.token_counter(tokenizer) if tokenizer else None)
    report.write_report(folder, summary)
    if as_json:
        click.echo(json.dumps(summary, indent=1))
        return
    for title, rows in (("outcomes", summary["outcomes"].items()), ("free checks", summary["findings"].items())):
        click.echo(tabulate(rows, headers=(title, "examples")) + "\n")
    for title in ("stages", "calls"):
        click.echo(tabulate(summary[title], headers="keys") + "\n")
    click.echo(f"lengths of what was kept, in {summary['unit']} (the paper's are tokens)")
    rows = [
        (
            part,
            length["n"],
            length.get("mean", "N/A"),
            length.get("median", "N/A"),
            summary["paper_lengths"][part]["mean"],
        )
        for part, length in summary["lengths"].items()
    ]
    click.echo(tabulate(rows, headers=("part", "n", "mean", "median", "paper's mean")))


def _tell_synthesis(summary: dict[str, Any], as_json: bool) -> None:
    """Print a synthesis's numbers."""
    from tabulate import tabulate

    if as_json:
        click.echo(json.dumps(summary, indent=1))
        return
    click.echo(tabulate(summary["funnel"].items(), headers=("phase", "conversations")) + "\n")
    kinds = [{"kind": kind, **row} for kind, row in summary["kinds"].items()]
    for rows in (summary["stages"], kinds, summary["calls"]):
        click.echo(tabulate(rows, headers="keys") + "\n")

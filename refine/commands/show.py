"""`refine show`: all that was decided about one example."""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.errors import UsageProblem


@click.command("show")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("example_id")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as they are.")
def command(folder: Path, example_id: str, as_json: bool) -> None:
    """Show what became of one example, and why."""
    from harness.text import one_line
    from refine.ledger import read_lines
    from refine.outputs import books

    calls, outcomes = (
        [line for book in books(folder) for line in read_lines(book / name) if line["id"] == example_id]
        for name in ("calls.jsonl", "outcomes.jsonl")
    )
    if not calls and not outcomes:
        raise UsageProblem(f"{folder} knows no example {example_id!r}", "Ids are those of the input.")
    if as_json:
        click.echo(json.dumps({"outcomes": outcomes, "calls": calls}, indent=1))
        return
    for line in calls:
        read = "unreadable" if line["read"] is None else ", ".join(f"{k}: {v}" for k, v in line["read"].items())
        click.echo(f"{line['stage']:<10} {one_line(line['model'])}  {one_line(line['fault'] or read)}")
    for line in outcomes:
        click.echo(
            f"{line['outcome']:<10} at {line['stage']} after {line['repairs']} repairs  {one_line(line['reason'])}"
        )
        click.echo(f"answer     {one_line(line['example']['answer'])}")

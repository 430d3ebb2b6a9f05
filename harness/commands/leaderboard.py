"""`harness leaderboard`: measured runs beside published numbers."""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from pathlib import Path

import click

from harness.errors import RunIncomplete


def _split(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return [name for value in values for name in value.split(",") if name]


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--view", "views", multiple=True, callback=_split, help="Views (v4, v3_late, funreason, ...) or .toml files."
)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Write files into this folder.")
@click.option(
    "--format", "formats", multiple=True, callback=_split, help="Files to write: md, csv, json, html. [default: all]"
)
@click.option("--sort", help="Column to sort by, best first. [default: the first one]")
@click.option(
    "--columns",
    multiple=True,
    callback=_split,
    help="Columns to print, by their names in the view. [default: what fits]",
)
@click.option("--base", help="Model that forgetting differences are measured against.")
@click.option("--usage", is_flag=True, help="Print latency, tokens and steps of each row, too; reads all samples.")
@click.option("--prices", metavar="IN,OUT", help="USD for a million tokens, for --usage. [default: the runs' own]")
@click.option("--require-complete", is_flag=True, help="Exit 3 if a row does not cover its data.")
@click.option("--upstream-missing", is_flag=True, help="Count missing categories as 0, like the official evaluator.")
def command(
    runs: tuple[Path, ...],
    views: list[str],
    output: Path | None,
    formats: list[str],
    sort: str | None,
    columns: list[str],
    base: str | None,
    usage: bool,
    prices: str | None,
    require_complete: bool,
    upstream_missing: bool,
) -> None:
    """Print RUNS beside published numbers.

    RUNS are folders of runs, or above runs; by default results/. With -o the tables are written, too.

    Each number comes with its interval, n and coverage. Columns are trees of averages from leaderboards/*.toml:
    --view NAME takes one of those, --view FILE.toml yours.

    \b
      harness leaderboard results/ --view funreason
      harness leaderboard results/ --view forgetting --base base-7b -o board
    """
    from harness.analysis.entries import entries, load
    from harness.analysis.leaderboard import build
    from harness.errors import unknown_name
    from harness.reports import boards, costs
    from harness.results.usage import parse_prices
    from harness.stats.views import AUTOMATIC, load_view

    for name in formats:
        if name not in boards.WRITERS:
            raise unknown_name("format", name, boards.WRITERS)
    found = entries(load(runs or (Path("results"),), partial(click.echo, err=True)))
    chosen = [load_view(name) for name in views or AUTOMATIC]
    known = {column for view in chosen for column in view.columns}
    for name in (*columns, *([sort] if sort else ())):
        if name not in known:
            raise unknown_name("column", name, known)
    built = [
        build(view, found, base=base, upstream_missing=upstream_missing, sort=sort if sort in view.columns else None)
        for view in chosen
    ]
    shown = built if views else [board for board in built if any(block.measured for block in board.blocks)]
    width = shutil.get_terminal_size().columns
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.echo(boards.terminal(shown, width, columns, color) if shown else "no column of any view was run; see --view")
    table = costs.rows(found, parse_prices(prices) if prices else None) if usage or prices else []
    if table:
        click.echo("\n" + costs.terminal(table, width))
    if output:
        output.mkdir(parents=True, exist_ok=True)
        for name in formats or boards.WRITERS:
            path = output / f"leaderboard.{name}"
            path.write_text(boards.WRITERS[name](built), encoding="utf-8")
            click.echo(f"wrote {path}")
        if table:
            (output / "usage.csv").write_text(costs.comma_separated(table), encoding="utf-8")
    lacking = [row.label for board in built for block in board.blocks for row in block.rows if row.partial]
    if require_complete and lacking:
        raise RunIncomplete(f"not complete: {', '.join(dict.fromkeys(lacking))}", "Run the same command to continue.")

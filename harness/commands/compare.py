"""`harness compare`: paired statistics of two or more runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from harness.errors import UsageProblem


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--by",
    type=click.Choice(["category", "benchmark"]),
    default="category",
    help="Finest rows to print. [default: category]",
)
@click.option(
    "--flips", "show", type=click.IntRange(min=0), default=0, help="Show N items lost and N gained with both replies."
)
@click.option("--rules", help="Judge both sides again by these rules first (upstream, strict).")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, True, True),
    default=0.05,
    show_default=True,
    help="What p or q must be below to count as beyond noise.",
)
@click.option(
    "--resamples",
    type=click.IntRange(min=100),
    default=10_000,
    show_default=True,
    help="Random draws of each interval.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of these draws.")
@click.option("--cluster", metavar="REGEX", help="Part of an id that names a cluster. [default: repeats of one item]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "md", "json", "html"]),
    default="table",
    show_default=True,
    help="How it is written.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead.")
@click.option("--force", is_flag=True, help="Compare in spite of different data, checker or rules; marked.")
def command(
    runs: tuple[Path, ...],
    by: str,
    show: int,
    rules: str | None,
    alpha: float,
    resamples: int,
    seed: int,
    cluster: str | None,
    form: str,
    output: Path | None,
    force: bool,
) -> None:
    """Compare RUNS item by item; the first is the baseline A.

    A run is its folder, the start of its id, a folder above runs of several benchmarks, or a frozen baseline file.
    Reported are the items lost and gained, McNemar's exact test, bootstrap and permutation intervals of the
    difference, the smallest difference that this many items could show, and q-values over categories.

    \b
      harness compare results/base-7b results/tuned-7b --flips 5
      harness compare baseline.json results/tuned-7b --format md -o comparison.md
    """
    from harness.analysis.comparison import Options, compare
    from harness.analysis.sides import read
    from harness.reports import comparisons

    if len(runs) < 2:
        raise UsageProblem("compare needs at least two runs", "harness compare BASELINE RUN [RUN ...]")
    a, *others = [read(path, rules) for path in runs]
    found = compare(a, others, Options(alpha, resamples, seed, cluster, force))
    if by == "benchmark":
        found = [comparison.totals() for comparison in found]
    if form == "table":
        text = comparisons.terminal(found, shutil.get_terminal_size().columns)
        for comparison in found if show else ():
            text += "\n\n" + comparisons.flips(comparison, show)
    else:
        text = comparisons.WRITERS[form](found).rstrip("\n")
    if output:
        output.write_text(text + "\n", encoding="utf-8")
        click.echo(f"wrote {output}")
    else:
        click.echo(text)

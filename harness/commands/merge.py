"""`harness merge`: shards of one run as one run."""

from __future__ import annotations

from pathlib import Path

import click

from harness.errors import RunIncomplete, UsageProblem


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Results folder to write."
)
@click.option("--of", "expected", type=click.IntRange(1), metavar="N", help="Shards that there should be.")
@click.option("--repeats", is_flag=True, help="Runs of one configuration are repeats, not attempts at one shard.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier merged run in the results folder.")
@click.option("--require-complete", is_flag=True, help="Exit 3 if shards or items are missing.")
def command(
    shards: tuple[Path, ...],
    output: Path,
    expected: int | None,
    repeats: bool,
    overwrite: bool,
    require_complete: bool,
) -> None:
    """Join SHARDS of one run into one run.

    SHARDS are folders of runs, or above runs, of one model that was asked and judged in one way. Shards with different
    items or categories are put side by side; shards with the same items, each with a --seed of its own, become repeats.
    Runs of one configuration are attempts at one shard: the fullest counts, and others fill what it lacks.

    \b
      harness merge shard-1 shard-2 shard-3 shard-4 --of 4 -o merged
      harness gate merged --policy usual --baseline baseline.json
    """
    from harness.results import store
    from harness.results.merging import merge
    from harness.text import one_line

    folders = list(dict.fromkeys(folder.resolve() for path in shards for folder in store.find_runs(path)))
    if not folders:
        raise UsageProblem(f"no run in {', '.join(map(str, shards))}", "Give folders that `harness run` wrote.")
    groups: dict[str, list[Path]] = {}
    for folder in folders:
        groups.setdefault(store.read_run(folder).benchmark.name, []).append(folder)
    _make_room(output, overwrite)
    lacking = []
    for found in groups.values():
        folder = merge(found, output, expected, repeats, lambda problem: click.echo(one_line(problem, 500), err=True))
        record = store.read_run(folder)
        about, told = record.benchmark, record.shards
        assert told is not None
        click.echo(folder)
        items = (
            f"{about.n - (about.left or 0)} of {about.n} items"
            if about.n is not None
            else "items: not told of how many"
        )
        state = f"{told.told or f'{told.found} shards'}, {items}, {record.status}"
        click.echo(f"{about.name}: {state}")
        if record.status != "complete":
            lacking.append(f"{about.name}: {state}")
    if lacking and require_complete:
        raise RunIncomplete("; ".join(lacking), "Run the shards that are missing again, and merge all of them.")


def _make_room(output: Path, overwrite: bool) -> None:
    """Two merged runs in one folder could not be told apart by a gate."""
    import shutil

    from harness.results import store

    for folder in store.find_runs(output) if output.exists() else ():
        if not overwrite or store.read_run(folder).shards is None:
            remedy = "Give another folder." if overwrite else "Give another folder, or --overwrite for a merged one."
            raise UsageProblem(f"{output} holds a run already: {folder}", remedy)
        shutil.rmtree(folder)

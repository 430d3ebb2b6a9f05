"""`harness export`: write a run in another tool's format."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run")
@click.argument("output", type=click.Path(file_okay=False, path_type=Path))
@click.option("--to", "target", required=True, metavar="FORMAT", help="bfcl, evalplus or lm-eval.")
@click.option("--model-name", help="The model's name in the written files. [default: one that the other tool knows]")
@click.option(
    "--repeat",
    "repeats",
    type=click.IntRange(0),
    multiple=True,
    help="Which repeat of each sample; several go to folders of their own. [default: 0; all for evalplus]",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def command(
    run: str, output: Path, target: str, model_name: str | None, repeats: tuple[int, ...], overwrite: bool
) -> None:
    """Write RUN into the folder OUTPUT as another tool's files.

    RUN is a folder, or the start of a run's id.

    \b
      harness export results/tiny/bfcl/20261121T031200Z-1a2b3c out --to bfcl
    """
    from harness import exchange
    from harness.results import store

    folder = store.find_run(run)
    wanted: list[int | None] = [*dict.fromkeys(repeats)] or [None]
    for repeat in wanted:
        place = output / f"repeat_{repeat}" if len(wanted) > 1 else output
        exported = exchange.write(target, exchange.ExportRequest(folder, place, model_name, repeat, overwrite))
        for path in exported.files:
            click.echo(path)
        click.echo(f"{exported.items} items")
        for note in exported.notes:
            click.echo(note)

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
    default=(0,),
    show_default="0",
    help="Which repeat of each sample; several go to folders of their own.",
)
def command(run: str, output: Path, target: str, model_name: str | None, repeats: tuple[int, ...]) -> None:
    """Write RUN into the folder OUTPUT as another tool's files.

    RUN is a folder, or the start of a run's id.

    \b
      harness export results/tiny/bfcl/20261121T031200Z-1a2b3c out --to bfcl
    """
    from harness import exchange
    from harness.results import store

    folder = store.find_run(run)
    for repeat in dict.fromkeys(repeats):
        place = output / f"repeat_{repeat}" if len(set(repeats)) > 1 else output
        exported = exchange.write(target, exchange.ExportRequest(folder, place, model_name, repeat))
        for path in exported.files:
            click.echo(path)
        click.echo(f"{exported.items} items")
        for note in exported.notes:
            click.echo(note)

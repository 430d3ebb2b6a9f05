"""The recipe as one command: `python -m trainer.recipes.tiny pretrain` makes the model, `data` writes its items."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from random import Random

import click

from harness import cli
from harness.models import TINY
from trainer.recipes.tiny.synth import item

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def main() -> None:
    """Make the embedded model: a tokenizer, synthetic items, a model trained from scratch."""


@main.command()
@click.option("-o", "--output", type=FOLDER, required=True, help="Working folder; a killed run continues in it.")
@click.option("--steps", default=3600, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=1, show_default=True)
def pretrain(output: Path, steps: int, seed: int, threads: int) -> None:
    """Train from scratch. About 0.9 CPU seconds a step."""
    import torch

    from trainer.recipes.tiny import pretrain as recipe
    from trainer.recipes.tiny.export import export
    from trainer.recipes.tiny.tokenizer import build

    torch.set_num_threads(threads)
    tokenizer = build(seed)
    model = recipe.pretrain(recipe.Plan(output, steps=steps, seed=seed), tokenizer)
    export(model, tokenizer, output / "model")
    click.echo(f"model: {output / 'model'}; to ship it, copy it over {TINY}")


@main.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="JSONL file.")
@click.option("-n", "--count", default=1000, show_default=True)
@click.option("--level", type=click.IntRange(1, 4), default=2, show_default=True)
@click.option("--split", type=click.Choice(["train", "unseen"]), default="train", show_default=True)
@click.option("--seed", default=0, show_default=True)
def data(output: Path, count: int, level: int, split: str, seed: int) -> None:
    """Write items as examples: what `trainer run` and `refine run` read, and `harness run --tasks examples` scores."""
    rng = Random(f"data/{split}/{level}/{seed}")
    with output.open("w") as file:
        for index in range(count):
            made = item(rng, level, "unseen" if split == "unseen" else "train")
            file.write(json.dumps(asdict(made.example(f"{split}-{level}-{seed}-{index}"))) + "\n")
    click.echo(f"{count} examples: {output}")


if __name__ == "__main__":
    cli.run(main)

"""`trainer peek`: see what a record looks like to the loss."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import click

from trainer.commands import options
from trainer.config import TrainConfig

STYLES = {0: "dim", 1: "yellow", 2: "bold green"}
NAMES = {0: "prompt", 1: "think", 2: "result"}


@click.command("peek")
@options
@click.option("--index", default=0, show_default=True, help="Which record.")
def command(index: int, **flags: Any) -> None:
    """Print one record, its regions coloured.

    Dim is the prompt, which carries no loss; yellow the thinking, green the result.
    """
    config = TrainConfig(**{**flags, "output_dir": flags["output_dir"] or "-"}).check()
    from rich.console import Console
    from rich.text import Text

    from harness.text import printable
    from trainer.monotony import warning
    from trainer.run import encode, load_tokenizer

    tokenizer = load_tokenizer(config)
    corpus, _ = encode(config, tokenizer)
    record = corpus.records[index % len(corpus.records)]
    text = Text()
    for region, tokens in groupby(zip(record.ids, record.regions, strict=True), key=lambda token: token[1]):
        text.append(printable(tokenizer.decode([token for token, _ in tokens])), STYLES[region])
    console = Console(highlight=False)
    console.print(text)
    sizes = {name: record.regions.count(region) for region, name in NAMES.items()}
    console.print(Text(f"\n{record.id}: " + ", ".join(f"{name} {count} tokens" for name, count in sizes.items())))
    for name, count in corpus.counts.items():
        if count:
            console.print(Text(f"{name}: {count}"))
    if told := warning(corpus.records, tokenizer, config.loss):
        console.print(Text(f"warning: {told}", "red"))

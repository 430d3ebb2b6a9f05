"""Does training on synthesised conversations teach a model an environment? The whole path with commands, three seeds.

    python -m trainer.recipes.conversations -o work

1. `refine synth run` writes conversations to train on and, from another seed, held-out ones in other worlds.
2. `trainer run` trains the model once a seed, each conversation as one tree of replies.
3. `harness run --tasks conversations` plays the held-out ones with the model before and after: states decide.

Killed at any moment, the same command goes on where it was. `WORK/conversations.json` has every item's credit,
`WORK/conversations.md` is the page.

`--roles walk` (the default) has fixed sentences in place of models: what is learnt is the environment, not language.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import click
from tabulate import tabulate

from harness import machine
from harness.errors import DataError
from harness.files import write_atomic
from harness.results import store
from harness.results.tally import credit
from harness.stats import paired
from harness.stats.intervals import wilson
from refine.synth.benchmark import VARIABLE

CATEGORIES = {
    "conversations": "whole conversations",
    "conversation_turns": "share of turns",
    "conversation_calls": "share of the walk's results",
}
TRAIN_SEED, HELD_OUT_SEED = 1, 2
MOST_PLANNED = 4
"""Plans for each conversation that is wanted."""


def program(name: str, *words: str, **flags: object) -> list[str]:
    """A command of one of the three programs in this interpreter."""
    pairs = [(f"--{flag.replace('_', '-')}", str(value)) for flag, value in flags.items()]
    return [sys.executable, "-m", f"{name}.cli", *words, *(word for pair in pairs for word in pair)]


def carry_out(command: Sequence[str], **environment: str) -> None:
    """Run a command and show it; it goes on where it was, should it have been cut off."""
    click.echo(" ".join(command[1:]), err=True)
    subprocess.run(command, check=True, env=os.environ | environment)


def synthesise(environment: str, folder: Path, count: int, seed: int, words: Sequence[str]) -> Path:
    """Write conversations; as many more are planned as came to nothing.

    Args:
        environment: As `refine synth run` takes it.
        folder: The run's folder.
        count: How many there shall be at least.
        seed: Of plans and worlds.
        words: Further flags.

    Returns:
        The file of those that were kept.

    Raises:
        DataError: Most plans come to nothing.
    """
    path, planned = folder / "kept.jsonl", count
    while True:
        command = program("refine", "synth", "run", environment, output=folder, conversations=planned, seed=seed)
        carry_out([*command, *words])
        kept = len(path.read_bytes().splitlines())
        if kept >= count:
            return path
        if planned >= MOST_PLANNED * count:
            raise DataError(f"{folder}: of {planned} plans came {kept} conversations", "Its report.html says why.")
        planned += 2 * (count - kept)


def measure(model: str, held_out: Path, folder: Path, words: Sequence[str]) -> dict[str, dict[str, float]]:
    """Play the held-out conversations.

    Args:
        model: The model.
        held_out: The file.
        folder: Of its runs.
        words: Further flags of `harness run`.

    Returns:
        Credit from 0 to 1 by conversation, by category.
    """
    command = program("harness", "run", model=model, tasks="conversations", output=folder)
    carry_out([*command, *words], **{VARIABLE: str(held_out)})
    (run,) = store.find_runs(folder)
    lines = [line for line in store.read_samples(run) if line.verdicts]
    return {name: {line.id: float(credit(line.verdicts[name])) for line in lines} for name in CATEGORIES}


def compare(before: Mapping[str, Mapping[str, float]], after: Sequence[Mapping[str, Mapping[str, float]]]) -> Any:
    """What training changed.

    Args:
        before: Credits of the untrained model.
        after: Of the trained ones, a seed each.

    Returns:
        By category: credits before, after each seed, and the difference with its 95 % interval over conversations
        (bootstrap, seeds of one conversation together) and the p-value of a permutation test.
    """
    found: dict[str, Any] = {}
    for category, old in before.items():
        pairs = [credits[category][key] - old[key] for credits in after for key in old]
        sums, sizes = paired.cluster_sums(pairs, [key for _ in after for key in old])
        low, high = paired.bootstrap(sums, sizes)
        found[category] = {
            "n": len(old),
            "before": _score(old.values()),
            "after": [_score([credits[category][key] for key in old]) for credits in after],
            "difference": {"mean": fmean(pairs), "low": low, "high": high, "p": paired.permutation_test(sums)},
        }
    return found


def _score(credits: Any) -> dict[str, float]:
    values = list(credits)
    low, high = wilson(sum(values), len(values))
    return {"value": fmean(values), "low": low, "high": high}


def page(record: Mapping[str, Any]) -> str:
    """A record as Markdown; every sentence on a result is derived from it."""
    settings, found = record["settings"], record["found"]
    rows = [
        [CATEGORIES[category], row["n"], *(_shown(each) for each in (row["before"], *row["after"]))]
        for category, row in found.items()
    ]
    heads = ["credit, 95 %", "n", "before", *(f"after, seed {seed}" for seed in range(1, settings["seeds"] + 1))]
    changes = [f"- {CATEGORIES[category]}: {_change(row['difference'])}" for category, row in found.items()]
    return f"""# Does training on synthesised conversations teach an environment?

Written by `python -m trainer.recipes.conversations` from its own runs: `{settings["model"]}` before and after training
on {record["trained_on"]} conversations of `{settings["environment"]}`, {settings["seeds"]} seeds. Held-out
conversations are of other worlds and another seed. The roles were played by `{settings["roles"]}`
({"fixed sentences: the environment is learnt, not language" if settings["roles"] == "walk" else "a model"}).

| | |
| --- | --- |
| refine synth run | `{settings["synth_args"]}` |
| trainer run, {settings["ranks"]} ranks | `--share-prefix {settings["trainer_args"]}` |
| harness run | `{settings["harness_args"]}` |

{tabulate(rows, heads, tablefmt="github")}

A conversation is right when the world ends every turn in the state of the walk and each needed result was returned.
Change over all seeds; interval by bootstrap over conversations, p by permutation:

{chr(10).join(changes)}
"""


def _shown(score: Mapping[str, float]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f}-{score['high']:.3f})"


def _change(change: Mapping[str, float]) -> str:
    """A change in words; one whose interval holds 0 is none that could be told from chance."""
    told = "an effect beyond chance" if change["low"] * change["high"] > 0 else "no effect that can be told from chance"
    span = f"{change['low']:+.3f} to {change['high']:+.3f}"
    return f"{change['mean']:+.3f} ({span}, p = {change['p']:.2g}): {told}."


@click.command()
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder.")
@click.option("--environment", default="examples/environments/library_desk.py:Desk", show_default=True, help="Where.")
@click.option("--model", default="tiny", show_default=True, help="What is trained.")
@click.option("--count", default=200, show_default=True, help="Conversations to train on, at least.")
@click.option("--held-out", default=60, show_default=True, help="Conversations to measure on.")
@click.option("--seeds", default=3, show_default=True, help="Trainings.")
@click.option("--ranks", default=1, show_default=True, help="Processes of one training.")
@click.option("--roles", default="walk", show_default=True, help="Model that plays the roles; walk recites.")
@click.option("--synth-args", default="", help="Further flags of refine synth run.")
@click.option("--trainer-args", default="", help="Further flags of trainer run.")
@click.option("--harness-args", default="", help="Further flags of harness run.")
def main(output: Path, **settings: Any) -> None:
    """Synthesise, train and measure. Killed at any moment, the same command goes on."""
    environment, model = settings["environment"], settings["model"]
    synth = ["--model", settings["roles"], *settings["synth_args"].split()]
    train = synthesise(environment, output / "train", settings["count"], TRAIN_SEED, synth)
    held = synthesise(environment, output / "held-out", settings["held_out"], HELD_OUT_SEED, synth)
    harness = ["--limit", str(settings["held_out"]), *settings["harness_args"].split()]
    before = measure(model, held, output / "runs" / "before", harness)
    after = []
    for seed in range(1, settings["seeds"] + 1):
        tuned = output / f"model-{seed}"
        command = program("trainer", "run", model=model, data=train, output_dir=tuned, seed=seed)
        if settings["ranks"] > 1:
            command[1:1] = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(settings["ranks"])]
        carry_out([*command, "--share-prefix", *settings["trainer_args"].split()])
        after.append(measure(str(tuned), held, output / "runs" / f"after-{seed}", harness))
    record = {
        "settings": settings,
        "trained_on": len(train.read_bytes().splitlines()),
        "machine": dict(machine.description()),
        "found": compare(before, after),
        "credits": {"before": before, "after": after},
    }
    write_atomic(output / "conversations.json", json.dumps(record, indent=1).encode())
    write_atomic(output / "conversations.md", page(record).encode())
    click.echo(page(record))


if __name__ == "__main__":
    main()

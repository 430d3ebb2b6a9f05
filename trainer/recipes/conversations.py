"""Does training on synthesised conversations teach a model an environment? The whole path with commands, three seeds.

    python -m trainer.recipes.conversations -o work

1. `refine synth run` writes conversations to train on and, from another seed, held-out ones in other worlds.
2. `trainer run` trains the model once a seed, each conversation as one tree of replies.
3. `harness run --tasks conversations` plays the held-out ones with the model before and after: states decide.

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

from harness.files import write_atomic
from harness.results import store
from harness.results.tally import credit
from harness.stats import paired
from harness.stats.intervals import wilson
from refine.synth.benchmark import VARIABLE

CATEGORIES = ("conversation_turns", "conversations")
TRAIN_SEED, HELD_OUT_SEED = 1, 2


def program(name: str, *words: str, **flags: object) -> list[str]:
    """A command of one of the three programs in this interpreter."""
    pairs = [(f"--{flag.replace('_', '-')}", str(value)) for flag, value in flags.items()]
    return [sys.executable, "-m", f"{name}.cli", *words, *(word for pair in pairs for word in pair)]


def carry_out(command: Sequence[str], **environment: str) -> None:
    """Run a command and show it; it goes on where it was, should it have been cut off."""
    click.echo(" ".join(command[1:]), err=True)
    subprocess.run(command, check=True, env=os.environ | environment)


def synthesise(environment: str, folder: Path, count: int, seed: int, words: Sequence[str]) -> Path:
    """Write conversations.

    Args:
        environment: As `refine synth run` takes it.
        folder: The run's folder.
        count: How many are planned.
        seed: Of plans and worlds.
        words: Further flags.

    Returns:
        The file of those that were kept.
    """
    carry_out([*program("refine", "synth", "run", environment, output=folder, conversations=count, seed=seed), *words])
    return folder / "kept.jsonl"


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
    for category in CATEGORIES:
        old = before[category]
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


def table(found: Mapping[str, Any]) -> str:
    """The comparison as lines of text."""
    lines = []
    for category, row in found.items():
        shown = [
            f"{each['value']:.3f} [{each['low']:.3f}, {each['high']:.3f}]" for each in (row["before"], *row["after"])
        ]
        change = row["difference"]
        lines += [
            f"{category} (n={row['n']}): before {shown[0]}, after {', '.join(shown[1:])}",
            f"  change {change['mean']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}], p = {change['p']:.2g}",
        ]
    return "\n".join(lines)


@click.command()
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder.")
@click.option("--environment", default="examples/environments/library_desk.py:Desk", show_default=True, help="Where.")
@click.option("--model", default="tiny", show_default=True, help="What is trained.")
@click.option("--count", default=200, show_default=True, help="Conversations to train on.")
@click.option("--held-out", default=60, show_default=True, help="Conversations to measure on.")
@click.option("--seeds", default=3, show_default=True, help="Trainings.")
@click.option("--roles", default="walk", show_default=True, help="Model that plays the roles; walk recites.")
@click.option("--synth-args", default="", help="Further flags of refine synth run.")
@click.option("--trainer-args", default="", help="Further flags of trainer run.")
@click.option("--harness-args", default="", help="Further flags of harness run.")
def main(output: Path, environment: str, model: str, count: int, held_out: int, seeds: int, **words: str) -> None:
    """Synthesise, train and measure."""
    synth = ["--model", words["roles"], *words["synth_args"].split()]
    train = synthesise(environment, output / "train", count, TRAIN_SEED, synth)
    held = synthesise(environment, output / "held-out", held_out, HELD_OUT_SEED, synth)
    harness = words["harness_args"].split()
    before = measure(model, held, output / "runs" / "before", harness)
    after = []
    for seed in range(1, seeds + 1):
        tuned = output / f"model-{seed}"
        command = program("trainer", "run", model=model, data=train, output_dir=tuned, seed=seed)
        carry_out([*command, "--share-prefix", *words["trainer_args"].split()])
        after.append(measure(str(tuned), held, output / "runs" / f"after-{seed}", harness))
    found = compare(before, after)
    write_atomic(output / "result.json", json.dumps(found, indent=1).encode())
    click.echo(table(found))


if __name__ == "__main__":
    main()

"""`refine loop`: rounds of rolling out, refining, training and scoring."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from harness.errors import UsageProblem


@click.command("loop")
@click.option("--mode", type=click.Choice(["srml", "hdr"]), required=True, help="Whole source set, or hard data only.")
@click.option("--model", required=True, help="Model of round 0: path or hub id.")
@click.option(
    "--data",
    "source",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Source set (srml) or hard set (hdr).",
)
@click.option("--output", "-o", required=True, type=click.Path(file_okay=False, path_type=Path), help="Loop folder.")
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--samples", default=1, show_default=True, type=click.IntRange(1), help="Rollouts of each record.")
@click.option("--tasks", default="", help="Tasks that score each round's model.")
@click.option("--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Also train on these.")
@click.option("--harness-args", default="", help="Further flags of the rollouts' `harness run`, as one string.")
@click.option("--refine-args", default="", help="Further flags of `refine run`: judges, votes, threshold.")
@click.option(
    "--method",
    type=click.Choice(["sft", "grpo", "egpo"]),
    default="sft",
    show_default=True,
    help="Train by `trainer run`, or by reinforcement (`trainer rl`).",
)
@click.option("--trainer-args", default="", help="Further flags of the training: loss, steps, batch.")
@click.option(
    "--trainer-launcher", default="", help="What starts the training: 'torchrun --nproc-per-node 8'. [default: python]"
)
@click.option("--score-args", default="", help="Further flags of the scoring `harness run`.")
@click.option("--dry-run", is_flag=True, help="Print the first round's commands, for another machine or a look.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(**flags: Any) -> None:
    """Refine a model by its own answers, round after round.

    Killed at any moment, the same command goes on where it was.

    \b
    Example:
      refine loop --mode srml --model checkpoint --data source.jsonl -o loop \\
        --rounds 2 --tasks simple_python --refine-args "--judge-model QwQ-32B" \\
        --trainer-args "--loss msl --max-steps 500"
      refine loop --mode srml --method egpo --model tuned --data s.jsonl -o loop \\
        --refine-args "--judge-model QwQ-32B" --trainer-args "--max-steps 500" \\
        --trainer-launcher "torchrun --nproc-per-node 8"
    """
    from refine import loop as loops

    dry, as_json = flags.pop("dry_run"), flags.pop("as_json")
    extra = ("harness_args", "refine_args", "trainer_args", "score_args")
    flags |= {name: _words(name, flags[name]) for name in extra}
    if launcher := _words("trainer_launcher", flags.pop("trainer_launcher")):
        flags["trainer_launcher"] = launcher
    loop = loops.Loop(**flags)
    if dry:
        for step in loops.steps(loop, 1):
            click.echo(str(step))
        return
    rows = loops.run(loop, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(rows, indent=1) if as_json else table(rows))


def _words(name: str, text: str) -> tuple[str, ...]:
    """Words of a string of flags, as a shell splits them."""
    try:
        return tuple(shlex.split(text))
    except ValueError as problem:
        raise UsageProblem(f"--{name.replace('_', '-')} {text!r}: {problem}", "Quote it as for a shell.") from None


def table(rows: list[dict[str, Any]]) -> str:
    """One line a round; scores as a bar of blocks beside their fraction.

    Args:
        rows: Summaries of the rounds.

    Returns:
        The table as text.
    """
    from tabulate import tabulate

    shown = []
    for row in rows:
        line = {name: value for name, value in row.items() if name != "scores"}
        for category, score in row["scores"].items():
            share = score["passed"] / score["n"] if score["n"] else 0
            line[category] = f"{'█' * round(10 * share):<10} {score['passed']}/{score['n']}"
        shown.append(line)
    return tabulate(shown, headers="keys")

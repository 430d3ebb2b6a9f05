"""The experiment as one command: `python -m trainer.recipes.rl run`."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness import cli
from trainer.recipes import jobs, settings
from trainer.recipes.demo.judge import serving
from trainer.recipes.rl import experiment


@click.group()
def main() -> None:
    """SRML, GRPO and EGPO beside plain fine-tuning on the embedded model: does the reward rise?"""


@main.command()
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Its folder.")
@click.option("--jobs", "slots", type=click.IntRange(1), default=2, show_default=True, help="Programs at once.")
@click.option("--methods", default=",".join(experiment.METHODS), show_default=True)
@click.option(
    "--known",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="rl.json of an earlier run of the same experiment: its models count from there and are not run again.",
)
@click.option("--report-only", is_flag=True, help="Write the page from what is finished.")
@settings.flags(experiment.Settings, "methods")
def run(output: Path, slots: int, methods: str, known: Path | None, report_only: bool, **flags: Any) -> None:
    """Train by fine-tuning, self-refinement, GRPO and EGPO, and write the page.

    Killed at any moment, the same command goes on.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = replace(experiment.Settings(), methods=tuple(methods.split(",")), **given)
    earlier = experiment.earlier(chosen, json.loads(known.read_text("utf-8"))) if known else {}
    if not report_only:
        with jobs.locked(output, click.echo) as lock:
            experiment.claim(chosen, output)
            experiment.write_data(chosen, output, earlier.get("questions", ()))
            todo = experiment.jobs(chosen, output, earlier.get("items", ()))
            with serving([experiment.truths_of(output)]) as url:
                environment = {"REFINE_RUN_BASE_URLS": url, "OPENAI_API_KEY": "none"}
                jobs.run(todo, output, lock, slots, click.echo, environment)
    from trainer.recipes.rl.page import write

    click.echo(write(chosen, output, earlier))


if __name__ == "__main__":
    cli.run(main)

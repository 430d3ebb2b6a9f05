"""The experiment as one command: `python -m trainer.recipes.rl run`."""

from __future__ import annotations

import signal
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click

from harness import cli
from trainer.recipes.demo import jobs
from trainer.recipes.rl import experiment


def _sized(command: Any) -> Any:
    """One flag for each size."""
    for each in reversed(fields(experiment.Settings)[:-1]):
        flag = f"--{each.name.replace('_', '-')}"
        command = click.option(flag, type=type(each.default), help=f"[default: {each.default}]")(command)
    return command


@click.group()
def main() -> None:
    """GRPO and EGPO beside plain fine-tuning on the embedded model: does the reward rise?"""


@main.command()
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Its folder.")
@click.option("--jobs", "slots", type=click.IntRange(1), default=2, show_default=True, help="Programs at once.")
@click.option("--methods", default=",".join(experiment.METHODS), show_default=True)
@click.option("--report-only", is_flag=True, help="Write the page from what is finished.")
@_sized
def run(output: Path, slots: int, methods: str, report_only: bool, **sizes: Any) -> None:
    """Train by GRPO, EGPO and plain fine-tuning, and write the page. Killed at any moment, the same command goes on."""
    given = {name: value for name, value in sizes.items() if value is not None}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = replace(experiment.Settings(), methods=tuple(methods.split(",")), **given)
    if not report_only:
        with jobs.locked(output, click.echo) as lock:
            experiment.claim(settings, output)
            experiment.write_data(settings, output)
            jobs.run(experiment.jobs(settings, output), output, lock, slots, click.echo)
    from trainer.recipes.rl.page import write

    click.echo(write(settings, output))


if __name__ == "__main__":
    cli.run(main)

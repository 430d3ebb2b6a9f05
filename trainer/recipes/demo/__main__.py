"""The experiment as one command: `python -m trainer.recipes.demo`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click

from harness import cli, supervisor
from harness.errors import RunIncomplete
from harness.files import write_atomic
from trainer.recipes.demo import commands, experiment, jobs
from trainer.recipes.demo.judge import Judge, read_truths, server


@click.group()
def main() -> None:
    """Refinement, losses and self-refinement against plain fine-tuning, end to end on the embedded model."""


def _sized(command: Any) -> Any:
    """One flag for each size."""
    for each in reversed(fields(experiment.Settings)[:-1]):
        kind = float if isinstance(each.default, float) else int
        flag = f"--{each.name.replace('_', '-')}"
        command = click.option(flag, type=kind, help=f"[default: {each.default}]")(command)
    return command


@main.command()
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="The experiment's folder."
)
@click.option("--quick", is_flag=True, help="One seed and smaller sizes.")
@click.option("--jobs", "slots", type=click.IntRange(1), default=2, show_default=True, help="Programs at once.")
@click.option("--methods", default=",".join(experiment.METHODS), show_default=True)
@_sized
def run(output: Path, quick: bool, slots: int, methods: str, **sizes: Any) -> None:
    """Run what is not finished yet, and write the page. Killed at any moment, the same command goes on."""
    given = {name: value for name, value in sizes.items() if value is not None}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sized = experiment.QUICK if quick else experiment.Settings()
    settings = replace(sized, methods=tuple(methods.split(",")), **given)
    with jobs.locked(output, _tell) as lock:
        experiment.claim(settings, output)
        experiment.write_data(settings, output)
        if experiment.bfcl_data() is None:
            _tell("BFCL is left out: its data was not fetched (harness data fetch bfcl)")
        truths = sorted((output / "data").glob("truth-*.jsonl"))
        with _judge(truths) as url:
            todo = commands.jobs(settings, output)
            jobs.run(todo, output, lock, slots, _tell, {"REFINE_RUN_BASE_URLS": url, "OPENAI_API_KEY": "none"})
        _report(settings, output)


@main.command()
@click.argument("truths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def judge(truths: tuple[Path, ...]) -> None:
    """Serve the scripted judge that knows TRUTHS; print its address."""
    served = server(Judge(read_truths(truths)))
    click.echo(f"http://127.0.0.1:{served.server_port}/v1")
    served.serve_forever()


@main.command()
@click.argument("loop", type=click.Path(exists=True, path_type=Path))
@click.argument("model", type=click.Path(path_type=Path))
def adopt(loop: Path, model: Path) -> None:
    """Copy the model of LOOP's round to MODEL."""
    commands.adopt(loop, model)


def _report(settings: experiment.Settings, output: Path) -> None:
    from trainer.recipes.demo.numbers import gather
    from trainer.recipes.demo.page import page

    numbers = gather(settings, output)
    text = page(numbers)
    write_atomic(output / "report/demo.json", json.dumps(numbers, indent=1).encode())
    write_atomic(output / "report/demo.md", text.encode())
    click.echo(text)
    click.echo(f"this page: {output / 'report/demo.md'}; two models side by side: {output / 'report/report.html'}")


@contextmanager
def _judge(truths: list[Path]) -> Iterator[str]:
    """The judge as a program of its own, which ends with this one."""
    command = supervisor.supervised((sys.executable, "-m", "trainer.recipes.demo", "judge", *map(str, truths)))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        if not (url := process.stdout.readline().strip()):
            raise RunIncomplete("the scripted judge did not start")
        try:
            yield url
        finally:
            process.stdin.close()


def _tell(line: str) -> None:
    click.echo(line)


if __name__ == "__main__":
    cli.run(main)

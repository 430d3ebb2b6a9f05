"""The experiment as one command: `python -m trainer.recipes.demo`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click

from harness import cli, supervisor
from harness.errors import RunIncomplete
from harness.files import write_atomic
from trainer.recipes.demo import commands, experiment, jobs, parts
from trainer.recipes.demo.judge import Judge, read_truths, server


@click.group()
def main() -> None:
    """Refinement, losses and self-refinement against plain fine-tuning, end to end on one model."""


def _sized(command: Any) -> Any:
    """One flag for each size."""
    for each in reversed(fields(experiment.Settings)[1:-1]):
        flag = f"--{each.name.replace('_', '-')}"
        command = click.option(flag, type=type(each.default), help=f"[default: {each.default}]")(command)
    return command


@main.command()
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="The experiment's folder."
)
@click.option(
    "--model",
    default=experiment.EMBEDDED,
    show_default=True,
    help="What is trained. Another one than tiny brings sizes of its own.",
)
@click.option("--quick", is_flag=True, help="One seed and smaller sizes.")
@click.option(
    "--records-of-parts",
    "kept",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where a finished part of the experiment (base, each seed) leaves its record: what is there already is not"
    " run again, and needs no weights. [default: report/ in the output folder]",
)
@click.option("--jobs", "slots", type=click.IntRange(1), default=2, show_default=True, help="Programs at once.")
@click.option("--methods", help=f"Some of {', '.join(experiment.METHODS)}.")
@_sized
def run(
    output: Path, model: str, quick: bool, kept: Path | None, slots: int, methods: str | None, **sizes: Any
) -> None:
    """Run what is not finished yet, and write the page. Killed at any moment, the same command goes on."""
    given = {name: value for name, value in sizes.items() if value is not None}
    if methods:
        given["methods"] = tuple(methods.split(","))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = replace(experiment.sizes(model, quick), **given)
    with jobs.locked(output, _tell) as lock:
        experiment.claim(settings, output)
        experiment.write_data(settings, output)
        if experiment.bfcl_data() is None:
            _tell("BFCL is left out: its data was not fetched (harness data fetch bfcl)")
        truths = sorted((output / "data").glob("truth-*.jsonl"))
        with _judge(truths) as url:
            _run(settings, output, kept or output / "report", lock, slots, url)


def _run(settings: experiment.Settings, output: Path, kept: Path, lock: int, slots: int, judge: str) -> None:
    """Part after part, each with its record, and the page anew whenever a seed ends."""
    environment = {"REFINE_RUN_BASE_URLS": judge, "OPENAI_API_KEY": "none"}
    known = parts.read(settings, kept)
    here = []
    for name in ("base", *map(str, experiment.seeds(settings))):
        if name in known:
            _tell(f"{name}: its record is in {kept}")
            continue
        todo = commands.of_part(settings, output, name)
        jobs.run(todo, output, lock, slots, _tell, environment)
        known[name] = parts.observe(settings, output, name, [job.name for job in todo])
        parts.write(kept, name, known[name])
        here.append(name)
        if name != "base":
            _report(settings, output, known)
    if not here:
        _report(settings, output, known)
    jobs.run(list(commands.reporting(settings, output)), output, lock, slots, _tell)
    _tell(f"this page: {output / 'report/demo.md'}; two models side by side: {output / 'report/report.html'}")


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


def _report(settings: experiment.Settings, output: Path, known: Mapping[str, parts.Record]) -> None:
    from trainer.recipes.demo.numbers import gather
    from trainer.recipes.demo.page import page

    numbers = gather(settings.seeds, known)
    text = page(numbers)
    write_atomic(output / "report/demo.json", json.dumps(numbers, indent=1).encode())
    write_atomic(output / "report/demo.md", text.encode())
    click.echo(text)


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

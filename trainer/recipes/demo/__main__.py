"""The experiment as one command: `python -m trainer.recipes.demo`."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness import cli, models
from harness.files import write_atomic
from trainer.recipes import jobs
from trainer.recipes import settings as shared
from trainer.recipes.demo import commands, experiment, parts
from trainer.recipes.demo.judge import Judge, read_truths, server, serving


@click.group()
def main() -> None:
    """Refinement, losses and self-refinement against plain fine-tuning, end to end on one model."""


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
    "--keep",
    "kept",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where each model leaves the record of its scores: what has one is not run again, and needs no weights."
    " [default: report/records in the output folder]",
)
@click.option("--jobs", "slots", type=click.IntRange(1), default=2, show_default=True, help="Programs at once.")
@click.option("--methods", help=f"Some of {', '.join(experiment.METHODS)}.")
@shared.flags(experiment.Settings, "model", "methods")
def run(
    output: Path, model: str, quick: bool, kept: Path | None, slots: int, methods: str | None, **flags: Any
) -> None:
    """Run what is not finished yet, and write the page. Killed at any moment, the same command goes on."""
    given = {name: value for name, value in flags.items() if value is not None}
    if methods:
        given["methods"] = tuple(methods.split(","))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = replace(experiment.sizes(model, quick), **given)
    models.locate(settings.model)  # a model by name or hub id is fetched before its weights are asked for
    with jobs.locked(output, _tell) as lock:
        experiment.claim(settings, output)
        experiment.write_data(settings, output)
        if experiment.bfcl_data() is None:
            _tell("BFCL is left out: its data was not fetched (harness data fetch bfcl)")
        truths = sorted((output / "data").glob("truth-*.jsonl"))
        with serving(truths) as url:
            _run(settings, output, kept or output / "report/records", lock, slots, url)


def _run(settings: experiment.Settings, output: Path, kept: Path, lock: int, slots: int, judge: str) -> None:
    """Run the parts that have no record yet; each leaves its record, and the page is written anew."""
    known = parts.read(settings, kept, experiment.identity(settings))
    left = {name: todo for name, todo in commands.parts(settings, output).items() if name not in known}
    if known:
        _tell(f"{len(known)} parts count from their records in {kept}, {len(left)} are left")

    def count() -> None:
        done = [name for name, todo in left.items() if all(jobs.mark(output, job.name) for job in todo)]
        for name in done:
            known[name] = parts.observe(settings, output, name, [job.name for job in left.pop(name)])
            parts.write(kept, name, known[name])
        if done:
            _report(settings, output, known)

    count()
    todo = {job.name: job for part in left.values() for job in part}
    environment = {"REFINE_RUN_BASE_URLS": judge, "OPENAI_API_KEY": "none"}
    jobs.run(list(todo.values()), output, lock, slots, _tell, environment, count)
    jobs.run(list(commands.reporting(settings, output)), output, lock, slots, _tell)
    click.echo(_report(settings, output, known))
    _tell(f"this page: {output / 'report/demo.md'}; two models side by side: {output / 'report/report.html'}")


@main.command()
@click.argument("records", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--seeds", default=3, show_default=True, help="Of the experiment; those without records are missing.")
def page(records: Path, seeds: int) -> None:
    """Print the page of the models that have RECORDS, as Markdown; nothing is run."""
    from trainer.recipes.demo.numbers import gather
    from trainer.recipes.demo.page import page

    identity = parts.identity_of(records)
    settings = experiment.settings_of(identity, seeds)
    click.echo(page(gather(settings, parts.read(settings, records, identity))), nl=False)


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


def _report(settings: experiment.Settings, output: Path, known: Mapping[str, parts.Record]) -> str:
    """Write the page of what is known; empty where not even base and SFT are."""
    from trainer.recipes.demo.numbers import gather
    from trainer.recipes.demo.page import page

    if "base" not in known or not any(f"sft-{seed}" in known for seed in experiment.seeds(settings)):
        return ""
    numbers = gather(settings, known)
    text = page(numbers)
    write_atomic(output / "report/demo.json", json.dumps(numbers, indent=1).encode())
    write_atomic(output / "report/demo.md", text.encode())
    return text


def _tell(line: str) -> None:
    click.echo(line)


if __name__ == "__main__":
    cli.run(main)

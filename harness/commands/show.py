"""`harness show`: one sample of a run, readably."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from harness.errors import UsageProblem, unknown_name

if TYPE_CHECKING:
    from pathlib import Path

    from harness.results.lines import SampleLine
    from harness.running.retelling import Retold
    from harness.types import RunRecord


@click.command()
@click.argument("run")
@click.argument("sample_id", metavar="ID")
@click.option("--repeat", type=click.IntRange(0), default=0, show_default=True, help="Which repeat of the sample.")
@click.option("--raw", is_flag=True, help="Print the stored line as JSON.")
def command(run: str, sample_id: str, repeat: int, raw: bool) -> None:
    """Print one sample of RUN: conversation, replies and verdicts.

    RUN is a folder, or the start of a run's id. Control characters in what a model wrote are shown as escapes.

    \b
      harness show results/tuned-7b simple_python_0
    """
    from harness.results import store
    from harness.results.lines import encode
    from harness.results.waiting import read_waiting
    from harness.running.retelling import forced_start, retell

    folder = store.find_run(run)
    lines = {line.key: line for line in store.read_samples(folder)}
    line = lines.get((sample_id, repeat))
    if line is None:
        if waiting := sum(key[:2] == (sample_id, repeat) for key, _ in read_waiting(folder, store.log)):
            remedy = "The command that began the run goes on with it."
            raise UsageProblem(f"{sample_id} has no verdict yet: {waiting} of its replies wait", remedy)
        if any(name == sample_id for name, _ in lines):
            raise UsageProblem(f"{sample_id} has no repeat {repeat}", "Repeats count from 0.")
        raise unknown_name("sample", sample_id, {name for name, _ in lines})
    if raw:
        click.echo(encode(line).decode(), nl=False)
        return
    record = store.read_run(folder)
    _print_head(folder, record, line)
    if start := forced_start(record):
        click.echo(f"every reply was forced to start with {start!r}")
    _print_conversation(retell(record, lines, [line.key])[line.key])
    _print_verdicts(line)


def _print_head(folder: Path, record: RunRecord, line: SampleLine) -> None:
    tokens = sum(step.generation.completion_tokens for step in line.steps)
    said = f"{line.id} · repeat {line.repeat} · {line.category}\n{folder} · {record.model.name} · {record.handler}"
    known = [step.generation.cached_tokens for step in line.steps if step.generation.cached_tokens is not None]
    cached = f" · {sum(known)} of the prompt's tokens cached" if known else ""
    click.echo(f"{said}\n{len(line.steps)} steps · {tokens} tokens{cached} · {line.seconds:.2f} s")


def _print_conversation(retold: Retold) -> None:
    if retold.problem:
        click.echo(f"\n(only what is stored: {retold.problem})")
    if retold.tools:
        _block("tools", ", ".join(str(tool.get("name")) for tool in retold.tools))
    for entry in retold.talk:
        turn = f"turn {entry['turn']}"
        if entry.get("think") is not None:
            _block(f"{turn} · thinking", entry["think"])
        mark = f" ({entry['problem']})" if entry.get("problem") else ""
        _block(f"{turn} · {entry['role']}{mark}", entry["text"])
        for call in entry.get("calls") or ():
            _block(f"{turn} · call", json.dumps(call, indent=1, default=str))


def _print_verdicts(line: SampleLine) -> None:
    if line.fault is not None:
        _block("fault", line.fault)
    for category, verdict in line.verdicts.items():
        said = [f"{verdict.outcome}{f' · {verdict.code}' if verdict.code else ''}"]
        said += [verdict.message] if verdict.message and verdict.message != line.fault else []
        said += [json.dumps(verdict.evidence, indent=1)] if verdict.evidence else []
        _block(f"verdict · {category}", "\n".join(said))


def _block(title: str, text: str) -> None:
    from harness.text import one_line, printable

    click.echo(f"\n--- {one_line(title)}")
    click.echo(printable(text))

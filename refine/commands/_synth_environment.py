"""Flags of every `refine synth` command that say which environment, and how it is opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.errors import UsageProblem

Command = TypeVar("Command", bound=Callable[..., Any])


def environment_flags(command: Command) -> Command:
    """Add the argument ENV and the flags of its environment to a command."""
    for add in (
        click.option("--seed", default=0, show_default=True, help="Of every choice."),
        click.option("--values", type=click.Path(path_type=Path, dir_okay=False), help="JSON: values by parameter."),
        click.option(
            "--benchmark-environments", "benchmarks", is_flag=True, help="Open a benchmark's own environment."
        ),
        click.option("--env-args", "options", multiple=True, metavar="K=V", help="Options of the environment."),
        click.argument("name", metavar="ENV"),
    ):
        command = add(command)
    return command


def opened(name: str, options: Sequence[str], benchmarks: bool) -> Any:
    """The environment that the flags name."""
    from harness.running.pairs import pairs
    from refine.environments import open_environment

    return open_environment(name, pairs("--env-args", options), benchmarks)


def values_of(file: Path | None) -> Mapping[str, Sequence[Any]]:
    """Values by `tool.parameter` or `parameter` from a file.

    Raises:
        UsageProblem: It is not an object of lists.
    """
    if file is None:
        return {}
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageProblem(f"--values {file}: {error}", 'For example {"find_member.name": ["Lena Fuchs"]}.') from None
    if not isinstance(values, dict) or not all(isinstance(each, list) and each for each in values.values()):
        raise UsageProblem(f"--values {file} is not an object of lists", 'For example {"amount": [10.0, 50.0]}.')
    return values


def found_graph(
    environment: Any, file: Path | None, values: Mapping[str, Sequence[Any]], seed: int, worlds: int = 6
) -> Any:
    """The graph in a file; without one it is found now, with a line of progress a tool on a terminal."""
    import sys

    from refine.synth import graph as graphs
    from refine.synth.probe import Prober

    if file:
        return graphs.read(file, environment)

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)

    graph = Prober(environment, values, seed, tell, worlds).build()
    tell("")
    return graph

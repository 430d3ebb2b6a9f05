"""`--help` is the manual: it fits a terminal, and no flag is left without its meaning."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

import harness.cli
import refine.cli
import trainer.cli

WIDTH = 80


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))


COMMANDS = [
    found
    for name, program in (("harness", harness.cli.cli), ("refine", refine.cli.cli), ("trainer", trainer.cli.cli))
    for found in commands(program, (name,))
]
named = pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])


@named
def test_it_fits_a_terminal(path: tuple[str, ...], command: click.Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    program = {"harness": harness.cli.cli, "refine": refine.cli.cli, "trainer": trainer.cli.cli}[path[0]]
    text = CliRunner().invoke(program, [*path[1:], "--help"], prog_name=path[0], terminal_width=WIDTH).output
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []
    summaries = text.partition("\nCommands:\n")[2].splitlines()
    assert [line for line in summaries if line.endswith("...")] == [], "cut off"


@named
def test_every_flag_says_what_it_means(path: tuple[str, ...], command: click.Command) -> None:
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    assert [option.opts for option in options if not option.help] == []
    assert command.help


@named
def test_the_flags_of_its_examples_exist(path: tuple[str, ...], command: click.Command) -> None:
    program = {"harness": harness.cli.cli, "refine": refine.cli.cli, "trainer": trainer.cli.cli}[path[0]]
    for example in re.findall(rf"^ *({path[0]} (?:.*\\\n)*.*)$", command.help or "", re.MULTILINE):
        found: click.Command = program
        words = iter(shlex.split(example.replace("\\\n", " "))[1:])
        while isinstance(found, click.Group):
            name = next(words)
            inner = found.get_command(click.Context(found), name)
            assert inner is not None, example
            found = inner
        known = {flag for param in found.params for flag in (*param.opts, *param.secondary_opts)}
        given = {word.partition("=")[0] for word in words if word.startswith("-") and " " not in word}
        assert given <= known, (example, given - known)

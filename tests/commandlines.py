"""Command lines of a shell script, as the programs get them, and whether what they name exists."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import click

import harness.cli
import refine.cli
import trainer.cli

ROOT = Path(__file__).parents[1]
PROGRAMS: dict[str, click.Command] = {
    "harness": harness.cli.cli,
    "refine": refine.cli.cli,
    "trainer": trainer.cli.cli,
}
OTHERS = ("torchrun", "pip", "python", "make", "docker", "git", "sed", "grep")
STAND_IN = "#!{shell}\n{{ printf '%s\\037' {name} \"$@\"; printf '\\036'; }} >> \"$ARGUMENTS\"\n"


def of(script: str, folder: Path) -> list[list[str]]:
    """Words of each command, in order; the shell fills in variables and loops, and nothing is really run.

    Args:
        script: For bash. Every program is replaced by one that writes down its arguments.
        folder: An empty one, for these.

    Returns:
        A list of words for each command.
    """
    programs = folder / "stand-ins"
    programs.mkdir()
    shell, written = shutil.which("sh"), folder / "arguments"
    for name in (*PROGRAMS, *OTHERS):
        (programs / name).write_text(STAND_IN.format(shell=shell, name=name))
        (programs / name).chmod(0o755)
    written.touch()
    environment = {"PATH": str(programs), "ARGUMENTS": str(written), "HOME": str(folder)}
    bash = shutil.which("bash") or "bash"
    done = subprocess.run(
        [bash, "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{done.stderr}\n{script}"
    return [line.split("\37")[:-1] for line in written.read_text().split("\36")[:-1]]


def command_of(words: list[str]) -> tuple[click.Command, str, list[str]]:
    """The command that words call, what it is called by, and the words after its name."""
    program, *rest = words
    if program == "torchrun":
        from torch.distributed.run import get_args_parser

        known = get_args_parser().parse_args(rest)
        assert known.module, words
        program, rest = known.training_script.partition(".")[0], known.training_script_args
    command = PROGRAMS[program]
    context = click.Context(command, info_name=program)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None, words
        command = found
    return command, program, list(rest)


def parse(words: list[str]) -> None:
    """Read a command line with the program's real parser, files that must exist included."""
    command, program, rest = command_of(words)
    command.make_context(program, rest)


def check(words: list[str]) -> None:
    """Whether what a command line names exists: sub-command and flags, a target of `make`, a module of Python.

    Raises:
        AssertionError: It does not.
    """
    if words[0] in PROGRAMS or words[0] == "torchrun":
        command, _, rest = command_of(words)
        known = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)}
        given = {word.partition("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word) and " " not in word}
        assert {flag.replace("_", "-") for flag in given} <= known | {"--help"}, (words, given - known)
    elif words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]), words
    elif words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= {*targets}, words
    elif words[0] == "python":
        assert (ROOT / words[1]).is_file() or words[1].startswith("-"), words
    else:
        assert os.path.basename(words[0]) in OTHERS, words

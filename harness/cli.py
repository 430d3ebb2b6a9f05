"""The `harness` command. Each sub-command is a module in `harness/commands/` that is imported when it is needed."""

from __future__ import annotations

import importlib
import io
import os
import pkgutil
import sys
from types import ModuleType
from typing import Any

import click

from harness import commands
from harness.errors import HarnessError, unknown_name
from harness.text import printable

EXIT_CODES = """\b
Exit codes: 0 success, gate passed · 1 gate failed · 2 usage or configuration
3 run incomplete or too many errors · 4 data missing or damaged
5 no sandbox · 130 interrupted, partial run kept"""


class LazyGroup(click.Group):
    """A group whose commands are the modules of a package, each exporting `command`.

    Args:
        package: The package.
        **attributes: As of `click.Group`.
    """

    def __init__(self, *, package: ModuleType, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the public modules in the commands package."""
        found = pkgutil.iter_modules(self.package.__path__)
        return sorted(module.name for module in found if not module.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command's module."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{self.package.__name__}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise unknown_name("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


def group(name: str, package: ModuleType, help_text: str) -> LazyGroup:
    """A command line whose sub-commands are the modules of a package.

    Args:
        name: Name of the program; in capitals, the prefix of the environment variables that set its flags.
        package: The package of the sub-commands.
        help_text: What `--help` says before the options.

    Returns:
        The group; `_` and `-` are alike in its flags.
    """
    context = {
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda token: token.replace("_", "-"),
        "auto_envvar_prefix": name.upper(),
        "max_content_width": 110,
    }
    made = LazyGroup(name=name, package=package, context_settings=context, help=help_text, epilog=EXIT_CODES)
    return click.version_option(package_name="funreason-harness")(made)


def run(program: click.Group) -> None:
    """Run a program: errors that a user can cause become a message and their exit code.

    Args:
        program: What `group` returned.
    """
    if sys.stdout is None:  # closed by whoever started it
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what the locale cannot write, and lone surrogates, become escapes
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(program(standalone_mode=False))  # what a command exits with comes back as a value
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except HarnessError as error:
        click.echo(f"error: {printable(str(error))}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:  # 1 would say that a gate failed
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or error}", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; what arrived is kept, the same command continues", err=True)
        sys.exit(130)


HELP = """Measure, compare and gate function-calling models.

Every command has its manual in --help.

\b
  harness run --model tiny --tasks simple_python --limit 20
  harness leaderboard results/
  harness compare results/before results/after
"""

cli = group("harness", commands, HELP)


def main() -> None:
    """Entry point of `harness`."""
    run(cli)


if __name__ == "__main__":
    main()

"""The `harness` command. Each sub-command is a module in `harness/commands/` that is imported when it is needed."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Any

import click

from harness import __version__, commands
from harness.errors import HarnessError, unknown_name

EXIT_CODES = """\b
Exit codes: 0 success or gate passed · 1 gate failed · 2 usage or configuration
3 run incomplete or too many faults · 4 data missing or damaged · 5 no sandbox
130 interrupted, partial run kept"""


class LazyGroup(click.Group):
    """A group whose commands are the modules of a package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all modules in the commands package."""
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command's module."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"harness.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise unknown_name("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "token_normalize_func": lambda token: token.replace("_", "-"),
    "auto_envvar_prefix": "HARNESS",
    "max_content_width": 110,
}


@click.group(cls=LazyGroup, context_settings=CONTEXT, epilog=EXIT_CODES)
@click.version_option(__version__)
def cli() -> None:
    """Measure, compare and gate function-calling models."""


def main() -> None:
    """Entry point: turns errors a user can cause into a message and their exit code."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except HarnessError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; what was finished is kept, the same command continues", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()

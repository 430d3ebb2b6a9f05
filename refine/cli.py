"""The `refine` command. Each sub-command is a module in `refine/commands/` that is imported when it is needed."""

from __future__ import annotations

from harness.cli import group, run
from refine import commands

cli = group("refine", commands, "Improve function-calling data with an LLM judge (FCDR), and self-refine with it.")


def main() -> None:
    """Entry point of `refine`."""
    run(cli)


if __name__ == "__main__":
    main()

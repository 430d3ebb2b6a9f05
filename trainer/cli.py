"""The `trainer` command. Each sub-command is a module in `trainer/commands/` that is imported when it is needed."""

from __future__ import annotations

from harness.cli import group, run
from trainer import commands

cli = group("trainer", commands, "Teach function-calling models: plain SFT, FunReason's MSL, BalanceSFT's SSB.")


def main() -> None:
    """Entry point of `trainer`."""
    run(cli)


if __name__ == "__main__":
    main()

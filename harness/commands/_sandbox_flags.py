"""The flags of every command that may run a model's programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

OPTIONS = (
    click.option(
        "--sandbox", default="auto", show_default=True, help="userns, bwrap, docker, landlock; see `harness doctor`."
    ),
    click.option("--sandbox-workers", type=click.IntRange(1), help="Programs at once. [default: one a processor]"),
    click.option("--sandbox-memory", type=float, default=4.0, show_default=True, help="GiB for a program."),
)


def configure(flags: Mapping[str, Any]) -> None:
    """Let programs run from now on as the flags say; nothing is started yet.

    Args:
        flags: Values of `OPTIONS` by name.

    Raises:
        UsageProblem: No sandbox has this name, or a number is out of range.
    """
    from harness import sandbox
    from harness.running.flag_checks import check_numbers
    from harness.sandbox.backends import check_name

    check_name(flags["sandbox"])
    check_numbers({"sandbox_memory": flags["sandbox_memory"]})
    memory = int(flags["sandbox_memory"] * 2**30)
    sandbox.configure(backend=flags["sandbox"], workers=flags["sandbox_workers"], memory=memory)

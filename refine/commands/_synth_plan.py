"""Flags of `refine synth walk` and `refine synth run` that say what conversations shall be like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.errors import UsageProblem

Command = TypeVar("Command", bound=Callable[..., Any])


def plan_flags(command: Command) -> Command:
    """Add the flags of plans to a command."""
    run = click.Path(path_type=Path, file_okay=False)
    for add in (
        click.option("--targets-from", type=run, help="Weigh tools by a run's failures."),
        click.option("--tools", default=0, type=click.IntRange(0), help="Tools shown; all where not given."),
        click.option("--kinds", multiple=True, metavar="KIND=SHARE", help="Kinds of turns: plain=1,implicit=0.5,..."),
        click.option("--calls", default="2-5", show_default=True, metavar="N|A-B", help="Calls of a turn."),
        click.option("--turns", default="1-3", show_default=True, metavar="N|A-B", help="Turns of a conversation."),
    ):
        command = add(command)
    return command


def plan_settings(flags: Mapping[str, Any]) -> Any:
    """Flags as `refine.synth.plan.PlanSettings`; targets are weighed once the environment is open."""
    from harness.running.pairs import pairs
    from refine.synth.plan import SHARES, PlanSettings, shares_of

    kinds = {kind: float(share) for kind, share in pairs("--kinds", flags["kinds"]).items()} if flags["kinds"] else {}
    return PlanSettings(
        seed=flags["seed"],
        turns=_range("--turns", flags["turns"]),
        calls=_range("--calls", flags["calls"]),
        shares=shares_of(kinds) if kinds else SHARES,
        tools=flags["tools"],
    )


def _range(flag: str, text: str) -> tuple[int, int]:
    """Two numbers joined by a dash, or one for both.

    Raises:
        UsageProblem: It is something else.
    """
    low, dash, high = text.partition("-")
    if not low.isdecimal() or (dash and not high.isdecimal()) or not 1 <= int(low) <= int(high or low):
        raise UsageProblem(f"{flag} {text!r} is not a number or a range", f"For example: {flag} 1-3")
    return int(low), int(high or low)

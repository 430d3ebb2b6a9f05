"""Two records of settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from harness.flags.fields import Flag, Names, Pairs, normalise


@dataclass(frozen=True, slots=True)
class Base:
    """What both have."""

    name: Annotated[str | None, Flag("-n", "--called", section="First")]
    """What it is called,
    on two lines."""
    many: Annotated[int, Flag(least=1)] = 1
    """How many."""
    share: Annotated[float | None, Flag(least=0, most=1)] = None
    """Of the whole. [default: all]"""
    tags: Annotated[Names, Flag(own="--tag")] = ()
    """Repeated."""
    more: Annotated[Pairs, Flag(section="Second", metavar="K=V")] = ()
    """Pairs."""
    switch: Literal["auto", "on", "off"] = "auto"
    """One of three."""
    keep: bool = True
    """On by default."""
    force: Annotated[bool, Flag("--mighty")] = False
    """Off by default."""
    secret: Annotated[str, Flag(hidden=True)] = ""
    """Not shown."""

    def __post_init__(self) -> None:
        normalise(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer(Base):
    """One field more."""

    extra: Annotated[int | None, Flag(section="First")] = None
    """Of the longer one."""

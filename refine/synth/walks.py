"""The walks of a synthesis, found when they are needed and kept while their conversation is on its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from refine.environments import Environment
from refine.synth.types import Trace


@dataclass(frozen=True, slots=True)
class WalkSettings:
    """How conversations are planned."""

    turns: tuple[int, int] = (1, 3)
    """Fewest and most turns."""
    calls: tuple[int, int] = (2, 4)
    """Fewest and most calls of a turn."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Of kinds of turns; empty for the planner's own."""
    errors: float = 0.1
    """Share of conversations that may show an error on purpose."""

    def identity(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "turns": list(self.turns), "calls": list(self.calls), "shares": dict(self.shares)}


class Walks:
    """Walks by number.

    Args:
        environment: Where.
        settings: How they are planned.
        seed: Of the whole synthesis.
        folder: Of the run; what is worked out once for all walks is kept there.
    """

    def __init__(self, environment: Environment, settings: WalkSettings, seed: int, folder: Path) -> None:
        self.seed = seed
        self._find = finder(environment, settings, seed, folder)
        self._found: dict[int, Trace] = {}

    def of(self, number: int) -> Trace | None:
        """A conversation's walk; None where none was found."""
        if number not in self._found and (trace := self._find(number)) is not None:
            self._found[number] = trace
        return self._found.get(number)

    def found(self, number: int) -> Trace:
        """The walk of a conversation that is on its way."""
        return self._found[number]

    def forget(self, number: int) -> None:
        """Let go of the walk of a conversation that has ended."""
        self._found.pop(number, None)


def finder(environment: Environment, settings: WalkSettings, seed: int, folder: Path) -> Callable[[int], Trace | None]:
    """What finds a walk by its number."""
    raise NotImplementedError

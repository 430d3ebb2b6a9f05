"""Worlds that cost a process or a server each: few live at a time, the others are made again from seed and calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.errors import HarnessError
from harness.types import FunctionCall
from refine.environments import Outcome, World


class WorldLost(HarnessError):
    """A world ended under a call; its state before the call can be made again."""


class NotRepeatable(HarnessError):
    """A world that was made again is not what it was."""

    exit_code = 2


class Worlds:
    """Makes worlds of which only some live.

    Args:
        start: Makes a living world from a seed. One that raises `WorldLost` in a call is never used again.
        most: How many may live at once; the one used least recently ends first.
    """

    def __init__(self, start: Callable[[int], World], most: int) -> None:
        self._start, self._most = start, most
        self._alive: dict[int, World] = {}

    def fresh(self, seed: int) -> RepeatableWorld:
        """A new world; it is started, so that what cannot be is told now."""
        world = RepeatableWorld(self, seed)
        self.alive(world)
        return world

    def alive(self, world: RepeatableWorld) -> World:
        """The living world behind a repeatable one.

        Raises:
            NotRepeatable: It was made again and answered otherwise than the first time.
        """
        key = id(world)
        if found := self._alive.pop(key, None):
            self._alive[key] = found
            return found
        while len(self._alive) >= self._most:
            self._alive.pop(next(iter(self._alive))).close()
        started = self._start(world.seed)
        self._alive[key] = started
        for call, before in world.calls:
            if (now := started.execute(call)) != before:
                self.forget(world)
                raise NotRepeatable(
                    f"{call.name} gave {before.text[:200]!r}, and in a new world with the same seed {now.text[:200]!r}",
                    "Everything that a call does must follow from the seed and the calls before it: "
                    "take random numbers and the date from the seed.",
                )
        return started

    def forget(self, world: RepeatableWorld) -> None:
        """End the living world behind a repeatable one."""
        if found := self._alive.pop(id(world), None):
            found.close()

    def close(self) -> None:
        """End all that live."""
        while self._alive:
            self._alive.popitem()[1].close()


class RepeatableWorld:
    """A world by its seed and the calls that were made in it.

    Args:
        worlds: Who makes it again.
        seed: Its seed.
    """

    def __init__(self, worlds: Worlds, seed: int) -> None:
        self.seed, self.calls = seed, list[tuple[FunctionCall, Outcome]]()
        self._worlds = worlds

    def execute(self, call: FunctionCall) -> Outcome:
        """Carry out a call; one that ends the world is an error, and the state stays what it was before."""
        world = self._worlds.alive(self)
        try:
            outcome = world.execute(call)
        except WorldLost as lost:
            self._worlds.forget(self)
            return Outcome(f"Error: {lost.args[0]}", error=True)
        self.calls.append((call, outcome))
        return outcome

    def state(self) -> Any:
        """The state as JSON values."""
        return self._worlds.alive(self).state()

    def close(self) -> None:
        """End it."""
        self._worlds.forget(self)

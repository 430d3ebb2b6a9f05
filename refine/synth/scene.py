"""A world at work: what has been called in it, what is known from that, and how a refused call leaves no trace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from harness.types import FunctionCall, Tool
from refine.environments import Environment, Outcome, World
from refine.synth.leaves import Leaf, Shape, informative, result_leaves, visible
from refine.synth.types import Source


def read_only(tool: Tool) -> bool | None:
    """Whether the tool changes nothing, as its document says (MCP's `readOnlyHint`); None where it says neither."""
    return (tool.get("annotations") or {}).get("readOnlyHint")


@dataclass
class Done:
    """A call that was accepted."""

    call: FunctionCall
    outcome: Outcome
    sources: tuple[Source, ...]
    changed: bool
    """Whether the state shows it."""

    @cached_property
    def leaves(self) -> list[Leaf]:
        """Values of its result."""
        return result_leaves(self.outcome.text)


@dataclass(frozen=True)
class Refusal:
    """A call that the environment refused."""

    call: FunctionCall
    sources: tuple[Source, ...]
    text: str
    before: tuple[Done, ...]
    """The calls accepted before it."""
    harmless: bool
    """Whether it is an error that left the state as it was."""


class Scene:
    """One world with the calls accepted so far.

    Args:
        environment: Where the world comes from.
        seed: The world's seed.
        shape: Of its states.
    """

    def __init__(self, environment: Environment, seed: int, shape: Shape) -> None:
        self.environment, self.seed, self.shape = environment, seed, shape
        self.done: list[Done] = []
        self.refused: list[Refusal] = []
        self._world: World = environment.fresh(seed)
        self.state: Any = self._world.state()
        self._leaves: list[Leaf] | None = None
        self._read_only = {tool["name"]: read_only(tool) for tool in environment.tools()}

    def leaves(self) -> list[Leaf]:
        """Values of the present state."""
        if self._leaves is None:
            self._leaves = self.shape.leaves(visible(self.state))
        return self._leaves

    def unused(self, since: int = 0) -> set[int]:
        """Accepted calls from a place on whose results no later call uses."""
        used = {source.step for done in self.done for source in done.sources}
        return {place for place in range(since, len(self.done)) if place not in used}

    def attempt(self, call: FunctionCall, sources: tuple[Source, ...] = ()) -> Outcome:
        """Carry out a call; one that is refused leaves the scene as it was.

        Args:
            call: The call.
            sources: Where its arguments come from.

        Returns:
            What it gave. Of a call that changed nothing, a result that tells nothing counts as a refusal, and so does
            any result of a tool whose document says that it changes something (what it deletes was never there).
        """
        outcome = self._world.execute(call)
        state = self._world.state()
        if outcome.error:
            harmless = self.environment.shows_state and state == self.state
            self.refused.append(Refusal(call, sources, outcome.text, tuple(self.done), harmless))
            if not harmless:
                self._again(self.done)
            return outcome
        changed = visible(state) != visible(self.state)
        if not self.environment.shows_state:
            changed = not self._read_only.get(call.name)
        if not changed and (self._read_only.get(call.name) is False or not informative(outcome.text)):
            self.refused.append(Refusal(call, sources, outcome.text, tuple(self.done), harmless=False))
            return replace(outcome, error=True)
        self.done.append(Done(call, outcome, sources, changed))
        self._moved(state)
        return outcome

    def replay(self, calls: Iterable[Done]) -> None:
        """Carry out calls that another scene accepted."""
        for done in calls:
            self.attempt(done.call, done.sources)

    def rewind(self, count: int) -> None:
        """Back to the first calls; in a new world, where a later one has changed the state."""
        if count < len(self.done):
            changed = any(done.changed for done in self.done[count:]) or not self.environment.shows_state
            del self.done[count:]
            if changed:
                self._again(self.done)

    def keep(self, places: list[int]) -> bool:
        """Leave calls out and number the others anew.

        Args:
            places: Which of the accepted calls stay.

        Returns:
            Whether the others give the same results without them; else nothing is changed.
        """
        number = {old: new for new, old in enumerate(places)}
        kept = []
        for place in places:
            done = self.done[place]
            if any(source.step is not None and source.step not in number for source in done.sources):
                return False
            sources = tuple(replace(s, step=number[s.step]) if s.step is not None else s for s in done.sources)
            kept.append(Done(done.call, done.outcome, sources, done.changed))
        before = self.state
        if not self._again(kept) or visible(self.state) != visible(before):
            self._again(self.done)
            return False
        self.done = kept
        return True

    def close(self) -> None:
        """End the world."""
        self._world.close()

    def _again(self, calls: list[Done]) -> bool:
        """Carry out calls in a new world; whether all gave what they gave before."""
        self._world.close()
        self._world = self.environment.fresh(self.seed)
        same = all(self._world.execute(done.call) == done.outcome for done in calls)
        self._moved(self._world.state())
        return same

    def _moved(self, state: Any) -> None:
        self.state, self._leaves = state, None

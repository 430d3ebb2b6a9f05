"""What a call that went through needed: each earlier call is left out in turn, and the edges are noted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from refine.environments import Environment
from refine.synth.graph import Graph, StateEdge, ValueEdge, alike, template
from refine.synth.leaves import Leaf, Shape, informative
from refine.synth.scene import Done, Scene

SHORTEST = 3
"""Characters of a text, or digits of a number, from which on it can tell where it comes from."""


def telling(value: Any) -> bool:
    """Whether a value is rare enough to tell where it comes from: not short, not a truth value, not 0 or 100."""
    if isinstance(value, bool) or value is None:
        return False
    text = str(abs(value)) if isinstance(value, int | float) else str(value)
    return len(text.strip("0. ")) >= SHORTEST if not isinstance(value, str) else len(text) >= SHORTEST


class Needs:
    """Notes edges in a graph.

    Args:
        environment: Where calls are carried out again.
        graph: It grows.
    """

    def __init__(self, environment: Environment, graph: Graph) -> None:
        self._environment, self._graph = environment, graph
        self._explained: set[tuple[str, tuple[str, ...], str]] = set()

    def explain(self, scene: Scene) -> None:
        """Find which of the calls before a scene's last one it needed, directly, and note the edges.

        An earlier call is needed where the last one is refused without it; directly where all calls between give what
        they gave.
        """
        *before, last = scene.done
        key = (last.call.name, tuple(done.call.name for done in before), json.dumps(dict(last.call.arguments)))
        if not before or key in self._explained:
            return
        self._explained.add(key)
        for place in range(len(before) - 1, -1, -1):
            fewer = before[:place] + before[place + 1 :]
            if self._refusal(scene.seed, [*fewer, last]) is None:
                before = fewer
        for place, done in enumerate(before):
            rest = before[:place] + before[place + 1 :]
            refused = self._refusal(scene.seed, [*rest, last])
            if refused is not None and refused[0] == len(rest):
                self._note(done, last, rest, refused[1])

    def note_value(self, source: str, place: tuple[str, ...], target: str, parameter: str, example: str) -> None:
        """Note an execution that needed a value."""
        for edge in self._graph.value_edges:
            if (edge.source, edge.place, edge.target, edge.parameter) == (source, place, target, parameter):
                edge.executed += 1
                edge.example = edge.example or example
                return
        self._graph.value_edges.append(ValueEdge(source, place, target, parameter, "", 1, example))

    def _refusal(self, seed: int, calls: Sequence[Done]) -> tuple[int, str] | None:
        """Place and text of the first of some calls that is refused in a new world, or gives another result there."""
        world = self._environment.fresh(seed)
        try:
            for place, done in enumerate(calls):
                outcome = world.execute(done.call)
                other = place < len(calls) - 1 and outcome != done.outcome
                if other or outcome.error or (not done.changed and not informative(outcome.text)):
                    return place, outcome.text
            return None
        finally:
            world.close()

    def _note(self, done: Done, last: Done, rest: Sequence[Done], error: str) -> None:
        shown = {leaf.value: leaf.pattern for leaf in done.leaves if telling(leaf.value)}
        by_value = [(name, value) for name, value in arguments_of(last) if value in shown]
        for name, value in by_value:
            self.note_value(done.call.name, shown[value], last.call.name, name, written(last))
        if by_value or done.call.name == last.call.name:
            return
        edge = StateEdge(done.call.name, last.call.name, template(error))
        helpers = [old for old in self._graph.state_edges if old.target == edge.target and alike(old.error, edge.error)]
        if edge.source not in [old.source for old in helpers]:
            said = {str(source.parameter[0]) for source in done.sources if source.kind in ("user", "constant")}
            edge.after = tuple(dict.fromkeys(each.call.name for each in rest))
            edge.arguments = {name: value for name, value in done.call.arguments.items() if name in said}
            edge.example = tuple(map(written, (*rest, done, last)))
            self._graph.state_edges.append(edge)


def arguments_of(done: Done) -> Iterator[tuple[str, Any]]:
    """Leaves of a call's arguments by parameter."""
    for name, value in done.call.arguments.items():
        leaves: list[Leaf] = Shape().leaves(value, keys=False)
        yield from ((name, leaf.value) for leaf in leaves)


def written(done: Done) -> str:
    """A call as text for people."""
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in done.call.arguments.items()
    )
    return f"{done.call.name}({arguments})"

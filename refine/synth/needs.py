"""What a call that went through needed: each earlier call is left out in turn, and the edges are noted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.types import FunctionCall
from refine.environments import Environment
from refine.synth.graph import Graph, StateEdge, ValueEdge, alike, template
from refine.synth.leaves import Leaf, Shape, informative, telling
from refine.synth.scene import Done, Scene

EXPLAINED = 3
"""Times that calls of the same tools in the same order are looked into."""


class Needs:
    """Notes edges in a graph.

    Args:
        environment: Where calls are carried out again.
        graph: It grows.
    """

    def __init__(self, environment: Environment, graph: Graph) -> None:
        self._environment, self._graph = environment, graph
        self._explained: Counter[tuple[str, tuple[str, ...]]] = Counter()

    def explain(self, scene: Scene) -> None:
        """Find which of the calls before a scene's last one it needed, directly, and note the edges.

        An earlier call is needed where the last one is refused without it; directly where all calls between give what
        they gave, or where the last one is refused for another reason than without those that do not.
        """
        *before, last = scene.done
        key = (last.call.name, tuple(done.call.name for done in before))
        if not before or self._explained[key] >= EXPLAINED:
            return
        self._explained[key] += 1
        for place in range(len(before) - 1, -1, -1):
            fewer = before[:place] + before[place + 1 :]
            if self._refusal(scene.seed, [*fewer, last]) is None:
                before = fewer
        for place, done in enumerate(before):
            rest = before[:place] + before[place + 1 :]
            refused = self._refusal(scene.seed, [*rest, last])
            if refused is not None and refused[0] == len(rest):
                self._note(scene.seed, done, last, rest, refused[1])
            elif refused is not None:
                self._note_masked(scene.seed, done, last, before, refused[0])

    def _note_masked(self, seed: int, done: Done, last: Done, before: Sequence[Done], broken: int) -> None:
        """Note a call that another needed one, too, which the last one needed: its lack gives a reason of its own."""
        rest = [each for each in before if each is not done]
        refused: tuple[int, str] | None = (broken, "")
        while refused and refused[0] < len(rest):
            rest.pop(refused[0])
            refused = self._refusal(seed, [*rest, last])
        others = [each for each in before if each in rest or each is done]
        alone = self._refusal(seed, [*others, last])
        if not refused or not alone or alone[0] < len(others):
            return
        if not alike(template(refused[1], last.call), template(alone[1], last.call)):
            self._note(seed, done, last, rest, refused[1])

    def takes_anything(self, seed: int, before: Sequence[Done], last: Done, parameter: str) -> bool:
        """Whether a call also goes through with another value of a parameter, so that its value tells nothing."""
        other = _replaced(last.call.arguments[parameter])
        call = FunctionCall(last.call.name, {**last.call.arguments, parameter: other})
        return self._refusal(seed, [*before, replace(last, call=call)]) is None

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
                as_before = done.changed and outcome == done.outcome
                if other or outcome.error or not (as_before or informative(outcome.text)):
                    return place, outcome.text
            return None
        finally:
            world.close()

    def _note(self, seed: int, done: Done, last: Done, rest: Sequence[Done], error: str) -> None:
        shown = {leaf.value: leaf.pattern for leaf in done.leaves if telling(leaf.value)}
        by_value = [(name, value) for name, value in arguments_of(last) if value in shown]
        for name, value in by_value:
            if self.takes_anything(seed, [*rest, done], last, name):
                continue
            self.note_value(done.call.name, shown[value], last.call.name, name, written(last))
        if by_value or done.call.name == last.call.name:
            return
        edge = StateEdge(done.call.name, last.call.name, template(error, last.call))
        helpers = [old for old in self._graph.state_edges if old.target == edge.target and alike(old.error, edge.error)]
        if edge.source not in [old.source for old in helpers]:
            said = {str(source.parameter[0]) for source in done.sources if source.kind in ("user", "constant")}
            edge.after = tuple(dict.fromkeys(each.call.name for each in rest))
            edge.arguments = {name: value for name, value in done.call.arguments.items() if name in said}
            edge.example = tuple(map(written, (*rest, done, last)))
            self._graph.state_edges.append(edge)


def _replaced(value: Any) -> Any:
    """A value of the same kind that nothing has returned."""
    if isinstance(value, list | tuple):
        return [_replaced(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _replaced(item) for name, item in value.items()}
    if isinstance(value, int | float):
        return value + 977
    return f"{value}-unseen"


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

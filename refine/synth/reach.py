"""Getting a tool carried out: draw its call, and where it is refused call first what the graph says helps."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

from refine.synth.draw import Drawer
from refine.synth.graph import Graph, StateEdge
from refine.synth.scene import Scene

TRIES = 10
"""Calls of a target that are drawn before it is given up."""
DEEPEST = 4
"""Helpers of helpers."""
BUDGET = 50
"""Calls that are drawn for one target, those of its helpers included."""
FED_FIRST = 0.75
"""Share of parameters for which a tool that feeds them is called first, where none has been."""


class _Way(NamedTuple):
    """What stays the same on the way to one target."""

    since: int
    depth: int
    limit: int

    def deeper(self) -> _Way:
        """For a helper: it may have fewer helpers, and leaves room for the target."""
        return self._replace(depth=self.depth - 1, limit=self.limit - 1)


class Reacher:
    """Reaches targets.

    Args:
        drawer: Draws calls.
        graph: What helps whom.
    """

    def __init__(self, drawer: Drawer, graph: Graph) -> None:
        self.drawer, self.graph = drawer, graph
        self._left = BUDGET

    def reach(
        self,
        scene: Scene,
        target: str,
        draw: Random,
        since: int = 0,
        depth: int = DEEPEST,
        limit: int = 1000,
        forced: Mapping[str, Any] | None = None,
        tries: int = TRIES,
    ) -> bool:
        """Call a tool until it is carried out.

        Args:
            scene: Where.
            target: The tool.
            draw: Where choices come from.
            since: Calls from this place on count as unused.
            depth: How many helpers may stand behind each other.
            limit: Accepted calls that the scene may have.
            forced: Values of some parameters.
            tries: Calls of the target that are drawn.

        Returns:
            Whether it was; the scene's last call is then the target's.
        """
        self._left = BUDGET
        return self._reach(scene, target, draw, _Way(since, depth, limit), forced or {}, tries)

    def _reach(
        self, scene: Scene, target: str, draw: Random, way: _Way, forced: Mapping[str, Any], tries: int = TRIES
    ) -> bool:
        if way.depth:
            self._feed(scene, target, draw, way, forced)
        for _ in range(tries):
            if len(scene.done) >= way.limit or self._left <= 0:
                return False
            self._left -= 1
            call, sources = self.drawer.call(target, scene, draw, way.since, forced)
            outcome = scene.attempt(call, sources)
            if not outcome.error:
                return True
            helpers = self.graph.helpers(call, outcome.text)
            if helpers and way.depth:
                self._help(draw.choice(helpers), scene, draw, way)
        return False

    def _help(self, edge: StateEdge, scene: Scene, draw: Random, way: _Way) -> None:
        parameters = {parameter.name: parameter for parameter in self.drawer.parameters[edge.source]}
        everything = draw.random() < 0.5
        forced = {
            name: value
            for name, value in edge.arguments.items()
            if everything or (name in parameters and parameters[name].options)
        }
        self._reach(scene, edge.source, draw, way.deeper(), forced)

    def _feed(self, scene: Scene, target: str, draw: Random, way: _Way, forced: Mapping[str, Any]) -> None:
        """Call what feeds a parameter, where nothing that was called does: a required one, or one that needed it."""
        for parameter in self.drawer.parameters[target]:
            if parameter.name in forced:
                continue
            edges = [
                edge
                for edge in self.graph.feeders(target, parameter.name)
                if (parameter.required or edge.executed) and not self.graph.needs(edge.source, target)
            ]
            best = (
                [edge for edge in edges if edge.executed] or [edge for edge in edges if edge.names == "equal"] or edges
            )
            made = {done.call.name for done in scene.done}
            if not best or made & {edge.source for edge in best} or draw.random() >= FED_FIRST:
                continue
            if len(scene.done) < way.limit - 1:
                self._reach(scene, draw.choice(best).source, draw, way.deeper(), {})

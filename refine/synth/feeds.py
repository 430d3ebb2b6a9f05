"""Value edges: by the names in documents, and by execution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from harness.types import Tool
from refine.synth.documents import Parameter, feeds, fields_of, fits, inner_kind, named_alike, parameters_of
from refine.synth.graph import ValueEdge
from refine.synth.leaves import telling
from refine.synth.needs import Needs, written
from refine.synth.reach import Reacher
from refine.synth.scene import Scene

TRIES = 3
VALUES = 3
"""Values of one place of a result that are tried."""


def by_names(tools: Mapping[str, Tool]) -> Iterator[ValueEdge]:
    """Edges that names suggest, with kinds that fit.

    Args:
        tools: Documents by name.

    Yields:
        Edges without an execution.
    """
    for source, document in tools.items():
        for field in fields_of(document):
            for target in tools:
                for parameter in parameters_of(tools[target]):
                    alike = named_alike(source, field.pattern, parameter.name)
                    if alike and target != source and feeds(field.kind, parameter) and not parameter.options:
                        yield ValueEdge(source, field.pattern, target, parameter.name, alike)


class Feeds:
    """Finds values of results that other tools need: with one they are carried out, with an invented one they are not.

    Args:
        reacher: Carries out calls.
        needs: Notes what is found.
    """

    def __init__(self, reacher: Reacher, needs: Needs) -> None:
        self._reacher, self._needs = reacher, needs

    def find(self, scene: Scene, source: str, targets: Mapping[str, Tool], draw: Random) -> None:
        """Try the values of one tool's result with every parameter of the others.

        Args:
            scene: A new world.
            source: The tool.
            targets: The others' documents by name.
            draw: Where choices come from.
        """
        if not self._reacher.reach(scene, source, draw):
            return
        count = len(scene.done)
        given = set(map(str, scene.done[-1].call.arguments.values()))
        leaves = (leaf for leaf in scene.done[-1].leaves if telling(leaf.value) and str(leaf.value) not in given)
        places: dict[tuple[str, ...], list[Any]] = {}
        for leaf in leaves:
            places.setdefault(leaf.pattern, []).append(leaf.value)
        places = {pattern: draw.sample(values, min(VALUES, len(values))) for pattern, values in places.items()}
        for target, document in targets.items():
            for parameter in parameters_of(document):
                if target != source and not parameter.options:
                    self._try(scene, count, places, target, parameter, draw)

    def _try(
        self,
        scene: Scene,
        count: int,
        places: Mapping[tuple[str, ...], Sequence[Any]],
        target: str,
        parameter: Parameter,
        draw: Random,
    ) -> None:
        source, kind = scene.done[count - 1].call.name, inner_kind(parameter)
        for place, value in ((place, value) for place, values in places.items() for value in values):
            if not fits(value, kind):
                continue
            forced = {parameter.name: [value] if parameter.kind == "list" else value}
            if self._reacher.reach(scene, target, draw, depth=2, forced=forced, tries=TRIES):
                *before, last = scene.done
                if not self._needs.takes_anything(scene.seed, before, last, parameter.name):
                    self._needs.note_value(source, place, target, parameter.name, written(last))
            scene.rewind(count)

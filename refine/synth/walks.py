"""The walks of a synthesis, found when they are needed and kept while their conversation is on its way.

What all walks have in common is worked out once and kept in the run's folder: `values.json`, which the value writer
wrote, and `graph.json`, which a person may edit before the run goes on with more conversations elsewhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from refine.environments import Environment
from refine.synth import graph as graphs
from refine.synth.plan import Planner, PlanSettings
from refine.synth.probe import Prober
from refine.synth.types import Trace, Turn
from refine.synth.values import FILE, FOLDER, read_values
from refine.synth.walk import Walker

GRAPH = "graph.json"


def write_graph(
    environment: Environment, values: Mapping[str, Sequence[Any]], folder: Path, given: Path | None = None
) -> None:
    """Find the graph of an environment, unless a run's folder holds it.

    Args:
        environment: The environment.
        values: Values to try, beside its own.
        folder: The run's folder.
        given: A graph's file to take instead.

    Raises:
        UsageProblem: The graph in the folder, or the one that was given, is of another environment.
    """
    path = folder / GRAPH
    if path.exists():
        graphs.read(path, environment)
    else:
        graph = graphs.read(given, environment) if given else Prober(environment, values).build()
        graphs.write(graph, path)


def clear(folder: Path) -> None:
    """Take away what all walks of a run have in common."""
    for name in (FILE, GRAPH):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


class Walks:
    """Walks by number.

    Args:
        environment: Where.
        settings: How conversations are planned.
        folder: Of the run, with its graph and values.
    """

    def __init__(self, environment: Environment, settings: PlanSettings, folder: Path) -> None:
        self.seed = settings.seed
        self._find = finder(environment, settings, folder)
        self._found: dict[int, Trace] = {}

    def of(self, number: int) -> Trace:
        """A conversation's walk.

        Raises:
            Unwalkable: There is none.
        """
        if number not in self._found:
            self._found[number] = self._find(number)
        return self._found[number]

    def found(self, number: int) -> Trace:
        """The walk of a conversation that is on its way."""
        return self._found[number]

    def forget(self, number: int) -> None:
        """Let go of the walk of a conversation that has ended."""
        self._found.pop(number, None)


def finder(environment: Environment, settings: PlanSettings, folder: Path) -> Callable[[int], Trace]:
    """What finds a walk by its number.

    Args:
        environment: Where.
        settings: How conversations are planned.
        folder: Of the run, with its graph and values.

    Returns:
        Number -> walk; raises `Unwalkable` where there is none.
    """
    graph = graphs.read(folder / GRAPH, environment)
    planner = Planner(environment, graph, settings)
    walker = Walker(environment, graph, read_values(folder))

    def find(number: int) -> Trace:
        trace = walker.walk(planner.plan(number))
        return replace(trace, turns=tuple(map(playable, trace.turns)))

    return find


def playable(turn: Turn) -> Turn:
    """A turn without refusals that cannot be shown where they happened.

    A conversation makes the calls of a level at once: a refusal among them would come before calls that it came after.
    """
    first = {level[0].index for level in turn.levels}
    shown = tuple(each for each in turn.mishaps if each.kind == "transient" or each.step in first)
    return replace(turn, mishaps=shown)

"""Walks without a model: 25 of five calls in each of BFCL's eight classes, and in the example environments.

An argument *could be* from a result or the state where the graph has an edge or a place for its parameter, or where a
walk of this run fed it; edges from a tool that itself needs the call are left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tabulate import tabulate

from refine.environments import open_environment
from refine.environments._bfcl_states import CLASSES
from refine.synth.graph import Graph
from refine.synth.plan import Planner, PlanSettings
from refine.synth.probe import Prober
from refine.synth.types import Trace
from refine.synth.walk import Unwalkable, Walker

WALKS, CALLS = 25, 5
EXAMPLES = ("library_desk.py:Desk", "parcel_service.py:Parcels", "greenhouse.py:Greenhouse")
FOLDER = Path(__file__).parents[2] / "examples" / "environments"


def measured(name: str, seed: int) -> dict[str, object]:
    """Graph and walks of one environment."""
    environment = open_environment(name)
    try:
        began = time.process_time()
        graph = Prober(environment, {}, seed).build()
        found = time.process_time()
        settings = PlanSettings(seed, turns=(1, 1), calls=(CALLS, CALLS), shares={"plain": 1.0})
        planner = Planner(environment, graph, settings)
        walker = Walker(environment, graph, {})
        walks: list[Trace] = []
        number = 0
        while len(walks) < WALKS and number < 4 * WALKS:
            with suppress(Unwalkable):
                walks.append(walker.walk(planner.plan(number)))
            number += 1
        walked = time.process_time()
        steps = [step for trace in walks for step in trace.steps()]
        called = {step.call.name for step in steps}
        missing = [tool for tool in graph.tools if tool not in called]
        sources = [(step.call.name, source) for step in steps for source in step.sources]
        fed = [(tool, source) for tool, source in sources if source.kind in ("result", "state")]
        allowed = _allowed(graph, walks)
        could = len(fed) + sum(
            source.kind in ("user", "constant") and (tool, source.parameter[0]) in allowed for tool, source in sources
        )
        return {
            "environment": name.rpartition("/")[2],
            "tools": len(graph.tools),
            "state edges": len(graph.state_edges),
            "value edges, executed": sum(edge.executed > 0 for edge in graph.value_edges),
            "graph CPU s": round(found - began, 1),
            "walks of plans": f"{len(walks)} of {number}",
            "calls": len(steps),
            "walks CPU s": round(walked - found, 1),
            "arguments": len(sources),
            "from results": _percent(sum(source.kind == "result" for _, source in fed), len(sources)),
            "or state": _percent(len(fed), len(sources)),
            "could be": _percent(could, len(sources)),
            "of those": _percent(len(fed), could),
            "never called": ", ".join(missing) or "-",
        }
    finally:
        environment.close()


def _allowed(graph: Graph, walks: Sequence[Trace]) -> set[tuple[str, str]]:
    """Tools with those of their parameters that the state or a tool that does not need them can give a value."""
    allowed = {(each.target, each.parameter) for each in graph.state_values}
    feeds = [(edge.source, edge.target, edge.parameter) for edge in graph.value_edges]
    for trace in walks:
        steps = list(trace.steps())
        for step in steps:
            for source in step.sources:
                if source.step is not None:
                    feeds.append((steps[source.step].call.name, step.call.name, str(source.parameter[0])))
    return allowed | {(target, name) for tool, target, name in feeds if not graph.needs(tool, target)}


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("environments", nargs="*")
    given = parser.parse_args()
    examples = [f"python:{FOLDER / each}" for each in EXAMPLES]
    chosen = given.environments or [*(f"bfcl:{name}" for name in CLASSES), *examples]
    rows = [measured(name, given.seed) for name in chosen]
    print(tabulate([list(row.values()) for row in rows], headers=list(rows[0]), tablefmt="github"))

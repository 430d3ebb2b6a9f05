"""Walks without a model: 25 of five calls in each of BFCL's eight classes, and in the example environments.

An argument *could* come from a result or the state where the graph has an edge or a place for its parameter.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from tabulate import tabulate

from refine.environments import open_environment
from refine.environments._bfcl_states import CLASSES
from refine.synth.plan import Planner, PlanSettings
from refine.synth.probe import Prober
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
        places = {(each.target, each.parameter) for each in (*graph.value_edges, *graph.state_values)}
        walker = Walker(environment, graph, {})
        called: Counter[str] = Counter()
        sources: Counter[str] = Counter()
        possible: Counter[bool] = Counter()
        walked = number = calls = 0
        while walked < WALKS and number < 4 * WALKS:
            try:
                trace = walker.walk(planner.plan(number))
            except Unwalkable:
                continue
            finally:
                number += 1
            walked += 1
            for step in trace.steps():
                calls += 1
                called[step.call.name] += 1
                sources.update(source.kind for source in step.sources)
                possible.update(
                    source.kind in ("result", "state")
                    for source in step.sources
                    if (step.call.name, source.parameter[0]) in places or source.kind in ("result", "state")
                )
        known = sources["result"] + sources["state"]
        missing = [tool for tool in graph.tools if tool not in called]
        return {
            "environment": name.rpartition("/")[2],
            "tools": len(graph.tools),
            "state edges": len(graph.state_edges),
            "value edges, executed": sum(edge.executed > 0 for edge in graph.value_edges),
            "graph CPU s": round(found - began, 1),
            "walks of plans": f"{walked} of {number}",
            "calls": calls,
            "walks CPU s": round(time.process_time() - found, 1),
            "arguments": sources.total(),
            "from results": _percent(sources["result"], sources.total()),
            "or state": _percent(known, sources.total()),
            "could be": _percent(possible.total(), sources.total()),
            "of those": _percent(possible[True], possible.total()),
            "never called": ", ".join(missing) or "-",
        }
    finally:
        environment.close()


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

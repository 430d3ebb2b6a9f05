"""Walks without a model: 25 of five calls in each of BFCL's eight classes, and in the example environments."""

from __future__ import annotations

import sys
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


def measured(name: str) -> dict[str, object]:
    """Graph and walks of one environment."""
    environment = open_environment(name)
    try:
        began = time.process_time()
        graph = Prober(environment, {}).build()
        found = time.process_time()
        planner = Planner(environment, graph, PlanSettings(turns=(1, 1), calls=(CALLS, CALLS), shares={"plain": 1.0}))
        walker = Walker(environment, graph, {})
        called: Counter[str] = Counter()
        sources: Counter[str] = Counter()
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
            "from results": f"{100 * sources['result'] / max(1, sources.total()):.0f} %",
            "from results or state": f"{100 * known / max(1, sources.total()):.0f} %",
            "without constants": f"{100 * known / max(1, sources.total() - sources['constant']):.0f} %",
            "never called": ", ".join(missing) or "-",
        }
    finally:
        environment.close()


if __name__ == "__main__":
    chosen = sys.argv[1:] or [*(f"bfcl:{name}" for name in CLASSES), *(f"python:{FOLDER / each}" for each in EXAMPLES)]
    rows = [measured(name) for name in chosen]
    print(tabulate([list(row.values()) for row in rows], headers=list(rows[0]), tablefmt="github"))

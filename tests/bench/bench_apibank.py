"""API-Bank: CPU seconds to judge each level's recorded replies, data loaded before.

The official evaluator needs about 12 CPU seconds for the 399 items of level 1, of which 0.4 to 0.7 are left where its
databases are shared between items; it cannot run here, so these figures stand beside it as they were measured.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tabulate import tabulate

from harness.benchmarks.apibank import data, judge, judge_response
from harness.benchmarks.apibank.scenes import Stage
from harness.data import datasets

ROUNDS = 5
LIMIT = 0.5
"""CPU seconds that level 1 may take."""


def level(number: int) -> int:
    """Judge the recorded replies of a level, level 3 as one run."""
    if number < 3:
        return sum(judge(number, item.id, item.expected).outcome == "pass" for item in data.items(number).values())
    stage = Stage()
    return sum(stage.judge(item, item.expected).correct for item in data.items(3).values())


def exact() -> int:
    """Judge the recorded replies of ToolRL's items."""
    return sum(
        judge(number, name, json.dumps(row["answer"]), "exact").outcome == "pass"
        for number in data.LEVELS
        for name, row in data.exact_items(number).items()
    )


def responses() -> int:
    """Score every recorded response against the next one, which has no words in order to spare."""
    items = list(data.responses().values())
    pairs = zip(items, [*items[1:], items[0]], strict=True)
    return sum(judge_response(item.level, item.id, other.expected).outcome == "pass" for item, other in pairs)


def main() -> None:
    """Print a table; end with an error where level 1 takes too long."""
    shared = Path(os.environ.get("SHARED_DATA", "../shared/data")) / "apibank"
    datasets.fetch("apibank", shared if shared.is_dir() else None)
    work: dict[str, tuple[int, Callable[[], int]]] = {
        "level 1": (399, lambda: level(1)),
        "level 2": (135, lambda: level(2)),
        "level 3": (245, lambda: level(3)),
        "exact": (597, exact),
        "responses": (528, responses),
    }
    rows = []
    for name, (count, action) in work.items():
        passed = action()
        spent = []
        for _ in range(ROUNDS):
            began = time.process_time()
            action()
            spent.append(time.process_time() - began)
        rows.append([name, count, passed, statistics.median(spent), count / statistics.median(spent)])
    print(
        tabulate(
            rows, ["", "items", "passed", "CPU seconds", "items a CPU second"], floatfmt=("", "", "", ".4f", ",.0f")
        )
    )
    if rows[0][3] > LIMIT:
        raise SystemExit(f"level 1 takes {rows[0][3]:.2f} CPU seconds, more than {LIMIT}")


if __name__ == "__main__":
    main()

"""What a refinement yields: `kept.jsonl`, `dropped.jsonl`, `hard.jsonl`, derived from the outcomes as a whole.

The files are rewritten from `outcomes.jsonl` in the order of the source, so that a killed and resumed run, or one whose
server failed now and then, writes the same bytes as an undisturbed one. Only offsets are held in memory.
"""

from __future__ import annotations

import heapq
import json
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.files import replacing, write_atomic

FILES = {"kept": "kept.jsonl", "dropped": "dropped.jsonl", "hard": "hard.jsonl"}
STATUS = "status.json"


def books(folder: Path) -> list[Path]:
    """The folders with a run's log files: the run's own, and one a shard where it was spread over workers."""
    return [folder, *sorted(folder.glob("shard-*"))]


def last_outcomes(folder: Path) -> Iterator[dict[str, Any]]:
    """The outcome of each example, the last one where it was tried again, in the order of the source.

    Args:
        folder: The run's folder.

    Returns:
        Lines of `outcomes.jsonl`, one at a time.
    """
    return heapq.merge(*map(_last_outcomes, books(folder)), key=lambda line: line["index"])


def _last_outcomes(folder: Path) -> Iterator[dict[str, Any]]:
    path, offsets, at = folder / "outcomes.jsonl", array("q"), 0
    if not path.exists():
        return
    with path.open("rb") as file:
        for raw in file:
            if not raw.endswith(b"\n"):
                break
            index = int(raw[len(b'{"index": ') : raw.index(b",")])
            offsets.extend([-1] * (index + 1 - len(offsets)))
            offsets[index] = at
            at += len(raw)
        for offset in offsets:
            if offset >= 0:
                file.seek(offset)
                yield json.loads(file.readline())


def write_outputs(folder: Path) -> dict[str, int]:
    """Write the three output files, each atomically.

    Args:
        folder: The run's folder.

    Returns:
        Number of examples by outcome, unjudged ones included.
    """
    counts = dict.fromkeys((*FILES, "unjudged"), 0)
    with ExitStack() as opened:
        write = {outcome: opened.enter_context(replacing(folder / name)) for outcome, name in FILES.items()}
        for line in last_outcomes(folder):
            counts[line["outcome"]] += 1
            if line["outcome"] in write:
                write[line["outcome"]](json.dumps(_output(line)).encode() + b"\n")
    return counts


def write_status(folder: Path, cost_limit: float | None, left: int) -> None:
    """Write down whether a run stopped at its cost limit, for its report.

    Args:
        folder: The run's folder.
        cost_limit: In USD.
        left: Examples that were not started.
    """
    write_atomic(folder / STATUS, json.dumps({"cost_limit": cost_limit, "left": left}).encode())


def read_status(folder: Path) -> dict[str, Any]:
    """What `write_status` wrote; nothing left where it wrote nothing."""
    path = folder / STATUS
    return dict(json.loads(path.read_bytes())) if path.exists() else {"cost_limit": None, "left": 0}


def _output(line: dict[str, Any]) -> dict[str, Any]:
    """An `Example` line; what happened to it stands in its `source`, and beside it where it was not kept."""
    example = line["example"]
    history = {"stage": line["stage"], "repairs": line["repairs"], "findings": line["findings"]}
    example["source"] = example["source"] | {"refined": history}
    return example if line["outcome"] == "kept" else example | {"stage": line["stage"], "reason": line["reason"]}

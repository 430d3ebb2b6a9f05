"""What a refinement did, held against the truth of the source set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from harness.benchmarks.bfcl import decode
from harness.data import examples
from harness.types import Example
from trainer.recipes.demo.judge import concludes, read_truths, same
from trainer.recipes.demo.source import STATEMENT, Truth

REFUSED_BY: Mapping[str, tuple[str, ...]] = {
    "response": ("statement",),
    "query": ("query", "statement"),
    "cot": ("cot",),
    "arguments": ("arguments", "query"),
    "format": ("format", "statement"),
}
"""Stage -> kinds of records to which a faultless judge says no there, if they get that far."""


def refinement(folder: Path, seed: int, refined: Path, limit: int | None = None) -> dict[str, Any]:
    """What one refinement did to records whose truth is known.

    Args:
        folder: The experiment's folder.
        seed: Which source set was refined.
        refined: The folder of `refine run`.
        limit: How many of its records, from the first on; all where it is None.

    Returns:
        `stages`: questions by stage, how many should have been refused and how many were; `kinds`: outcomes by kind;
        `counts`: how many records were judged and kept and how many of both are good, and how many a judge of whom
        nothing could be read left unjudged.
    """
    stages = {name: dict.fromkeys(("asked", "wrong", "refused", "hits"), 0) for name in REFUSED_BY}
    kinds: dict[str, dict[str, int]] = {}
    counts = dict.fromkeys(("raw", "raw_good", "kept", "kept_good", "good_lost", "repaired", "stale", "unjudged"), 0)
    truths = {truth.id: truth for truth in read_truths([folder / f"data/truth-{seed}.jsonl"])}
    for stage, kind, refused in _first_verdicts(refined / "calls.jsonl", truths):
        wrong = kind in REFUSED_BY[stage]
        for name, counted in (("asked", 1), ("wrong", wrong), ("refused", refused), ("hits", wrong and refused)):
            stages[stage][name] += counted
    kept, hard, dropped = (
        {row.id: row for row in _examples(refined / f"{name}.jsonl")} for name in ("kept", "hard", "dropped")
    )
    for row in islice(_examples(folder / f"data/source-{seed}.jsonl"), limit):
        truth = truths[row.id]
        if row.id not in kept | hard | dropped:
            counts["unjudged"] += 1
            continue
        outcome = "kept" if row.id in kept else "hard" if row.id in hard else "dropped"
        tally = kinds.setdefault(truth.kind, dict.fromkeys(("kept", "dropped", "hard"), 0))
        tally[outcome] += 1
        fine = good(row, truth)
        counts["raw"] += 1
        counts["raw_good"] += fine
        counts["good_lost"] += fine and row.id not in kept
        if row.id in kept:
            right = answers(kept[row.id], truth)
            counts["kept"] += 1
            counts["kept_good"] += good(kept[row.id], truth)
            counts["repaired"] += right and not answers(row, truth)
            counts["stale"] += right and not concludes(kept[row.id].think or "", kept[row.id].answer)
    return {"stages": stages, "kinds": kinds, "counts": counts}


def answers(row: Example, truth: Truth) -> bool:
    """Whether a record's answer decodes to the right calls, or is the right statement."""
    if truth.answer is None or truth.answer == STATEMENT:
        return truth.answer == row.answer
    return decode.read_calls(row.answer) is not None and same(row.answer, truth.answer)


def good(row: Example, truth: Truth) -> bool:
    """Whether a record's answer is right and its reasoning leads to it."""
    return answers(row, truth) and concludes(row.think or "", row.answer)


def _first_verdicts(calls: Path, truths: Mapping[str, Truth]) -> Iterator[tuple[str, str, bool]]:
    """Stage, kind of record, and whether the judge refused it when it was first asked there."""
    seen = set()
    for line in map(json.loads, calls.read_text("utf-8").splitlines()):
        if line["question"] == line["stage"] and (line["index"], line["stage"]) not in seen and line["read"]:
            seen.add((line["index"], line["stage"]))
            yield line["stage"], truths[line["id"]].kind, line["read"]["verdict"] == "no"


def _examples(path: Path) -> Iterator[Example]:
    if path.stat().st_size:
        yield from (row for row in examples.read(path, "example") if isinstance(row, Example))

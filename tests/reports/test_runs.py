"""What `harness run` prints of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.analysis.entries import entries
from harness.analysis.leaderboard import build
from harness.reports import boards, overview, runs
from harness.results import store
from harness.results.lines import encode
from harness.stats.views import load_view
from harness.types import RunRecord, Score, Verdict
from tests import synthetic_runs


def test_one_interval_wherever_it_is_shown(tmp_path: Path) -> None:
    """8 of 16 right in 4 items x 4 repeats: the run's table, its page and the leaderboard agree."""
    scores = {"multiple": Score(16, 16, 8, 0)}
    record = synthetic_runs.record(scores=scores, repeats=4)
    assert "15.0% - 85.0%" in runs.records_text([record], tmp_path)

    (entry,) = entries([("run", record)])
    assert entry.scores == scores
    board = build(load_view("v4"), [entry])
    assert "15.0..85.0" in boards.terminal([board], 200, ["multiple"])

    folder = synthetic_runs.write(tmp_path, sizes={"multiple": 4}, scores=scores, repeats=4)
    (category,) = overview.about(overview.read_side(folder))["categories"]
    assert (round(category["low"], 3), round(category["high"], 3)) == (0.15, 0.85)
    assert store.read_run(folder).repeats == 4


def test_a_category_without_a_verdict_has_no_accuracy(tmp_path: Path) -> None:
    record = synthetic_runs.record(scores={"multiple": Score(4, 0, 0, 4)})
    assert "N/A" in runs.records_text([record], tmp_path)


def faulted(root: Path, faults: Sequence[str | None]) -> RunRecord:
    """A run whose items ended so, None for well."""
    folder = synthetic_runs.write(root, sizes={"multiple": len(faults)})
    lines = []
    for index, fault in enumerate(faults):
        outcome = "pass" if fault is None else "unscored"
        verdict = Verdict("pass") if fault is None else Verdict("unscored", "fault", fault)
        lines.append(synthetic_runs.line("multiple", index, 0, outcome, fault=fault, verdicts={"multiple": verdict}))
    (folder / store.SAMPLES).write_bytes(b"".join(map(encode, lines)))
    left = sum(fault is not None for fault in faults)
    record = store.read_run(folder)
    return replace(record, benchmark=replace(record.benchmark, n=len(faults), left=left))


def test_the_most_frequent_reasons_of_faults_are_printed(tmp_path: Path) -> None:
    long = [f"prompt exceeds context: {n} tokens" for n in (9120, 8731, 8192)]
    record = faulted(tmp_path, [None, "a", *long, "b", "b", "c\x1b[31m", "d"])
    said = [line for line in runs.records_text([record], tmp_path).splitlines() if line.startswith("error")]
    assert said == [
        "error, 3 of 9: prompt exceeds context: 9120 tokens",
        "error, 2 of 9: b",
        "error, 1 of 9: a",
        "error, 2 more of 2 other kinds",
    ]


def test_a_run_without_faults_names_none(tmp_path: Path) -> None:
    assert "error, " not in runs.records_text([faulted(tmp_path, [None, None])], tmp_path)


def test_a_reason_is_printed_without_control_characters(tmp_path: Path) -> None:
    assert "\x1b" not in runs.records_text([faulted(tmp_path, ["HTTP 400 \x1b[31m\nred"])], tmp_path)


@pytest.mark.parametrize(
    ("left", "seconds", "told"),
    [
        (10, 1.0, None),
        (2000, None, "toy: 2,000 samples, of which 12 echo; the time left is shown once some are done"),
        (7200, 0.5, "toy: 7,200 samples, of which 12 echo; about 1:00:00 at 0.5 s each, as in an earlier run"),
    ],
)
def test_a_large_run_says_how_large_it_is(left: int, seconds: float | None, told: str | None) -> None:
    echo, talk = (SimpleNamespace(category=name) for name in ("echo", "talk"))
    samples = {**{f"echo_{place}": echo for place in range(12)}, "talk_0": talk}
    plan: Any = SimpleNamespace(samples=samples, spec=SimpleNamespace(repeats=1), benchmark=SimpleNamespace(name="toy"))
    assert runs.size_text(plan, left, seconds) == told

"""What `harness run` prints of a run."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.entries import entries
from harness.analysis.leaderboard import build
from harness.reports import boards, overview, runs
from harness.results import store
from harness.stats.views import load_view
from harness.types import Score
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

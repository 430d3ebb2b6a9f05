"""Counts of a run: whole where replies pass or fail, sums of credit where judgements are graded."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import exchange
from harness.analysis.comparison import compare
from harness.analysis.gating import gate
from harness.analysis.outcomes import Outcomes
from harness.analysis.policy import parse
from harness.analysis.sides import freeze, read, thaw
from harness.reports import overview, runs
from harness.results import store
from harness.results.lines import SampleLine
from harness.results.tally import Tallies, Tally, credit
from harness.types import Score, Verdict
from tests import synthetic_runs

GRADES = (0.25, 0.5, 0.125, 1.0)


def graded(value: float) -> Verdict:
    if value >= 0.5:
        return Verdict("pass", evidence={"credit": value})
    return Verdict("fail", "LOW_ROUGE_L", evidence={"credit": value})


def line(number: int, verdict: Verdict, category: str = "graded") -> SampleLine:
    return SampleLine(f"{category}_{number}", 0, category, (), verdicts={category: verdict})


LINES = (
    *(line(number, graded(value)) for number, value in enumerate(GRADES)),
    line(4, Verdict("unscored", "unknown")),
    line(0, Verdict("pass"), "whole"),
    line(1, Verdict("fail", "wrong"), "whole"),
)
SCORES = {"graded": Score(5, 4, 1.875, 1), "whole": Score(2, 2, 1, 0)}


def test_credit_is_counted_where_it_is_given_and_whole_passes_stay_whole() -> None:
    tally = Tally({"graded": 5, "whole": 2})
    for one in LINES:
        tally.add(one)
    assert tally.scores() == SCORES
    assert {name: type(score.passed) for name, score in tally.scores().items()} == {"graded": float, "whole": int}
    assert (tally.passed, tally.judged) == (2.875, 6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_accuracy_is_the_mean_of_the_grades(grades: list[float]) -> None:
    tally = Tally({"graded": len(grades)})
    for number, value in enumerate(grades):
        tally.add(line(number, graded(value)))
    assert tally.scores()["graded"].passed == pytest.approx(sum(grades), abs=1e-6)


def test_credit_of_a_verdict() -> None:
    assert [credit(verdict) for verdict in (Verdict("pass"), Verdict("fail", "x"), graded(0.25))] == [1, 0, 0.25]


def test_rules_are_tallied_alike() -> None:
    tallies = Tallies(["upstream"], {"graded": 5, "whole": 2})
    for one in LINES:
        tallies.add(replace(one, verdicts={}), {"upstream": one.verdicts})
    assert tallies.scores("upstream") == SCORES


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of the lines above, as `harness import` stores it."""
    record = synthetic_runs.record(scores=SCORES)
    return exchange.keep(record, LINES, tmp_path)


def test_a_stored_run_says_the_same_everywhere(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    record = store.read_run(run)
    assert record.scores == SCORES
    assert [type(record.scores[name].passed) for name in ("graded", "whole")] == [float, int]
    assert '"passed": 1,' in (run / "run.json").read_text()
    text = runs.records_text([record], tmp_path)
    rows = {words[0]: words for words in map(str.split, text.splitlines()) if words and words[0] in SCORES}
    assert rows["graded"][1] == "46.88%"
    assert "1.88" in rows["graded"]
    assert rows["whole"][-5:] == ["1", "2", "2", "0", "0"]
    values = {one["name"]: one["value"] for one in overview.about(overview.read_side(run))["categories"]}
    assert values == {"graded": 0.46875, "whole": 0.5}
    assert asdict(read(run).scores["graded"]) == asdict(SCORES["graded"])


def test_items_pair_by_their_grades(run: Path, tmp_path: Path) -> None:
    side = read(run)
    lines = (*(line(number, graded(value / 2)) for number, value in enumerate(GRADES)), *LINES[len(GRADES) :])
    worse = exchange.keep(synthetic_runs.record(scores=SCORES), lines, tmp_path / "worse")
    (found,) = compare(side, [read(worse)])
    row = next(row for row in found.rows if row.scope == "graded")
    assert row.accuracies == pytest.approx((0.46875, 0.234375))
    assert row.difference == pytest.approx(-0.234375)
    assert (row.only_a, row.only_b) == (sum(value > 0 for value in GRADES), 0)
    assert {key[0] for category, key, gained in found.flips() if category == "graded" and not gained} == {
        line(number, graded(0)).id for number, value in enumerate(GRADES) if value
    }


def test_a_gate_demands_the_mean_and_a_baseline_keeps_it(run: Path, tmp_path: Path) -> None:
    (finding,) = gate(read(run), parse({"minimum": {"graded": 0.4}}, "p")).findings
    assert finding.value == pytest.approx(0.46875)
    frozen = tmp_path / "base.json"
    frozen.write_bytes(freeze(read(run)))
    thawed: Outcomes = thaw(frozen)
    assert thawed.grades == read(run).grades
    assert thawed.scores == read(run).scores
    older = json.loads(frozen.read_text())
    del older["grades"]
    frozen.write_text(json.dumps(older | {"credits": {"graded": 1.875}}))
    assert thaw(frozen).scores == thawed.scores

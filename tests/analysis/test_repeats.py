"""Runs that asked each item several times: every repeat counts, clustered by item, and rules of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.analysis import items
from harness.analysis.deciding import Finding
from harness.analysis.gating import gate
from harness.analysis.outcomes import Outcomes
from harness.analysis.policy import parse
from harness.errors import UsageProblem
from harness.stats.intervals import wilson
from harness.stats.paired import cluster_sums, paired_interval

FACTS = {"version": "4", "data_sha256": "d", "checker_sha256": "c", "rules": "upstream"}


def side(rows: list[str], name: str = "multiple", **changes: Any) -> Outcomes:
    """One text an item, one mark a repeat: 1 right, 0 wrong, - unscored, blank not there."""
    marks = {"1": True, "0": False, "-": None}
    results = {
        (f"{name}_{number}", repeat): marks[mark]
        for number, row in enumerate(rows)
        for repeat, mark in enumerate(row)
        if mark != " "
    }
    repeats = max(map(len, rows))
    fields: dict[str, Any] = {"repeats_of": {name: repeats}} | changes
    about = {"bfcl": {**FACTS, "categories": [name]}}
    return Outcomes("m", about, {name: len(rows) * repeats}, {name: results}, **fields)


def find(document: Mapping[str, Any], run: Outcomes, baseline: Outcomes | None = None) -> Finding:
    return next(found for found in gate(run, parse(document, "p"), baseline).findings if found.rule.section != "run")


HALF = ["11", "10", "01", "00"] * 25
"""100 items: a quarter right both times, half of them once."""


@pytest.mark.parametrize(
    ("document", "value", "passed"),
    [
        ({"minimum": {"multiple": 0.3}}, 0.5, 50),
        ({"all_repeats": {"multiple": 0.3}}, 0.25, 25),
        ({"pass_at": {"multiple": {"k": 1, "value": 0.3}}}, 0.5, 50),
        ({"pass_at": {"multiple": {"k": 2, "value": 0.3}}}, 0.75, 75),
        ({"worst_repeat": {"multiple": 0.3}}, 0.5, 50),
    ],
)
def test_each_rule_has_its_statistic_over_items(document: dict[str, Any], value: float, passed: int) -> None:
    found = find(document, side(HALF))
    assert found.value == pytest.approx(value)
    assert found.n == 100
    assert (found.low, found.high) == pytest.approx(tuple(wilson(passed, 100, 0.9)))


def test_the_worst_repeat_is_the_worst() -> None:
    run = side(["11"] * 60 + ["10"] * 30 + ["00"] * 10)
    assert find({"minimum": {"multiple": 0.65}}, run).outcome == "pass"
    found = find({"worst_repeat": {"multiple": 0.65}}, run)
    assert (found.value, found.outcome) == (pytest.approx(0.6), "inconclusive")
    assert "repeat 1" in found.reason
    assert find({"worst_repeat": {"multiple": 0.7}}, run).outcome == "fail"


@pytest.mark.parametrize(
    "document",
    [
        {"all_repeats": {"multiple": 0.1}},
        {"worst_repeat": {"multiple": 0.1}},
        {"pass_at": {"multiple": {"k": 2, "value": 0.1}}},
    ],
)
def test_rules_of_repeats_show_nothing_where_there_is_one(document: dict[str, Any]) -> None:
    found = find(document, side(["1"] * 100))
    assert (found.outcome, found.value) == ("inconclusive", None)
    assert "--repeats 2" in found.reason


def test_all_repeats_of_the_candidate_are_held_against_one_of_the_baseline() -> None:
    before = side(["1"] * 100)
    run = side(["1000"] * 100)
    found = find({"max_drop": {"multiple": 0.1}}, run, before)
    assert (found.value, found.outcome, found.n) == (pytest.approx(-0.75), "fail", 100)
    assert "asked 1 and 4 times" in found.reason


def test_as_many_repeats_on_both_sides_are_clusters_of_an_item() -> None:
    old, new = ["11", "10", "00", "11"] * 30, ["11", "11", "01", "10"] * 30
    found = find({"max_drop": {"multiple": 0.1}}, side(new), side(old))
    names = [f"multiple_{number}" for number in range(120) for _ in range(2)]
    differences = [int(b) - int(a) for a, b in zip("".join(old), "".join(new), strict=True)]
    expected = paired_interval(*cluster_sums(differences, names), 0.9)
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_a_view_takes_rules_of_repeats_too() -> None:
    names = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
    parts = [side(HALF, name) for name in names]
    results = {name: part.results[name] for name, part in zip(names, parts, strict=True)}
    about = {"bfcl": {**FACTS, "categories": list(names)}}
    run = Outcomes("m", about, dict.fromkeys(names, 200), results, repeats_of=dict.fromkeys(names, 2))
    assert find({"all_repeats": {"v4/multi_turn": 0.1}}, run).value == pytest.approx(0.25)


ABSENT = ["11"] * 80 + ["1 "] * 10 + ["1-"] * 10


@pytest.mark.parametrize(
    ("document", "low", "high"),
    [
        ({"minimum": {"multiple": 0.5}}, 90, 100),
        ({"all_repeats": {"multiple": 0.5}}, 80, 100),
        ({"pass_at": {"multiple": {"k": 2, "value": 0.5}}}, 100, 100),
    ],
)
def test_a_repeat_that_is_missing_bounds_its_item(document: dict[str, Any], low: float, high: float) -> None:
    found = find(document, side(ABSENT, missing={"multiple": 10}))
    assert found.low == pytest.approx(wilson(low, 100, 0.9).low)
    assert found.high == pytest.approx(wilson(high, 100, 0.9).high)


def test_items_of_which_nothing_is_there_are_counted() -> None:
    run = side(["11"] * 80, missing={"multiple": 40})
    assert items.unseen(run, "multiple") == 20
    found = find({"minimum": {"multiple": 0.5}}, run)
    assert found.low == pytest.approx(wilson(80, 100, 0.9).low)
    assert "20 of 100 items are missing" in found.reason


def test_what_rules_leave_out_is_not_missing() -> None:
    run = side(["11"] * 98 + ["--"] * 2, excluded={"multiple": 4})
    assert find({"minimum": {"multiple": 0.5}}, run).low == pytest.approx(wilson(98, 98, 0.9).low)
    assert find({"limits": {"coverage": 1.0}}, run).outcome == "pass"


@pytest.mark.parametrize("content", [0.9, {"value": 0.9}, {"k": 0, "value": 0.9}, {"k": "2", "value": 0.9}])
def test_pass_at_needs_its_k(content: Any) -> None:
    with pytest.raises(UsageProblem, match=r"k is"):
        parse({"pass_at": {"multiple": content}}, "p")


def graded(run: Outcomes, mean: float) -> Outcomes:
    """The same with grades around a mean."""
    judged = [key for key, passed in run.results["multiple"].items() if passed is not None]
    return replace(run, grades={"multiple": {key: mean + (-1) ** at * 0.2 for at, key in enumerate(judged)}})


def test_a_graded_category_is_held_by_its_mean_grade() -> None:
    run = graded(side(["1"] * 50 + ["0"] * 50), 0.75)
    found = find({"minimum": {"multiple": 0.6}}, run)
    assert (found.value, found.outcome) == (pytest.approx(0.75), "pass")
    short = graded(side(["1"] * 50 + ["0"] * 40 + ["-"] * 10), 70 / 90)
    found = find({"minimum": {"multiple": 0.6}}, short)
    assert found.value == pytest.approx(70 / 90)
    assert (found.low, found.high) == pytest.approx((wilson(70, 100, 0.9).low, wilson(80, 100, 0.9).high))


def test_a_graded_category_drops_when_its_grades_do() -> None:
    run = side(["1"] * 100)
    found = find({"max_drop": {"multiple": 0.02}}, graded(run, 0.4), graded(run, 0.5))
    assert (found.value, found.outcome) == (pytest.approx(-0.1), "fail")

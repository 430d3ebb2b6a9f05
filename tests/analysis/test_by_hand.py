"""`harness compare` and `harness gate`, from run folders to JSON, against figures computed here from their definitions.

Nothing of `harness.stats` or scipy is used on this side: whole numbers, fractions, binomial coefficients and the normal
quantile of the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import comb, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.results import store
from harness.results.lines import RecordedStep, encode
from harness.types import Generation, Outcome, Score
from tests import synthetic_runs
from tests.synthetic_runs import BENCHMARK

MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
TABLES = {
    "multiple": (30, 9, 2, 19),
    "parallel": (0, 0, 7, 3),
    "simple_java": (5, 1, 1, 0),
    "live_simple": (8, 0, 0, 4),
}
"""Category -> items right on both sides, in A only, in B only, on neither."""
EPSILON = 1e-7


def quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


def write(root: Path, marks: Mapping[str, str], **changes: Any) -> str:
    """A run whose items have the outcomes `1`, `0` and `-`."""

    def outcome(category: str, index: int, _: int) -> Outcome:
        return {"1": "pass", "0": "fail", "-": "unscored"}[marks[category][index]]  # type: ignore[return-value]

    return str(synthetic_runs.write(root, "m", {name: len(text) for name, text in marks.items()}, outcome, **changes))


def sides(tmp_path: Path, tables: Mapping[str, tuple[int, int, int, int]]) -> tuple[str, str]:
    a = {
        name: "1" * both + "1" * lost + "0" * gained + "0" * none for name, (both, lost, gained, none) in tables.items()
    }
    b = {
        name: "1" * both + "0" * lost + "1" * gained + "0" * none for name, (both, lost, gained, none) in tables.items()
    }
    return write(tmp_path / "a", a), write(tmp_path / "b", b)


def told(*arguments: str) -> Any:
    return json.loads(CliRunner().invoke(cli, arguments, env={"GITHUB_ACTIONS": ""}).stdout)


def mcnemar(lost: int, gained: int) -> Fraction:
    """Chance that a fair coin falls at least as unevenly."""
    n = lost + gained
    return min(Fraction(1), Fraction(2 * sum(comb(n, k) for k in range(min(lost, gained) + 1)), 2**n))


def paired_limits(lost: int, gained: int, n: int, level: float) -> tuple[float, float]:
    """Bonett & Price 2012: one pair more of each kind, then the normal interval of a difference of proportions."""
    less, more = Fraction(lost + 1, n + 2), Fraction(gained + 1, n + 2)
    half = quantile((1 + level) / 2) * sqrt((more + less - (more - less) ** 2) / (n + 2))
    return float(more - less) - half, float(more - less) + half


def test_compare_equals_the_definitions(tmp_path: Path) -> None:
    (found,) = told("compare", *sides(tmp_path, TABLES), "--format", "json")
    rows = {row["scope"]: row for row in found["rows"]}
    total = tuple(map(sum, zip(*TABLES.values(), strict=True)))
    for scope, (both, lost, gained, none) in {**TABLES, "all": total}.items():
        row, n = rows[scope], both + lost + gained + none
        assert (row["pairs"], row["both"], row["only_a"], row["only_b"], row["neither"]) == (
            n,
            both,
            lost,
            gained,
            none,
        )
        assert row["accuracies"] == pytest.approx([(both + lost) / n, (both + gained) / n], abs=1e-12)
        assert row["difference"] == pytest.approx(float(Fraction(gained - lost, n)), abs=1e-12)
        assert row["p"] == pytest.approx(float(mcnemar(lost, gained)), abs=1e-12)
        low, high = row["bootstrap"]
        assert low <= row["difference"] <= high
    assert rows["live_simple"]["bootstrap"] == [0, 0]


def test_q_values_are_benjamini_and_hochbergs_step_up(tmp_path: Path) -> None:
    (found,) = told("compare", *sides(tmp_path, TABLES), "--format", "json")
    p = {name: mcnemar(lost, gained) for name, (_, lost, gained, _) in TABLES.items()}
    ranked = sorted(p, key=p.__getitem__)
    for row in found["rows"]:
        if row["kind"] == "category":
            place = max(place for place, name in enumerate(ranked) if p[name] <= p[row["scope"]])
            adjusted = min(
                min(Fraction(1), p[name] * len(p) / (rank + 1)) for rank, name in enumerate(ranked) if rank >= place
            )
            assert row["q"] == pytest.approx(float(adjusted), abs=1e-12)
        else:
            assert row["q"] == row["p"]


def test_the_detectable_difference_has_the_power_that_it_claims(tmp_path: Path) -> None:
    (found,) = told("compare", *sides(tmp_path, TABLES), "--format", "json")
    for row in found["rows"]:
        delta, discordant = row["detectable"], (row["only_a"] + row["only_b"]) / row["pairs"]
        if not discordant:
            assert delta == 1
        elif delta < discordant:  # otherwise no number of such pairs has it
            spread, shifted = sqrt(discordant), sqrt(discordant - delta**2)
            power = NormalDist().cdf((delta * sqrt(row["pairs"]) - quantile(0.975) * spread) / shifted)
            assert power == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize(("passed", "n"), [(45, 50), (50, 50), (0, 12), (1, 3)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_minimum_turns_at_the_wilson_limits(tmp_path: Path, passed: int, n: int, confidence: float) -> None:
    run = write(tmp_path, {"multiple": "1" * passed + "0" * (n - passed)})
    z = quantile(confidence)
    (rule,) = gate(run, confidence, minimum={"multiple": 0.5})
    low, high = rule["low"], rule["high"]
    for limit in (low, high):  # what the score test just does not reject
        if 0 < limit < 1:
            assert (passed / n - limit) ** 2 == pytest.approx(z**2 * limit * (1 - limit) / n, abs=1e-12)
    assert rule["value"] == pytest.approx(passed / n)
    expected = {low - EPSILON: "pass", low + EPSILON: "inconclusive", high: "inconclusive", high + EPSILON: "fail"}
    for threshold, outcome in expected.items():
        if 0 <= threshold <= 1:
            (rule,) = gate(run, confidence, minimum={"multiple": threshold})
            assert rule["outcome"] == outcome, threshold


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("section", ["max_drop", "forgetting"])
def test_drops_turn_at_the_paired_limits(tmp_path: Path, table: tuple[int, int, int, int], section: str) -> None:
    a, b = sides(tmp_path, {"multiple": table})
    _, lost, gained, _ = table
    low, high = paired_limits(lost, gained, sum(table), 0.9)
    against = ("--base" if section == "forgetting" else "--baseline", a)
    (rule,) = gate(b, 0.95, against, **{section: {"multiple": 0.5}})
    assert (rule["low"], rule["high"]) == pytest.approx((low, high), abs=1e-12)
    assert rule["value"] == pytest.approx((gained - lost) / sum(table))
    expected = {-low + EPSILON: "pass", -low - EPSILON: "inconclusive", -high + EPSILON: "inconclusive"}
    for margin, outcome in {**expected, -high - EPSILON: "fail"}.items():
        if 0 <= margin <= 1:
            (rule,) = gate(b, 0.95, against, **{section: {"multiple": margin}})
            assert rule["outcome"] == outcome, margin


def test_an_average_combines_its_parts_in_quadrature(tmp_path: Path) -> None:
    tables = dict(zip(MULTI_TURN, [(30, 9, 2, 9), (20, 0, 0, 30), (10, 1, 9, 30), (48, 2, 0, 0)], strict=True))
    a, b = sides(tmp_path, tables)
    (drop,) = gate(b, 0.95, ("--baseline", a), max_drop={"v4/multi_turn": 0.02})
    parts = [(gained - lost) / 50 for _, lost, gained, _ in tables.values()]
    value = sum(parts) / 4
    limits = [paired_limits(lost, gained, 50, 0.9) for _, lost, gained, _ in tables.values()]
    below = sqrt(sum(((part - low) / 4) ** 2 for part, (low, _) in zip(parts, limits, strict=True)))
    above = sqrt(sum(((high - part) / 4) ** 2 for part, (_, high) in zip(parts, limits, strict=True)))
    assert (drop["value"], drop["low"], drop["high"]) == pytest.approx((value, value - below, value + above), abs=1e-12)
    (least,) = gate(b, 0.95, minimum={"v4/multi_turn": 0.5})
    assert least["value"] == pytest.approx(sum(both + gained for both, _, gained, _ in tables.values()) / 200)


def gate(run: str, confidence: float, against: tuple[str, ...] = (), **sections: Any) -> list[dict[str, Any]]:
    policy = Path(run) / "gate.yaml"
    policy.write_text(json.dumps({"confidence": confidence, **sections}))
    found: list[dict[str, Any]] = told("gate", run, "--policy", str(policy), *against, "--json")["rules"]
    return found


LATENCIES = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.fixture
def costly(tmp_path: Path) -> str:
    """Twelve samples of twenty in the data: ten with one reply each, two of them cut, and two faults."""
    run = store.new_run(tmp_path, synthetic_runs.record("m").model, "bfcl")
    lines = [
        synthetic_runs.line(
            "multiple",
            index,
            0,
            "pass",
            steps=(
                RecordedStep(
                    0, Generation("x", "length" if index < 2 else "stop", seconds=seconds, completion_tokens=30)
                ),
            ),
        )
        for index, seconds in enumerate(LATENCIES)
    ]
    lines += [synthetic_runs.line("multiple", index, 0, "unscored", steps=(), fault="HTTP 500") for index in (10, 11)]
    (run / store.SAMPLES).write_bytes(b"".join(map(encode, lines)))
    about = replace(BENCHMARK, categories=("multiple",))
    store.write_run(
        run, synthetic_runs.record("m", {"multiple": Score(20, 10, 10, 2)}, benchmark=about, run_id=run.name)
    )
    return str(run)


LIMITS = {
    "faults": Fraction(2, 12),
    "truncated": Fraction(2, 12),
    "latency_mean": Fraction(sum(map(Fraction, LATENCIES)), 10),
    "latency_p95": Fraction(5) + Fraction(55, 100),  # 0.95 of the way from the first to the last of ten: place 8.55
    "tokens_per_sample": Fraction(300, 12),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_hold_up_to_the_figure_itself(costly: str, name: str) -> None:
    value = float(LIMITS[name])
    (rule,) = gate(costly, 0.95, limits={name: value * (1 + 1e-12)})
    assert (rule["value"], rule["outcome"]) == (pytest.approx(value), "pass")
    (rule,) = gate(costly, 0.95, limits={name: value - EPSILON})
    assert rule["outcome"] == "fail"


def test_coverage_is_the_judged_share_of_the_data(costly: str) -> None:
    assert [gate(costly, 0.95, limits={"coverage": least})[0]["outcome"] for least in (0.5, 0.5 + EPSILON)] == [
        "pass",
        "fail",
    ]
    assert gate(costly, 0.95, limits={"coverage": 0.5})[0]["value"] == 0.5


@pytest.mark.parametrize(
    ("outcomes", "on_inconclusive", "verdict", "code"),
    [
        (("pass", "pass"), "fail", "pass", 0),
        (("pass", "inconclusive"), "fail", "inconclusive", 1),
        (("pass", "inconclusive"), "pass", "inconclusive", 0),
        (("fail", "inconclusive"), "pass", "fail", 1),
        (("fail", "pass"), "pass", "fail", 1),
    ],
)
def test_one_rule_decides_for_all(
    tmp_path: Path, outcomes: tuple[str, ...], on_inconclusive: str, verdict: str, code: int
) -> None:
    run = write(tmp_path, dict.fromkeys(("multiple", "parallel"), "1" * 45 + "0" * 5))
    threshold = {"pass": 0.5, "inconclusive": 0.9, "fail": 0.99}
    minimum = {name: threshold[wanted] for name, wanted in zip(("multiple", "parallel"), outcomes, strict=True)}
    policy = tmp_path / "gate.yaml"
    policy.write_text(json.dumps({"on_inconclusive": on_inconclusive, "minimum": minimum}))
    result = CliRunner().invoke(cli, ["gate", run, "--policy", str(policy), "--json"], env={"GITHUB_ACTIONS": ""})
    found = json.loads(result.stdout)
    assert tuple(rule["outcome"] for rule in found["rules"]) == outcomes
    assert (found["verdict"], found["passed"], result.exit_code) == (verdict, code == 0, code)


def test_unscored_items_pair_with_nothing(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", {"multiple": "11-0-1"}), write(tmp_path / "b", {"multiple": "1-10-0"})
    (found,) = told("compare", a, b, "--format", "json")
    row = found["rows"][0]
    assert (row["pairs"], row["both"], row["only_a"], row["only_b"], row["unpaired"]) == (3, 1, 1, 0, 3)
    assert row["p"] == 1

"""What a policy can show: simulated as the gate decides, and what the shipped policies say of themselves."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.analysis import margins
from harness.analysis.gating import gate
from harness.analysis.outcomes import Outcomes
from harness.analysis.policy import load, parse
from harness.analysis.policy_file import read, shipped, shipped_names
from harness.cli import cli
from harness.stats.paired import noninferiority, paired_interval, paired_limits
from tests.analysis.gate_wrong import frozen, run
from tests.bench import gate_policies

FACTS = {"version": "4", "data_sha256": "d", "checker_sha256": "c", "rules": "upstream"}


def side(marks: dict[str, list[bool]]) -> Outcomes:
    results = {name: {(f"{name}_{i}", 0): mark for i, mark in enumerate(found)} for name, found in marks.items()}
    sizes = {name: len(found) for name, found in marks.items()}
    return Outcomes("m", {"bfcl": {**FACTS, "categories": list(marks)}}, sizes, results)


@pytest.mark.parametrize(("gained", "lost", "n"), [(0, 0, 16), (3, 1, 50), (0, 1, 44), (7, 30, 400), (16, 0, 16)])
@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.98])
def test_many_limits_at_once_are_those_of_one(gained: int, lost: int, n: int, confidence: float) -> None:
    sums = [1.0] * gained + [-1.0] * lost + [0.0] * (n - gained - lost)
    (estimate,), (low,) = paired_limits([gained], [lost], n, confidence)
    assert estimate == pytest.approx((gained - lost) / n)
    assert low == pytest.approx(paired_interval(sums, [1.0] * n, confidence).low)


def test_the_published_example_of_an_equivalence_test() -> None:
    """Tango 1998, Statistics in Medicine 17: 44 pairs, the new method loses one, gains none, margin 0.1: z = 1.709."""
    from scipy import special

    assert -special.ndtri(noninferiority(lost=1, gained=0, n=44, margin=0.1)) == pytest.approx(1.709, abs=5e-4)
    assert noninferiority(1, 0, 44, 0.1) == pytest.approx(0.0438, abs=5e-5)


def test_the_gate_decides_that_example_alike() -> None:
    before, now = side({"multiple": [True] * 44}), side({"multiple": [False] + [True] * 43})
    (finding,) = gate(now, parse({"max_drop": {"multiple": 0.1}}, "p"), before).findings
    assert finding.outcome == "pass"
    assert finding.p == pytest.approx(0.0438, abs=5e-5)


@pytest.mark.parametrize("margin", [0.02, 0.1, 0.3])
def test_the_score_test_keeps_its_level_at_the_margin(margin: float) -> None:
    generator = np.random.default_rng(0)
    n, differ = 300, max(0.15, margin + 0.05)
    counts = generator.multinomial(n, [(differ - margin) / 2, (differ + margin) / 2, 1 - differ], size=2000)
    wrongly = np.mean([noninferiority(int(lost), int(gained), n, margin) < 0.05 for gained, lost, _ in counts])
    assert wrongly == pytest.approx(0.05, abs=0.015)


def test_it_is_certain_where_all_pairs_are_gained_and_knows_nothing_of_none() -> None:
    assert noninferiority(0, 50, 50, 0.1) < 1e-6
    assert noninferiority(0, 0, 0, 0.1) == 1.0


def test_a_prospect_is_what_the_gate_does() -> None:
    """The same draws, decided by the gate itself on outcomes made of them."""
    sizes = {"multiple": 120, "parallel": 60, "parallel_multiple": 60}
    policy = parse({"max_drop": {"multiple": 0.05, "parallel": 0.1}}, "p")
    drawn = margins.draw(sizes, dict.fromkeys(sizes, 0.1), 0.02, draws=60)
    limits = {
        rule.name: margins.lower_limits(margins.weights_of(rule, sizes), sizes, drawn, 2 * rule.confidence - 1)
        for rule in policy.rules
    }
    for number in range(60):
        before, now = {}, {}
        for name, n in sizes.items():
            gained, lost = (int(counts[number]) for counts in drawn[name])
            pairs = [(False, True)] * gained + [(True, False)] * lost + [(True, True)] * (n - gained - lost)
            random.Random(number).shuffle(pairs)
            before[name], now[name] = ([pair[place] for pair in pairs] for place in (0, 1))
        for finding in gate(side(now), policy, side(before)).findings:
            assert finding.low == pytest.approx(limits[finding.rule.name][number])
            assert (finding.outcome == "pass") == (limits[finding.rule.name][number] >= -finding.rule.value)


def test_the_least_margin_is_passed_as_often_as_was_asked_and_the_found_drop_is_stopped() -> None:
    sizes = {"multiple": 400}
    (found,) = margins.outlook(parse({"max_drop": {"multiple": 0.05}}, "p"), sizes, {}, 0.9).prospects
    again = parse({"max_drop": {"multiple": found.least}}, "p")
    (tight,) = margins.outlook(again, sizes, {}, 0.9, seed=1).prospects
    assert tight.passing == pytest.approx(0.9, abs=0.03)
    assert found.found is not None
    limits = margins.lower_limits({"multiple": 1.0}, sizes, margins.draw(sizes, {"multiple": 0.1}, found.found, 2), 0.9)
    assert np.mean(limits < -0.05) == pytest.approx(0.8, abs=0.03)


def test_sixteen_items_cannot_show_a_margin_of_five_points() -> None:
    outlook = margins.outlook(parse({"max_drop": {"*": 0.05}}, "p"), {"live_parallel": 16, "multiple": 200}, {})
    small, large = outlook.prospects
    assert (small.never, large.never) == (True, False)
    assert small.least is not None
    assert small.least > 0.129
    policy = parse({"max_drop": {"live_parallel": 0.05}, "minimum": {"live_parallel": 0.95}}, "p")
    right = side({"live_parallel": [True] * 16})
    for finding in gate(right, policy, right).findings:
        assert "16 items are too few" in finding.reason or "16 pairs are too few" in finding.reason


def test_what_a_minimum_needs() -> None:
    (found,) = margins.outlook(parse({"minimum": {"multiple": 0.7}}, "p"), {"multiple": 400}, {}, 0.9).prospects
    assert found.least == pytest.approx(0.765, abs=0.01)
    (found,) = margins.outlook(parse({"minimum": {"multiple": 0.95}}, "p"), {"multiple": 16}, {}, 0.9).prospects
    assert (found.never, found.least) == (True, None)


@pytest.mark.parametrize("name", gate_policies.policies())
def test_a_shipped_policy_says_of_itself_what_is_so(name: str) -> None:
    document, row = read(shipped(Path(name))), gate_policies.row(name)
    for stated, found in (("x-equal-models-pass", row.passing), ("x-stops-a-drop-of", row.stopped)):
        assert document[stated] == pytest.approx(dict(found), abs=0.015)
    assert row.passing[0.05] > 0.95
    assert row.stopped[0.10] > 0.95


def test_the_page_of_the_gate_says_so_too() -> None:
    page = (Path(__file__).parents[2] / "docs" / "gate.md").read_text()
    for name in gate_policies.policies():
        document = read(shipped(Path(name)))
        rates = [*document["x-equal-models-pass"].values(), *document["x-stops-a-drop-of"].values()]
        (line,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert [cell.strip() for cell in line.split("|")[3:-1]] == [f"{100 * rate:.0f} %" for rate in rates]


def test_shipped_policies_are_found_by_name(tmp_path: Path) -> None:
    assert {"strict", "usual", "smoke"} <= set(shipped_names())
    for name in shipped_names():
        assert load(Path(name), {}, {}).rules
    with pytest.raises(Exception, match="Did you mean usual"):
        load(Path("usuall"), {}, {})


def test_the_command_plans_without_a_run() -> None:
    result = CliRunner().invoke(cli, ["gate", "--plan", "--policy", "usual", "--min", "live_parallel=0.95"])
    assert result.exit_code == 0, result.output
    assert "16 items are too few" in " ".join(result.output.split())
    assert "All drop rules together: equal models pass 100 %" in " ".join(result.output.split())
    found = json.loads(CliRunner().invoke(cli, ["gate", "--plan", "--policy", "usual", "--json"]).stdout)
    assert [prospect["n"] for prospect in found["prospects"]] == [3401, 1150, 2251]


def test_the_command_plans_at_the_sizes_and_disagreement_of_runs(tmp_path: Path) -> None:
    frozen(tmp_path, outcomes=lambda category, index, repeat: "fail" if index % 4 == 0 else "pass")
    run(tmp_path, outcomes=lambda category, index, repeat: "fail" if index % 4 == 1 else "pass")
    sides = [str(tmp_path / "run"), "--baseline", str(tmp_path / "base.json")]
    arguments = ["gate", *sides, "--plan", "--max-drop", "multiple=0.1", "--json"]
    found = json.loads(CliRunner().invoke(cli, arguments).stdout)
    assert found["prospects"][0]["n"] == 200
    assert found["disagreement"] == {"multiple": pytest.approx(100.5 / 201)}
    found = json.loads(CliRunner().invoke(cli, [*arguments, "--disagreement", "0.2"]).stdout)
    assert found["disagreement"] == {"multiple": 0.2}


def test_a_run_is_needed_for_a_verdict() -> None:
    assert "RUN is missing" in str(CliRunner().invoke(cli, ["gate", "--policy", "usual"]).exception)

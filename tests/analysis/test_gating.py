"""Policies, verdicts, exit codes, reports and the composite action of the release gate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml

from harness.analysis.gating import gate
from harness.analysis.outcomes import Outcomes
from harness.analysis.policy import LIMITS, load, parse
from harness.analysis.sides import read
from harness.cli import cli
from harness.errors import UsageProblem
from harness.reports import gates
from harness.results.usage import Usage
from harness.types import ModelInfo
from tests import synthetic_runs
from tests.analysis.gate_wrong import killed
from tests.analysis.gate_wrong import run as run_of
from tests.synthetic_runs import biased

ROOT = Path(__file__).parents[2]
FACTS = {"version": "4", "data_sha256": "d", "checker_sha256": "c", "rules": "upstream"}


def side(marks: dict[str, str], usage: Usage | None = None, **facts: str) -> Outcomes:
    results = {c: {(f"{c}_{i}", 0): mark == "1" for i, mark in enumerate(text)} for c, text in marks.items()}
    benchmarks = {"bfcl": {**FACTS, "categories": list(marks), **facts}}
    return Outcomes("m", benchmarks, {c: len(text) for c, text in marks.items()}, results, usage or Usage())


def outcome(document: dict[str, Any], run: Outcomes, baseline: Outcomes | None = None, **more: Any) -> list[str]:
    return [finding.outcome for finding in gate(run, parse(document, "p"), baseline, **more).findings]


@pytest.mark.parametrize(
    ("passed", "verdict"),
    [(90, "pass"), (72, "inconclusive"), (70, "inconclusive"), (68, "inconclusive"), (50, "fail")],
)
def test_minimum_has_three_verdicts(passed: int, verdict: str) -> None:
    run = side({"multiple": "1" * passed + "0" * (100 - passed)})
    assert outcome({"minimum": {"multiple": 0.7}}, run) == [verdict]


@pytest.mark.parametrize(
    ("lost", "n", "verdict"), [(0, 400, "pass"), (0, 20, "inconclusive"), (8, 400, "inconclusive"), (60, 400, "fail")]
)
def test_drop_has_three_verdicts(lost: int, n: int, verdict: str) -> None:
    baseline, run = side({"multiple": "1" * n}), side({"multiple": "0" * lost + "1" * (n - lost)})
    assert outcome({"max_drop": {"multiple": 0.02}}, run, baseline) == [verdict]


def test_star_means_every_category_of_the_baseline() -> None:
    baseline, run = side({"multiple": "1" * 300, "parallel": "1" * 300}), side({"multiple": "1" * 300})
    found = gate(run, parse({"max_drop": {"*": 0.05}}, "p"), baseline)
    assert [(f.rule.name, f.outcome) for f in found.findings] == [("multiple", "pass"), ("parallel", "fail")]
    assert "not judged: parallel" in found.findings[1].reason
    assert outcome({"max_drop": {"*": 0.05}, "allow_missing": True}, run, baseline) == ["pass", "inconclusive"]


def test_averages_are_gated_by_the_paired_difference_of_their_leaves() -> None:
    names = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
    baseline = side(dict.fromkeys(names, "1" * 200))
    run = side(dict.fromkeys(names, "1" * 190 + "0" * 10))
    (finding,) = gate(run, parse({"max_drop": {"v4/multi_turn": 0.1}}, "p"), baseline).findings
    assert finding.value == pytest.approx(-0.05)
    assert finding.outcome == "pass"
    assert finding.n == 800
    (finding,) = gate(run, parse({"minimum": {"v4/multi_turn": 0.9}}, "p")).findings
    assert (finding.value, finding.outcome) == (pytest.approx(0.95), "pass")


def test_forgetting_is_measured_against_the_base_model() -> None:
    run, base = side({"humaneval": "0" * 80 + "1" * 84}), side({"humaneval": "1" * 164})
    policy = {"forgetting": {"humaneval": 0.05}}
    assert outcome(policy, run, run) == ["pass"]
    assert outcome(policy, run, run, base=base) == ["fail"]


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    good = Usage(100, 100, 0, 0, 10, 1000, 1.0, 0.1, 2.0)
    bad = Usage(100, 100, 9, 9, 10, 90_000, 9.0, 0.1, 9.0)
    value = {"coverage": 1.0, "latency_mean": 2, "latency_p95": 3, "tokens_per_sample": 20}.get(name, 0.01)
    full, half = side({"multiple": "1" * 100}, good), side({"multiple": "1" * 100}, bad)
    half = Outcomes("m", half.benchmarks, {"multiple": 200}, half.results, bad)
    assert outcome({"limits": {name: value}}, full) == ["pass"]
    assert outcome({"limits": {name: value}}, half) == ["fail"]


@pytest.mark.parametrize("planned", [{"multiple": 200, "parallel": 200, "irrelevance": 100}, {}])
def test_coverage_is_of_what_was_planned_whether_or_not_a_record_says_of_which_category(
    tmp_path: Path, planned: dict[str, int]
) -> None:
    made = run_of(tmp_path, sizes={"multiple": 200, "parallel": 200, "irrelevance": 100}, planned=planned)
    side = read(killed(made, 250))
    (finding, whole) = gate(side, parse({"limits": {"coverage": 0.9}}, "p")).findings
    assert (finding.value, finding.outcome) == (0.5, "fail")
    assert "250 of its items are left" in whole.reason
    assert "irrelevance 0/100" in finding.reason or "irrelevance 0/?" in finding.reason
    assert outcome({"minimum": {"multiple": 0.5}}, side)[0] == ("pass" if planned else "inconclusive")


def test_a_latency_that_was_not_recorded_is_inconclusive() -> None:
    assert outcome({"limits": {"latency_mean": 1}}, side({"multiple": "1"})) == ["inconclusive"]


def test_different_data_is_refused_or_marked() -> None:
    baseline, run = side({"multiple": "1" * 9}), side({"multiple": "1" * 9}, data_sha256="other")
    policy = parse({"max_drop": {"multiple": 0.9}}, "p")
    with pytest.raises(UsageProblem, match="data_sha256 differs"):
        gate(run, policy, baseline)
    assert "FORCED" in gates.terminal(gate(run, policy, baseline, force=True))


RULES = st.dictionaries(st.sampled_from(["multiple", "parallel"]), st.floats(0, 1), min_size=1)


@given(st.dictionaries(st.sampled_from(["minimum", "max_drop"]), RULES, min_size=1), RULES)
def test_adding_a_rule_can_only_tighten(document: dict[str, Any], more: dict[str, float]) -> None:
    baseline = side({"multiple": "1" * 60 + "0" * 40, "parallel": "1" * 100})
    run = side({"multiple": "1" * 55 + "0" * 45, "parallel": "1" * 97 + "000"})
    order = ["fail", "inconclusive", "pass"]
    before = gate(run, parse(document, "p"), baseline).verdict
    tightened = {**document, "forgetting": more}
    assert order.index(gate(run, parse(tightened, "p"), baseline).verdict) <= order.index(before)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "no rule"),
        ({"minimun": {"a": 1}}, "Did you mean minimum"),
        ({"limits": {"latency": 1}}, "Did you mean latency_p95"),
        ({"minimum": {"multiple": 70}}, "a number from 0 to 1"),
        ({"minimum": {"multiple": "high"}}, "a number from 0 to 1"),
        ({"minimum": {"multiple": True}}, "a number from 0 to 1"),
        ({"minimum": [1]}, "a map of name"),
        ({"minimum": None, "limits": {"faults": 0}}, "minimum is empty"),
        ({"minimum": {"multiple": 0.5}, "confidence": 1}, "confidence is 1"),
        ({"minimum": {"multiple": {"value": 0.5, "confidence": 1.0}}}, "confidence is 1.0"),
        ({"limits": {"latency_mean": float("inf")}}, "a number of at least 0"),
        ({"minimum": {"multiple": float("nan")}}, "a number from 0 to 1"),
        ({"minimum": {"multiple": 0.5}, "update": "always"}, "if-passed or if-not-worse"),
        ({"minimum": {"multiple": 0.5}, "anchor": "a.json"}, "an anchor without a max_drop"),
        ({"max_drop": {"multiple": 0.5}, "anchor": 3}, "anchor is 3"),
        ({"minimum": {"multiple": {"valu": 1}}}, "Did you mean value"),
        ({"minimum": {"multiple": 0.5}, "confidence": 95}, "confidence is 95"),
        ({"minimum": {"multiple": 0.5}, "on_inconclusive": "maybe"}, "fail or pass"),
        ({"minimum": {"multiple": 0.5}, "allow_missing": "yes"}, "true or false"),
    ],
)
def test_mistakes_in_a_policy_are_named(document: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        parse(document, "gate.yaml")


@pytest.mark.parametrize(
    ("value", "meant"),
    [("70%", "0.70"), (70, "0.70"), ("70", "0.70"), ("0,7", "0.70"), ("0,725", "0.7250"), ("72,5%", "0.7250")],
)
def test_what_was_meant_by_a_number_is_suggested(value: Any, meant: str) -> None:
    with pytest.raises(UsageProblem, match=f"Did you mean {meant}[?]"):
        parse({"minimum": {"multiple": value}}, "gate.yaml")


def test_keys_for_anchors_are_the_users_own_and_a_key_twice_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text("x-usual: &usual {value: 0.5, confidence: 0.9}\nminimum:\n  multiple: *usual\n  parallel: *usual\n")
    assert [(rule.name, rule.value, rule.confidence) for rule in load(path, {}, {}).rules] == [
        ("multiple", 0.5, 0.9),
        ("parallel", 0.5, 0.9),
    ]
    path.write_text("x-a: &a {multiple: 0.5}\nminimum:\n  <<: *a\n  multiple: 0.6\n")
    assert [rule.value for rule in load(path, {}, {}).rules] == [0.6], "a merge key is there to be overridden"
    path.write_text("minimum:\n  multiple: 0.5\n  parallel: 0.5\n  multiple: 0.6\n")
    with pytest.raises(UsageProblem, match=r"line 4, column 3: 'multiple' is there twice, first in line 2"):
        load(path, {}, {})


@pytest.mark.parametrize(
    ("extra", "settings", "loosens"),
    [
        ({"minimum": ["multiple=0.6"]}, {}, True),
        ({"minimum": ["multiple=0.8"]}, {}, False),
        ({"minimum": ["parallel=0.1"]}, {}, False),
        ({"max_drop": ["multiple=0.1"]}, {}, True),
        ({"max_drop": ["multiple=0.01"]}, {}, False),
        ({}, {"confidence": 0.9}, True),
        ({}, {"confidence": 0.99}, False),
        ({}, {"allow_missing": True}, True),
        ({}, {"allow_incomplete": True}, True),
    ],
)
def test_flags_tighten_a_file_and_loosen_it_only_where_that_is_said(
    tmp_path: Path, extra: Any, settings: dict[str, Any], loosens: bool
) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(
        "allow_missing: false\nallow_incomplete: false\nminimum: {multiple: 0.7}\nmax_drop: {multiple: 0.05}\n"
    )
    assert load(path, extra, settings, override=True).rules
    if loosens:
        with pytest.raises(UsageProblem, match="--override"):
            load(path, extra, settings)
    else:
        load(path, extra, settings)


def test_a_misspelt_category_is_an_error_and_not_a_failed_rule() -> None:
    with pytest.raises(UsageProblem, match="Did you mean multiple"):
        outcome({"minimum": {"multipel": 0.5}}, side({"multiple": "1"}))


def test_a_drop_without_a_baseline_is_an_error() -> None:
    with pytest.raises(UsageProblem, match="needs --baseline"):
        outcome({"max_drop": {"multiple": 0.5}}, side({"multiple": "1"}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return synthetic_runs.write(tmp_path / "run", "m\x1b[31m]]>&<", {"multiple": 200}, biased(1, 0.8))


def invoke(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["gate", *map(str, arguments)], env={"GITHUB_ACTIONS": "", **environment})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--min", "multiple=0.5"], 0),
        (["--min", "multiple=0.99"], 1),
        (["--min", "multiple=0.8"], 1),
        (["--min", "multiple=0.99", "--fail-exit-code", "7"], 7),
    ],
)
def test_exit_codes(run: Path, arguments: list[str], code: int) -> None:
    assert invoke(run, *arguments).exit_code == code


def test_an_inconclusive_gate_exits_as_its_policy_says(run: Path, tmp_path: Path) -> None:
    policy = tmp_path / "gate.yaml"
    for choice, code in (("pass", 0), ("fail", 1)):
        policy.write_text(f"on_inconclusive: {choice}\nminimum: {{multiple: 0.8}}\n")
        result = invoke(run, "--policy", policy)
        assert "gate: inconclusive" in result.output
        assert result.exit_code == code


def test_the_installed_command_exits_with_the_verdict(run: Path) -> None:
    command = [sys.executable, "-m", "harness.cli", "gate", str(run), "--min", "multiple=0.99"]
    assert subprocess.run(command, capture_output=True, check=False, cwd=ROOT).returncode == 1


def test_every_report_says_the_same(run: Path, tmp_path: Path) -> None:
    junit, summary = tmp_path / "junit.xml", tmp_path / "summary.md"
    rules = ("--min", "multiple=0.99", "--min", "parallel=0.1")
    result = invoke(run, *rules, "--junit", junit, GITHUB_STEP_SUMMARY=str(summary), GITHUB_ACTIONS="true")
    assert result.output.startswith("gate: fail")
    assert result.output.count("::error title=gate minimum") == 2
    assert "\x1b" not in result.output + junit.read_text() + summary.read_text()
    (suite,) = JUnitXml.fromfile(str(junit))
    assert (suite.tests, suite.failures) == (2, 2)
    assert "✗ gate: fail" in summary.read_text()
    as_json = json.loads(invoke(run, *rules, "--json").stdout)
    assert (as_json["verdict"], as_json["passed"]) == ("fail", False)


@given(st.text(), st.text())
def test_junit_and_workflow_commands_hold_any_text(label: str, reason: str) -> None:
    from dataclasses import replace

    result = gate(side({"multiple": "0" * 9}), parse({"minimum": {"multiple": 1}}, "p"))
    result = replace(result, run=label, findings=(replace(result.findings[0], reason=reason),))
    ElementTree.fromstring(gates.junit(result).split("\n", 1)[1])
    (command,) = gates.workflow_commands(result)
    assert len(command.splitlines()) == 1
    json.loads(gates.dumped(result))


def test_update_baseline_freezes_and_later_gates_are_paired(run: Path, tmp_path: Path) -> None:
    frozen = tmp_path / "base.json"
    rules = ("--max-drop", "multiple=0.05", "--baseline", frozen)
    assert "no such run or file" in str(invoke(run, *rules).exception)
    assert invoke(run, *rules, "--update-baseline").exit_code == 1
    assert not frozen.exists()
    assert invoke(run, *rules, "--update-baseline", "--first").exit_code == 0
    assert "is there" in str(invoke(run, *rules, "--update-baseline", "--first").exception)
    before = frozen.read_bytes()
    worse = synthetic_runs.write(tmp_path / "worse", "m2", {"multiple": 200}, biased(1, 0.6))
    result = invoke(worse, *rules, "--update-baseline")
    assert result.exit_code == 1
    assert "200 pairs" in result.output
    assert frozen.read_bytes() == before
    better = synthetic_runs.write(tmp_path / "better", "m3", {"multiple": 200}, biased(1, 0.95))
    assert invoke(better, *rules, "--update-baseline").exit_code == 0
    assert json.loads(frozen.read_bytes())["label"] == "m3"


def test_the_example_policy_is_valid(run: Path) -> None:
    policy = ROOT / "leaderboards" / "gate.example.yaml"
    assert invoke(run, "--policy", policy).exit_code == 1
    parse(yaml.safe_load(policy.read_text()), "example")


def test_model_names_reach_the_label_as_one_line(tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"multiple": 9}, model=ModelInfo("a\nb\x1b"))
    assert "a b\\x1b" in invoke(folder, "--min", "multiple=0.1").output

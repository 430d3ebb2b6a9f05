"""Counts of what is judged again: pass@k over repeats, against its definition."""

from __future__ import annotations

import json
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import cli
from harness.results.tally import Tallies
from harness.types import Outcome, Verdict
from tests import synthetic_runs

OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "unscored")


def tallied(marks: dict[str, str]) -> Tallies:
    """Items with the outcome of each try: `1`, `0` or `-`."""
    tallies = Tallies(["upstream"], {"multiple": sum(map(len, marks.values()))})
    for number, tries in enumerate(marks.values()):
        for repeat, mark in enumerate(tries):
            verdict = Verdict(OUTCOMES["10-".index(mark)])
            tallies.add(
                synthetic_runs.line("multiple", number, repeat, verdict.outcome), {"upstream": {"multiple": verdict}}
            )
    return tallies


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=5))
def test_pass_at_k_is_the_chance_that_one_of_k_tries_passes(counts: list[tuple[int, int]]) -> None:
    tallies = tallied({str(i): "1" * passed + "0" * failed for i, (passed, failed) in enumerate(counts)})
    most = max(passed + failed for passed, failed in counts)
    expected = {}
    for k in {10, most} - {0, 1}:
        tried = [(passed + failed, failed) for passed, failed in counts if passed + failed >= k]
        if tried:
            expected[k] = float(sum(1 - Fraction(comb(failed, k), comb(n, k)) for n, failed in tried) / len(tried))
    found = tallies.pass_at("upstream").get("multiple", {})
    assert found == pytest.approx(expected)


def test_one_try_has_no_pass_at_k() -> None:
    assert tallied({"a": "1", "b": "0"}).pass_at("upstream") == {}


def test_a_try_without_a_verdict_is_none() -> None:
    assert tallied({"a": "10", "b": "0-"}).pass_at("upstream") == {"multiple": {2: 1.0}}
    assert tallied({"a": "1-", "b": "0-"}).pass_at("upstream") == {}


@pytest.mark.usefixtures("bfcl_data")
def test_the_command_prints_it(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path, "m", {"irrelevance": 4}, text="No function fits.", repeats=3)
    command = ["score", str(run), "--partial"]
    table = CliRunner().invoke(cli, command, env={"COLUMNS": "100"}).stdout.splitlines()
    assert table[0].split()[-1] == "pass@3"
    assert table[2].split()[-1] == "100.00%"
    assert json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)["pass_at_k"] == {
        "upstream": {"irrelevance": {"3": 1.0}}
    }

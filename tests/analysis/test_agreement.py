"""What is said of sides that differ or are not complete, in every place where it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import plugins
from harness.analysis import outcomes
from harness.analysis.entries import entries, load
from harness.analysis.outcomes import Outcomes
from harness.analysis.sides import freeze, read
from harness.cli import cli
from harness.errors import UsageProblem
from harness.results import provenance, store
from harness.results.lines import encode
from tests import synthetic_runs
from tests.synthetic_runs import BENCHMARK, biased

SIZES = {"multiple": 40}


def side(**facts: object) -> Outcomes:
    return Outcomes("m", {"bfcl": {"rules": "upstream", **facts}}, {}, {})


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    return synthetic_runs.write(tmp_path / "a", "before", SIZES, biased(0, 0.6), benchmark=replace(BENCHMARK, n=40))


@pytest.fixture
def incomplete(tmp_path: Path) -> Path:
    """50 items were to be played: 9 were not reached, one ended in a fault."""
    run = synthetic_runs.write(tmp_path / "b", "after", SIZES, biased(1, 0.6), benchmark=replace(BENCHMARK, n=50))
    with (run / store.SAMPLES).open("ab") as file:
        file.write(encode(synthetic_runs.line("multiple", 40, 0, "unscored", steps=(), fault="HTTP 500")))
    return run


def test_items_left_are_those_without_a_finished_episode(complete: Path, incomplete: Path) -> None:
    assert read(complete).left == {}
    assert read(incomplete).left == {incomplete.name: 10}


def test_an_imported_run_that_does_not_say_what_was_to_be_played_is_complete(tmp_path: Path) -> None:
    assert read(synthetic_runs.write(tmp_path, "m", SIZES)).left == {}


def test_a_frozen_baseline_remembers_that_it_is_incomplete(incomplete: Path, tmp_path: Path) -> None:
    frozen = tmp_path / "base.json"
    frozen.write_bytes(freeze(read(incomplete)))
    assert read(frozen).left == {incomplete.name: 10}
    older = json.loads(frozen.read_bytes())
    del older["left"]
    frozen.write_text(json.dumps(older))
    assert read(frozen).left == {}


@pytest.mark.parametrize("form", ["table", "md", "html"])
def test_compare_says_which_run_is_incomplete(complete: Path, incomplete: Path, form: str) -> None:
    result = CliRunner().invoke(cli, ["compare", str(complete), str(incomplete), "--format", form])
    assert result.exit_code == 0, result.output
    told = " ".join(result.output.replace("\\", "").split())
    assert f"run {incomplete.name} is incomplete: 10 of its items are left" in told
    assert complete.name not in told


def test_compare_holds_it_in_json(complete: Path, incomplete: Path) -> None:
    result = CliRunner().invoke(cli, ["compare", str(complete), str(incomplete), "--format", "json"])
    assert json.loads(result.stdout)[0]["incomplete"] == {incomplete.name: 10}


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True)])
def test_an_incomplete_side_makes_a_gate_inconclusive_unless_the_policy_allows_it(
    complete: Path, incomplete: Path, tmp_path: Path, first: bool, second: bool
) -> None:
    run, baseline = (incomplete if it else complete for it in (first, second))
    rules = ["gate", str(run), "--baseline", str(baseline), "--max-drop", "multiple=0.9"]
    note = f"run {incomplete.name} is incomplete: 10 of its items are left"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "COLUMNS": "100"}
    result = CliRunner().invoke(cli, rules, env=github)
    assert result.exit_code == 1, result.output
    assert f"inconclusive: {note}" in result.output
    found = json.loads(CliRunner().invoke(cli, [*rules, "--json"]).stdout)
    assert (found["verdict"], found["incomplete"]) == ("inconclusive", {incomplete.name: 10})
    result = CliRunner().invoke(cli, [*rules, "--allow-incomplete"], env=github)
    assert result.exit_code == 0, result.output
    assert f"caution: {note}" in result.output
    assert f"::warning title=gate::{note}" in result.output
    assert f"- caution: {note}" in (tmp_path / "summary.md").read_text()


def test_of_settings_only_those_that_differ_are_named() -> None:
    long = {f"option_{i}": i for i in range(30)}
    a, b = side(engine={**long, "name": "hf"}), side(engine={**long, "name": "vllm", "tp": 2})
    assert outcomes.cautions(a, b) == ["bfcl: engine differs (name=hf and name=vllm, tp=2)"]
    assert outcomes.cautions(side(engine={}), side(engine={"tp": 2})) == ["bfcl: engine differs (not set and tp=2)"]
    assert outcomes.disagreements(side(rules="strict"), side()) == ["bfcl: rules differs (strict and upstream)"]


def test_verdicts_from_different_sandboxes_are_cautioned_of() -> None:
    weak, strong = ({"backend": name, "threads": 128} for name in ("landlock", "userns"))
    assert outcomes.cautions(side(sandbox=weak), side(sandbox=weak)) == []
    assert outcomes.cautions(side(sandbox=weak), side(sandbox=strong)) == [
        "bfcl: sandbox differs (backend=landlock and backend=userns)"
    ]
    (caution,) = outcomes.cautions(side(), side(sandbox=strong))
    assert caution.startswith("bfcl: sandbox differs (not recorded and {'backend': 'userns'")
    assert outcomes.disagreements(side(sandbox=weak), side(sandbox=strong)) == []


@pytest.fixture
def judged_by(tmp_path: Path) -> Callable[[str], Path]:
    """A run whose verdicts are of some checker."""

    def made(checker: str) -> Path:
        about = replace(BENCHMARK, checker_sha256=checker)
        return synthetic_runs.write(tmp_path / checker[:6], "m", SIZES, biased(len(checker), 0.6), benchmark=about)

    return made


INSTALLED = provenance.checker_sha256(plugins.load("benchmarks", "bfcl"))
EARLIER = provenance.EARLIER_CHECKERS["bfcl"][-1]


def test_runs_of_an_earlier_checker_that_judges_alike_can_be_compared(judged_by: Callable[[str], Path]) -> None:
    old, new = judged_by(EARLIER), judged_by(INSTALLED)
    recorded = json.loads((old / store.RUN).read_bytes())["benchmark"]["checker_sha256"]
    assert recorded == EARLIER != INSTALLED
    for arguments in (["compare", str(old), str(new)], ["gate", str(new), "--baseline", str(old), "--max-drop", "*=1"]):
        result = CliRunner().invoke(cli, arguments)
        assert (result.exit_code, "FORCED" in result.output) == (0, False), result.output
    (row,) = entries(load([old, new], pytest.fail))
    assert len(row.records) == 2


def test_a_baseline_of_an_earlier_checker_that_judges_alike_can_be_held_against_a_run(
    judged_by: Callable[[str], Path], tmp_path: Path
) -> None:
    frozen, new = tmp_path / "base.json", judged_by(INSTALLED)
    frozen.write_bytes(freeze(read(new)).replace(INSTALLED.encode(), EARLIER.encode()))
    assert outcomes.disagreements(read(frozen), read(new)) == []
    frozen.write_bytes(freeze(read(new)).replace(INSTALLED.encode(), b"0" * 64))
    (why,) = outcomes.disagreements(read(frozen), read(new))
    assert why.startswith("bfcl: checker_sha256 differs (000000000000...")


def test_an_unknown_checker_is_refused(judged_by: Callable[[str], Path]) -> None:
    old, new = judged_by("0" * 64), judged_by(INSTALLED)
    for arguments in (["compare", str(old), str(new)], ["gate", str(new), "--baseline", str(old), "--max-drop", "*=1"]):
        result = CliRunner().invoke(cli, arguments)
        assert isinstance(result.exception, UsageProblem)
        assert "bfcl: checker_sha256 differs" in str(result.exception)


def test_an_engine_of_an_earlier_baseline_differs_only_where_it_does(complete: Path, tmp_path: Path) -> None:
    """Earlier versions wrote only the settings that were set."""
    frozen = tmp_path / "base.json"
    older = json.loads(freeze(read(complete)))
    older["benchmarks"]["bfcl"]["engine"] = {"name": "scripted", "version": "1"}
    frozen.write_text(json.dumps(older))
    assert outcomes.cautions(read(frozen), read(complete)) == []
    older["benchmarks"]["bfcl"]["engine"] = {"name": "scripted", "version": "2"}
    frozen.write_text(json.dumps(older))
    assert outcomes.cautions(read(frozen), read(complete)) == ["bfcl: engine differs (version=2 and version=1)"]

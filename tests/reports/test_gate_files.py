"""Where a gate tells its verdict: an error is told there, too, and nothing of an earlier gate is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from junitparser import JUnitXml

from harness.cli import cli
from tests.analysis.gate_wrong import frozen, killed, run

OUT = ("--junit", "out/junit.xml", "--report", "out/gate.json", "--summary", "out/summary.md")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(tmp_path)


def gate(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["gate", *arguments], env={"GITHUB_ACTIONS": "", **environment})


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--min", "multipel=0.5"),
        ("run", "--min", "multiple=70"),
        ("run", "--policy", "none.yaml"),
        ("nothing", "--min", "multiple=0.5"),
        ("run", "--max-drop", "multiple=0.5", "--baseline", "none.json"),
        ("run", "--min", "multiple=0.5", "--no-such-flag"),
        ("run", "--min", "multiple=0.5", "--alpha", "high"),
        ("--min", "multiple=0.5"),
    ],
)
def test_an_error_is_the_verdict_in_every_report(arguments: tuple[str, ...]) -> None:
    assert gate("run", "--min", "multiple=0.5", *OUT).exit_code == 0
    assert json.loads(Path("out/gate.json").read_bytes())["verdict"] == "pass"
    result = gate(*arguments, *OUT, GITHUB_ACTIONS="true")
    assert result.exception
    report = json.loads(Path("out/gate.json").read_bytes())
    assert (report["verdict"], report["passed"]) == ("error", False)
    (suite,) = JUnitXml.fromfile("out/junit.xml")
    assert (suite.tests, suite.errors, suite.failures) == (1, 1, 0)
    assert "gate: error" in Path("out/summary.md").read_text()
    assert "::error title=gate::" in result.output


def test_json_on_standard_output_says_error() -> None:
    found = json.loads(gate("run", "--min", "multipel=0.5", "--json").stdout)
    assert (found["verdict"], found["passed"], found["kind"]) == ("error", False, "UsageProblem")
    assert "Did you mean multiple" in found["error"]


def test_what_ends_a_gate_in_another_way_leaves_no_earlier_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gate("run", "--min", "multiple=0.5", *OUT).exit_code == 0

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.analysis.sides.read", stop)
    gate("run", "--min", "multiple=0.5", *OUT)
    assert not Path("out/gate.json").exists()
    assert not Path("out/junit.xml").exists()


def test_folders_are_made_before_anything_is_printed() -> None:
    Path("file").write_text("")
    result = gate("run", "--min", "multiple=0.5", "--junit", "file/junit.xml")
    assert "cannot write file/junit.xml" in str(result.exception)
    assert result.stdout == ""


@pytest.mark.parametrize("flag", ["--junit", "--report"])
@pytest.mark.parametrize("more", [(), ("--no-such-flag",)])
def test_no_report_is_written_over_what_the_gate_reads(tmp_path: Path, flag: str, more: tuple[str, ...]) -> None:
    before = frozen(tmp_path).read_bytes()
    result = gate("run", "--max-drop", "multiple=0.5", "--baseline", "base.json", flag, "base.json", *more)
    assert result.exception
    assert Path("base.json").read_bytes() == before


def test_two_reports_are_two_files() -> None:
    assert "named twice" in str(gate("run", "--min", "multiple=0.5", "--junit", "o", "--report", "./o").exception)


def test_the_digits_that_decide_are_printed() -> None:
    run(Path("close"), sizes={"multiple": 4000}, outcomes=lambda c, i, r: "pass" if i < 2833 else "fail")
    found = json.loads(gate("close", "--min", "multiple=0.6", "--json").stdout)["rules"][0]
    demanded = round(found["low"], 6) + 1e-6
    reason = json.loads(gate("close", "--min", f"multiple={demanded}", "--json").stdout)["rules"][0]["reason"]
    low, stated = reason.split("at least ")[1].split(",")[0], reason.split("demanded ")[1].split(";")[0]
    assert float(low) < float(stated)
    assert reason.startswith("accuracy 70.8")


def test_a_link_is_written_through() -> None:
    Path("target").write_text("")
    Path("link").symlink_to("target")
    gate("run", "--min", "multiple=0.5", "--report", "link")
    assert Path("link").is_symlink()
    assert json.loads(Path("target").read_bytes())["verdict"] == "pass"


def test_every_report_agrees_where_nothing_was_looked_at(tmp_path: Path) -> None:
    killed(run(tmp_path / "empty"), 0)
    Path("gate.yaml").write_text("on_inconclusive: pass\nallow_missing: true\nminimum: {multiple: 0.5}\n")
    result = gate("empty", "--policy", "gate.yaml", *OUT)
    assert (result.exit_code, "on_inconclusive: fail" in result.output) == (1, True)
    (suite,) = JUnitXml.fromfile("out/junit.xml")
    assert (suite.skipped, suite.failures) == (0, suite.tests)
    assert json.loads(Path("out/gate.json").read_bytes())["passed"] is False

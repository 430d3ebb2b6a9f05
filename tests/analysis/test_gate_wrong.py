"""Ways to get a release gate wrong, each with the exit code of an earlier version and the one that it has to have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import HarnessError
from tests.analysis.gate_wrong import CASES

TABLE = json.loads((Path(__file__).parents[1] / "cases" / "gate_wrong.json").read_text())
"""Case -> `before` (commit c5a30cf) and `now`."""


def test_the_table_has_every_case_and_none_of_them_may_pass() -> None:
    assert TABLE.keys() == CASES.keys()
    assert len(TABLE) >= 40
    assert all(codes["now"] for codes in TABLE.values())
    assert sum(codes["before"] == 0 for codes in TABLE.values()) > 30


@pytest.mark.parametrize("name", TABLE)
def test_a_gate_got_wrong_does_not_pass(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = CASES[name](tmp_path)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["gate", *arguments, "--report", "out/gate.json"], env={"GITHUB_ACTIONS": ""})
    error = result.exception if isinstance(result.exception, HarnessError) else None
    code = error.exit_code if error else result.exit_code
    assert code == TABLE[name]["now"], result.output
    report = json.loads((tmp_path / "out" / "gate.json").read_bytes())
    assert report["passed"] is False
    assert (report["verdict"] == "error") == (code in (2, 4))

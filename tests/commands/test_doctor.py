"""`harness doctor` finds what is there and names what would add the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import doctor
from harness.commands.doctor import command


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[tuple[str, str], doctor.Finding]:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "peft" else "1.2.3")
    return {(finding.topic, finding.name): finding for finding in doctor.examine()}


def test_what_is_missing_comes_with_its_remedy(found: dict[tuple[str, str], doctor.Finding]) -> None:
    engine, data = found["engine", "hf"], found["data", "bfcl"]
    assert (engine.state, engine.detail) == ("missing", "needs peft")
    assert engine.remedy.startswith("pip install '")
    assert "funreason" not in engine.remedy, "on no index"
    assert (data.state, data.remedy.partition(";")[0]) == ("missing", "harness data fetch bfcl")
    assert "harness data unbundle data.zip here" in data.remedy
    plus = found["data", "humaneval_plus"]
    assert "harness data add humaneval_plus HumanEvalPlus" in plus.remedy
    assert plus.remedy.endswith("or name that file in HUMANEVAL_OVERRIDE_PATH")
    assert (found["model", "smollm2"].state, found["model", "tiny"].state) == ("missing", "ok")


def test_what_is_there_is_ok(found: dict[tuple[str, str], doctor.Finding]) -> None:
    assert found["engine", "openai"].state == "ok"
    assert found["benchmark", "bfcl"].state == "ok"
    assert found["machine", "cpu"].detail
    assert {topic for topic, _ in found} >= {"machine", "engine", "model", "benchmark", "data", "sandbox"}


def test_a_plugin_that_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(kind: str, name: str) -> None:
        raise ImportError("No module named 'nowhere'")

    monkeypatch.setattr("harness.plugins.load", broken)
    states = {finding.state for finding in [*doctor._engines(), *doctor._benchmarks()] if finding.topic != "model"}
    assert states == {"broken"}


def test_the_command_prints_lines_or_json(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [
        doctor.Finding("machine", "cpu", "ok", "2 cores"),
        doctor.Finding("data", "bfcl", "missing", "not here\x1b[31m", "harness data fetch bfcl"),
    ]
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    first, second, third = CliRunner().invoke(command, []).output.splitlines()
    assert first == "ok  machine cpu  2 cores"
    assert second.startswith("--  data bfcl    not here")
    assert "\x1b" not in second
    assert third.endswith("-> harness data fetch bfcl")
    records = json.loads(CliRunner().invoke(command, ["--json"]).output)
    assert records[1]["remedy"] == "harness data fetch bfcl"

"""The release workflow and the composite action, run step by step in shells as a runner would."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from harness import machine
from harness.cli import cli
from harness.results import store
from tests.analysis.gate_wrong import frozen, good, run
from tests.servers import Answer, Asked, loopback
from tests.test_readme import blocks
from tests.workflow import Outcome, Runner

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release-gate.yml").read_text())
SERVER = yaml.safe_load((ROOT / ".github" / "workflows" / "server-gate.yml").read_text())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
INPUTS = {name: about["default"] for name, about in WORKFLOW[True]["workflow_dispatch"]["inputs"].items()}
SHARDS = WORKFLOW["jobs"]["measure"]["strategy"]["matrix"]["items"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a step finds in its workspace; the set-up has nothing left to do."""
    folder = tmp_path / "checkout"
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "action.yml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "leaderboards", folder / "leaderboards", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / ".github", folder / ".github")
    (commands / "harness").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness.cli "$@"\n')
    (commands / "harness").chmod(0o755)
    (commands / "python").symlink_to(sys.executable)
    (folder / ".venv" / ".ready").touch()
    return folder


def environment(**more: str) -> dict[str, str]:
    left_out = ("HARNESS_", "GITHUB_", "COV_", "PYTEST_", "RUNNER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, "PYTHONPATH": str(ROOT), "HARNESS_CACHE": str(machine.cache_root()), "COLUMNS": "150", **more}


# The whole workflow.


def right(wrong: Callable[[int], bool]) -> dict[str, str]:
    """Replies to simple_python: the expected call, but for some items."""
    from harness.benchmarks.bfcl import data

    found = {}
    for number, (expected,) in enumerate(data.answers("simple_python")):
        ((name, arguments),) = expected.items()
        values = {key: allowed[0] for key, allowed in arguments.items() if "" not in allowed}
        call = f"[{name}({', '.join(f'{key}={value!r}' for key, value in values.items())})]"
        found[f"simple_python_{number}"] = "I do not know." if wrong(number) else call
    return found


def measured(runner: Runner, items: str, kill: Callable[[Path], bool] | None = None) -> Outcome:
    return runner.job(WORKFLOW["jobs"]["measure"]["steps"], {"inputs": INPUTS, "matrix": {"items": items}}, kill)


def gated(runner: Runner, **inputs: Any) -> Outcome:
    return runner.job(WORKFLOW["jobs"]["gate"]["steps"], {"inputs": INPUTS | {"first": False} | inputs})


def report(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(outcome.outputs["gate"]["report"]).read_bytes())
    return found


def runner_of(tmp_path: Path, checkout: Path, name: str, wrong: Callable[[int], bool], attempt: int = 1) -> Runner:
    """A workflow run whose model answers from a script."""
    script = tmp_path / f"{name}.json"
    script.write_text(json.dumps(right(wrong)))
    options = f"script={script},delay=0.05,slots=4"
    scripted = environment(HARNESS_RUN_ENGINE="scripted", HARNESS_RUN_HANDLER="prompt", HARNESS_RUN_MODEL_ARGS=options)
    return Runner(checkout, tmp_path / name, scripted, attempt)


def played(workspace: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in workspace.glob("shard/**/samples.jsonl"))


@pytest.mark.slow
@pytest.mark.usefixtures("bfcl_data")
def test_four_shards_one_killed_and_run_again(tmp_path: Path, checkout: Path) -> None:
    baseline = checkout / "gate-baseline.json"
    runner = runner_of(tmp_path, checkout, "first", lambda number: number % 20 == 0)
    assert all(measured(runner, items).ok for items in SHARDS)
    refused = gated(runner)
    assert (refused.ok, report(refused)["verdict"]) == (False, "inconclusive"), refused.log
    assert not list(runner.artifacts.glob("baseline-*"))
    first = gated(replace(runner, attempt=2), first=True)
    assert first.ok, first.log
    assert report(first)["verdict"] == "pass"
    (kept,) = runner.artifacts.glob("baseline-*/gate-baseline.json")
    shutil.copy(kept, baseline)

    runner = runner_of(tmp_path, checkout, "second", lambda number: number % 19 == 0)
    killed = measured(runner, SHARDS[1], lambda workspace: played(workspace) >= 30)
    assert not killed.ok
    (lost,) = runner.artifacts.glob("shard-*")
    assert 30 <= played_of(lost) < 100
    assert all(measured(runner, items).ok for items in SHARDS if items != SHARDS[1])
    short = gated(runner)
    assert not short.ok
    found = report(short)
    assert found["verdict"] in ("fail", "inconclusive")
    assert any("is incomplete" in rule["reason"] for rule in found["rules"]), short.log
    assert "gate: " in short.summary

    again = replace(runner, attempt=2)
    assert measured(again, SHARDS[1]).ok
    whole = gated(again)
    assert whole.ok, whole.log
    found = report(whole)
    assert found["verdict"] == "pass"
    assert {rule["section"]: rule["n"] for rule in found["rules"] if rule["n"]} == {"minimum": 400, "max_drop": 400}
    assert "is an attempt at" in whole.log
    (suite,) = JUnitXml.fromfile(whole.outputs["gate"]["junit"])
    assert (suite.failures, suite.errors) == (0, 0)
    assert len(list(runner.artifacts.glob("job-gate-*"))) == 2


def played_of(artifact: Path) -> int:
    return sum(sum(1 for _ in store.read_samples(path.parent)) for path in artifact.rglob("samples.jsonl"))


@pytest.mark.usefixtures("bfcl_data")
def test_shards_that_never_came_are_missed(tmp_path: Path, checkout: Path) -> None:
    runner = runner_of(tmp_path, checkout, "short", lambda number: False)
    assert all(measured(runner, items).ok for items in SHARDS[:2])
    outcome = gated(runner, first=True)
    assert not outcome.ok
    assert any("2 of 4 shards" in rule["reason"] for rule in report(outcome)["rules"])
    assert "2 of 4 shards" in outcome.summary


# A model behind a server.

REFUSES, CALLS = "I cannot help with that.", "[no_such_function(a=1)]"
README = next(block for block in blocks(ROOT / "README.md") if block.language == "yaml")


def says(text: str) -> Callable[[Asked], Answer]:
    """A server whose model has one reply to everything."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    reply = {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
    return lambda asked: Answer(reply if asked.path.endswith("/chat/completions") else {"data": [{"id": "m"}]})


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """A step after which the package is installed; what pip is asked for is written down instead."""
    commands = tmp_path / "bin"
    commands.mkdir()
    scripts = {
        "harness": f'exec "{sys.executable}" -m harness.cli "$@"',
        "python": f'if [ "$2" = pip ]; then echo "pip $*"; else exec "{sys.executable}" "$@"; fi',
        "pip": 'echo "pip $*"',
    }
    for name, script in scripts.items():
        (commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (commands / name).chmod(0o755)
    return {"run": f'echo "{commands}" >> "$GITHUB_PATH"'}


def served(runner: Runner, installed: dict[str, str], event: str, text: str, **inputs: Any) -> Outcome:
    """One run of the server's workflow, as an event starts it."""
    with loopback(says(text)) as server:
        context = {"inputs": inputs, "vars": {"SERVER": server.url, "MODEL": "m"}, "secrets": {"SERVER_KEY": "key"}}
        event_of = {**runner.environment, "GITHUB_EVENT_NAME": event}
        outcome = replace(runner, environment=event_of).job([installed, *SERVER["jobs"]["gate"]["steps"]], context)
        assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer key"}
    return outcome


@pytest.mark.slow
@pytest.mark.usefixtures("bfcl_data")
def test_a_pull_request_is_gated_on_fifty_items_of_a_server(
    tmp_path: Path, checkout: Path, installed: dict[str, str]
) -> None:
    runner = Runner(checkout, tmp_path / "runs", environment())
    refused = served(runner, installed, "pull_request", REFUSES)
    assert not refused.ok, "there is no baseline"
    first = served(replace(runner, attempt=2), installed, "workflow_dispatch", REFUSES, size="smoke", first=True)
    assert first.ok, first.log
    assert "pip -m pip install --quiet ." in first.log
    (kept,) = runner.artifacts.glob("baseline-*/gate-baseline-smoke.json")
    shutil.copy(kept, checkout)
    again = served(replace(runner, attempt=3), installed, "pull_request", REFUSES)
    assert again.ok, again.log
    assert report(again)["verdict"] == "pass"
    worse = served(replace(runner, attempt=4), installed, "pull_request", CALLS)
    assert not worse.ok
    assert report(worse)["verdict"] == "fail"
    assert len(list(runner.artifacts.glob("candidate-*"))) == 4


def test_the_server_is_asked_every_night_and_only_where_there_is_one() -> None:
    assert SERVER[True]["schedule"]
    assert SERVER["jobs"]["gate"]["if"] == "${{ vars.SERVER != '' }}"


@pytest.mark.slow
@pytest.mark.usefixtures("bfcl_data")
def test_the_workflow_of_the_front_page(tmp_path: Path, checkout: Path, installed: dict[str, str]) -> None:
    (job,) = yaml.safe_load(README.text)["jobs"].values()
    assert README.text.count("\n") <= 22
    with loopback(says(REFUSES)) as server:
        variables = {"PACKAGE": "git+file:///somewhere", "MODEL": "m", "SERVER": server.url}
        assert job["env"] == {name: f"${{{{ vars.{name} }}}}" for name in variables}
        runner = Runner(checkout, tmp_path / "runs", environment(**variables))
        context = {"secrets": {"OPENAI_API_KEY": "key"}}
        without = runner.job([installed, *job["steps"]], context)
        assert not without.ok
        assert "pip install git+file:///somewhere" in without.log
        candidate = next(runner.work.glob("job-*/workspace/candidate"))
        freeze = [
            "--policy",
            "usual",
            "--baseline",
            str(checkout / "gate-baseline.json"),
            "--update-baseline",
            "--first",
        ]
        assert not cli(["gate", str(candidate), *freeze], standalone_mode=False)
        shutil.copytree(candidate, checkout / "candidate")  # the replies are there: nothing is asked again
        passed = runner.job([installed, *job["steps"]], context)
    assert passed.ok, passed.log
    assert "gate: pass" in passed.log


# The action alone.


@pytest.fixture
def gate(tmp_path: Path, checkout: Path) -> Callable[..., Outcome]:
    """A job with gates over the runs that a test put into its checkout."""
    runner = Runner(checkout, tmp_path / "jobs", environment())

    def go(*gates: dict[str, str]) -> Outcome:
        path = {"run": 'echo "$PWD/.venv/bin" >> "$GITHUB_PATH"'}
        steps = [
            {"id": f"gate{number}", "uses": "./", "if": "always()", "with": {"install": "none", **given}}
            for number, given in enumerate(gates)
        ]
        return runner.job([{"uses": "actions/checkout@v4"}, path, *steps], {})

    return go


def test_a_verdict_becomes_outputs_files_and_an_artifact(
    gate: Callable[..., Outcome], checkout: Path, tmp_path: Path
) -> None:
    run(checkout)
    (checkout / "gate.yaml").write_text("minimum: {multiple: 0.5}")
    outcome = gate({"run": "run", "policy": "gate.yaml"})
    assert outcome.ok, outcome.log
    found = outcome.outputs["gate0"]
    assert found["verdict"] == "pass"
    assert json.loads(Path(found["report"]).read_bytes())["verdict"] == "pass"
    (artifact,) = (tmp_path / "jobs" / "artifacts").iterdir()
    assert {path.name for path in artifact.iterdir()} == {"gate.json", "gate-junit.xml"}
    assert "gate: pass" in outcome.summary


def test_two_gates_in_one_job_do_not_overwrite_each_other(gate: Callable[..., Outcome], checkout: Path) -> None:
    run(checkout)
    (checkout / "low.yaml").write_text("minimum: {multiple: 0.5}")
    (checkout / "high.yaml").write_text("minimum: {multiple: 0.99}")
    outcome = gate({"run": "run", "policy": "low.yaml"}, {"run": "run", "policy": "high.yaml"})
    assert not outcome.ok
    reports = [Path(outcome.outputs[name]["report"]) for name in ("gate0", "gate1")]
    assert [json.loads(path.read_bytes())["verdict"] for path in reports] == ["pass", "fail"]
    assert outcome.summary.count("## ") == 2


@pytest.mark.parametrize("given", [{"policy": "none.yaml"}, {"policy": "gate.yaml", "run": "nothing"}])
def test_an_error_is_a_verdict(gate: Callable[..., Outcome], checkout: Path, given: dict[str, str]) -> None:
    run(checkout)
    (checkout / "gate.yaml").write_text("minimum: {multiple: 0.5}")
    outcome = gate({"run": "run", **given})
    assert not outcome.ok
    assert outcome.outputs["gate0"]["verdict"] == "error"
    (suite,) = JUnitXml.fromfile(outcome.outputs["gate0"]["junit"])
    assert suite.errors == 1


def test_every_input_reaches_the_command(gate: Callable[..., Outcome], checkout: Path) -> None:
    frozen(checkout, rules="strict")
    run(checkout, sizes={"multiple": 200})
    (checkout / "gate.yaml").write_text("minimum: {multiple: 0.5, parallel: 0.5}\nmax_drop: {multiple: 0.1}\n")
    given = {
        "run": "run",
        "policy": "gate.yaml",
        "baseline": "base.json",
        "base": "base.json",
        "report": "out/r.json",
        "junit": "out/j.xml",
        "summary": "out/s.md",
        "artifact": "mine",
        "allow-missing": "true",
        "allow-incomplete": "true",
        "force": "true",
    }
    outcome = gate(given)
    found = json.loads(next(checkout.parent.rglob("out/r.json")).read_bytes())
    assert found["forced"], "force"
    assert [rule["outcome"] for rule in found["rules"]] == ["pass", "inconclusive", "pass"], "allow-missing"
    assert outcome.summary == ""
    assert next(checkout.parent.rglob("out/s.md")).read_text().startswith("## ")
    assert (checkout.parent / "jobs" / "artifacts" / "mine" / "r.json").exists()


def test_the_baseline_is_frozen_where_it_is_asked_for(gate: Callable[..., Outcome], checkout: Path) -> None:
    run(checkout, outcomes=good)
    (checkout / "gate.yaml").write_text("max_drop: {multiple: 0.1}")
    base = {"run": "run", "policy": "gate.yaml", "baseline": "new/base.json", "update-baseline": "true"}
    assert not gate(base).ok
    outcome = gate(base | {"first": "true"})
    assert outcome.ok, outcome.log
    assert next(checkout.parent.rglob("new/base.json")).exists()


def test_the_path_of_the_action_is_resolved_inside_the_step(tmp_path: Path) -> None:
    assert all("${{" not in str(about.get("default", "")) for about in ACTION["inputs"].values())
    install = ACTION["runs"]["steps"][0]
    told = tmp_path / "python"
    told.write_text('#!/bin/sh\necho "$@"\n')
    told.chmod(0o755)
    runner = Runner(tmp_path, tmp_path / "jobs", environment())
    for asked, expected in (("", str(tmp_path)), ("harness==1", "harness==1")):
        path = {"run": f'echo "{tmp_path}" >> "$GITHUB_PATH"'}
        step = {"run": install["run"], "env": {"INSTALL": asked, "GITHUB_ACTION_PATH": str(tmp_path)}}
        assert runner.job([path, step], {}).log == f"-m pip install --quiet {expected}\n"


def test_no_input_is_pasted_into_a_script() -> None:
    jobs = [*WORKFLOW["jobs"].values(), *SERVER["jobs"].values(), *yaml.safe_load(README.text)["jobs"].values()]
    steps = [*ACTION["runs"]["steps"], *(step for job in jobs for step in job["steps"])]
    assert all("${{" not in step.get("run", "") for step in steps)
    named = set(ACTION["runs"]["steps"][1]["env"].values())
    assert {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"] if name != "install"} == named

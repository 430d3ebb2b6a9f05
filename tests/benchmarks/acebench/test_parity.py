"""Every recorded reply gets the verdict and the error type of the official evaluator."""

import gzip
import json

import pytest

from harness.benchmarks.acebench import judge, judge_agent

pytestmark = pytest.mark.usefixtures("acebench_data")


@pytest.mark.parametrize("name", ["derived_normal", "derived_special", "derived_odd_values"])
def test_verdict_and_error_type_agree_on_every_reply(name, shared_data):
    differing = []
    with gzip.open(shared_data / "acebench-oracle" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            verdict = judge(case["language"], case["id"], case["raw"])
            ours = (verdict.outcome == "pass", verdict.code, verdict.evidence.get("listed_error_type"))
            theirs = (case["valid"], case["error_type"], case.get("listed_error_type"))
            if ours != theirs:
                differing.append((case["language"], case["id"], case["raw"], ours, theirs))
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"


@pytest.mark.parametrize("name", ["derived_agent_states", "agent_replay"])
def test_states_and_processes_agree_on_every_agent_result(name, shared_data):
    differing = []
    with gzip.open(shared_data / "acebench-oracle" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            verdict = judge_agent(case["language"], case["id"], case["result"], case["process"])
            ours = (verdict.outcome == "pass", verdict.code, verdict.evidence["process_accuracy"])
            theirs = (case["valid"], case["error_type"], case.get("process_accuracy", 0.0))  # none after a crash
            if ours != theirs:
                differing.append((case["language"], case["id"], case["mutation"], ours, theirs))
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"

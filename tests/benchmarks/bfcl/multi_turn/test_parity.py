"""Every recorded multi-turn result is decoded, and judged, as the official evaluator did."""

import gzip
import json

import pytest

from harness.benchmarks.bfcl import judge
from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.multi_turn.calls import call_strings

pytestmark = pytest.mark.usefixtures("bfcl_data")


def cases(shared_data, name):
    with gzip.open(shared_data / "bfcl-oracle" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def decoded(turns, mode):
    """Call strings by turn and step, steps without a call left out."""

    def strings(step):
        try:
            return call_strings(step, mode)
        except Undecodable:
            return []

    return [[calls for calls in map(strings, turn) if calls] for turn in turns]


@pytest.mark.parametrize(("name", "count"), [("gptoss_multi_turn", 600), ("derived_multi_turn", 1698)])
def test_verdict_and_error_type_agree_on_every_recorded_result(shared_data, name, count):
    recorded = cases(shared_data, name)
    assert len(recorded) == count
    differing = []
    for case in recorded:
        raw = case["decoded"] if case["mode"] == "decoded" and case["raw"] is None else case["raw"]
        verdict = judge(case["id"], raw, mode=case["mode"])
        ours, theirs = (verdict.outcome == "pass", verdict.code), (case["valid"], case["error_type"])
        if ours != theirs:
            differing.append((case["id"], ours, theirs))
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"


def test_call_strings_agree_on_every_recorded_result(shared_data):
    for case in cases(shared_data, "gptoss_multi_turn"):
        if isinstance(case["raw"], list) and isinstance(case["decoded"], list):
            ours, theirs = decoded(case["raw"], case["mode"]), case["decoded"]
            assert ours == theirs, case["id"]

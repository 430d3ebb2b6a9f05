"""Every recorded single-turn reply gets the verdict and the error type of the official evaluator."""

import gzip
import json
import os
from pathlib import Path

import pytest

from harness.benchmarks.bfcl import judge

CASES = Path(os.environ.get("SHARED_DATA", "../shared/data")) / "bfcl-oracle"
FILES = ("single_turn_2024", "single_turn_2024_reworded", "gptoss_single_turn", "derived_single_turn")


@pytest.mark.parametrize("name", FILES)
def test_verdict_and_error_type_agree_on_every_recorded_reply(name):
    file = CASES / f"{name}.jsonl.gz"
    if not file.exists():
        pytest.skip(f"parity cases are not at {file}; set SHARED_DATA")
    differing = []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            verdict = judge(case["id"], case["raw"], mode=case["mode"], underscore_names=case["underscore_to_dot"])
            ours = (verdict.outcome == "pass", verdict.code)
            theirs = (case["valid"], case["error_type"])
            if ours != theirs:
                differing.append((case["id"], case["raw"], ours, theirs))
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"

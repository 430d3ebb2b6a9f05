"""Every recorded reply gets the verdict and the error of the official program."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.benchmarks.apibank import data, judge, judge_response
from harness.benchmarks.apibank.scenes import Stage


def cases(oracle: Path, name: str) -> Iterator[dict[str, Any]]:
    file = oracle / f"{name}.jsonl.gz"
    if not file.exists():
        pytest.skip(f"no parity cases at {file}")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.mark.parametrize("level", [1, 2])
def test_calls_of_levels_1_and_2(apibank_oracle: Path, level: int) -> None:
    differing = []
    for case in cases(apibank_oracle, f"level_{level}_api"):
        verdict = judge(level, case["id"], case["raw"], search=case.get("search"))
        ours, theirs = (verdict.outcome == "pass", verdict.code), (case["correct"], case["error"])
        if ours != theirs:
            differing.append((case["id"], case["raw"], ours, theirs))
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"


def test_whole_runs_of_level_3(apibank_oracle: Path) -> None:
    runs = defaultdict(list)
    for case in cases(apibank_oracle, "level_3_api"):
        runs[case["run"]].append(case)
    differing = []
    for run in runs.values():
        stage = Stage()
        for case in sorted(run, key=lambda case: case["order"]):
            result = stage.judge(data.item(3, case["id"]), case["raw"], case.get("search"))
            ours, theirs = (result.correct, result.error), (case["correct"], case["error"])
            if ours != theirs:
                differing.append((case["run"], case["id"], case["raw"], ours, theirs))
    assert len(runs) > 10
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"


def test_calls_of_level_3_judged_alone(apibank_oracle: Path) -> None:
    differing = []
    for case in cases(apibank_oracle, "level_3_api"):
        verdict = judge(3, case["id"], case["raw"], search=case.get("search"))
        alone = case.get("alone", case["error"] or "CORRECT")
        if (verdict.code or "CORRECT") != alone:
            differing.append((case["run"], case["id"], case["raw"], verdict.code, alone))
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"


def test_scores_of_responses(apibank_oracle: Path) -> None:
    differing = []
    for case in cases(apibank_oracle, "responses"):
        verdict = judge_response(case["level"], case["id"], case["raw"])
        ours = verdict.evidence["credit"], verdict.code if str(verdict.code).startswith("CRASH") else None
        theirs = case["rouge_l"] or 0.0, case["error"]
        if ours != theirs:
            differing.append((case["id"], case["raw"], ours, theirs))
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"


def test_exact_matches(apibank_oracle: Path) -> None:
    differing = []
    for case in cases(apibank_oracle, "toolrl_exact"):
        verdict = judge(case["level"], case["id"], case["raw"], "exact")
        if (verdict.outcome == "pass") != case["correct"]:
            differing.append((case["id"], case["raw"], verdict, case["correct"]))
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"


# Ceilings: what the recorded replies themselves reach.


@pytest.mark.parametrize(("level", "correct", "of"), [(1, 347, 399), (2, 95, 135)])
def test_the_truth_reaches_the_ceiling(apibank_data: Path, level: int, correct: int, of: int) -> None:
    verdicts = [judge(level, item.id, item.expected) for item in data.items(level).values()]
    assert len(verdicts) == of
    assert sum(verdict.outcome == "pass" for verdict in verdicts) == correct


def test_the_truth_of_level_3_reaches_both_ceilings(apibank_data: Path) -> None:
    stage = Stage()
    results = {item.id: stage.judge(item, item.expected) for item in data.items(3).values()}
    wrong = [name for name, result in results.items() if not result.correct]
    assert (len(results), len(results) - len(wrong)) == (245, 235)
    assert 50 - len({name.partition(":")[0] for name in wrong}) == 40


def test_the_exact_protocol_has_no_ceiling(apibank_data: Path) -> None:
    for level, count in ((1, 399), (2, 67), (3, 131)):
        items = data.exact_items(level)
        assert len(items) == count
        assert all(
            judge(level, name, json.dumps(row["answer"]), "exact").outcome == "pass" for name, row in items.items()
        )

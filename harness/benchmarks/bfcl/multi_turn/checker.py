"""Judging of multi-turn results: state and response checks after each turn.

    turns = [[["cd(folder='docs')"], ["ls()", "pwd()"]], []]   # turn -> step -> call strings

Upstream: `bfcl_eval/eval_checker/multi_turn_eval/multi_turn_checker.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.benchmarks.bfcl.multi_turn.differences import clipped, state_differences
from harness.benchmarks.bfcl.multi_turn.world import World, pair
from harness.types import Verdict

Steps = Sequence[Sequence[str]]

MAX_LISTED = 50
"""Calls and results that evidence keeps; the last ones."""


def check_turns(question: Mapping[str, Any], expected: Sequence[Sequence[str]], turns: Sequence[Steps]) -> Verdict:
    """Run the model's calls beside the ground truth's and compare after each turn.

    Args:
        question: The question record.
        expected: Ground truth: call strings by turn.
        turns: The model's call strings by turn and step; as many turns as expected.

    Returns:
        Pass, or the first turn's failure with its official error type.
    """
    model, truth = pair(question)
    so_far: list[str] = []
    for turn, (calls, steps) in enumerate(zip(expected, turns, strict=True)):
        results = [model.execute(call) for step in steps for call in step]
        wanted = [truth.execute(call) for call in calls]
        so_far += results
        if not calls:  # nothing is checked where nothing is expected, though its calls count later (quirk 23)
            continue
        failure = _failure(turn, any(steps), (model, truth), _missing(wanted, so_far))
        if failure is not None:
            made = [call for step in steps for call in step]
            evidence = {"turn": turn, "calls": _clip(made), "expected": calls, "results": _clip(results)}
            evidence.update(failure.evidence)
            return replace(failure, evidence=evidence)
    return Verdict("pass")


def _failure(turn: int, called: bool, worlds: tuple[World, World], missing: Sequence[str]) -> Verdict | None:
    if not called:
        return Verdict("fail", "multi_turn:empty_turn_model_response", f"no call in turn {turn}")
    model, truth = worlds
    for name in truth.classes:
        if name not in truth.used and name not in model.used:
            continue
        if found := state_differences(truth.instance(name), model.instance(name)):
            message = f"after turn {turn} the state of {name} is not the expected one"
            return Verdict("fail", "multi_turn:instance_state_mismatch", message, {"class": name, "differences": found})
    if missing:
        message = f"{len(missing)} expected results were not obtained up to turn {turn}"
        return Verdict("fail", "multi_turn:execution_response_mismatch", message, {"missing": _clip(missing)})
    return None


def _missing(wanted: Sequence[str], results: Sequence[str]) -> list[str]:
    """Results that do not occur, each occurrence counting once."""
    left = list(results)
    missing = []
    for result in wanted:
        if result in left:
            left.remove(result)
        else:
            missing.append(result)
    return missing


def _clip(results: Sequence[str]) -> list[str]:
    return [clipped(result) for result in results[-MAX_LISTED:]]

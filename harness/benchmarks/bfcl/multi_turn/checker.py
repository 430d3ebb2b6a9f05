"""Judging of multi-turn results: state and response checks after each turn.

    turns = [[["cd(folder='docs')"], ["ls()", "pwd()"]], []]   # turn -> step -> call strings

Upstream: `bfcl_eval/eval_checker/multi_turn_eval/multi_turn_checker.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from harness.benchmarks.bfcl.multi_turn.differences import clipped, state_differences
from harness.benchmarks.bfcl.multi_turn.world import World, pair
from harness.types import Verdict

Steps = Sequence[Sequence[str]]

MAX_LISTED = 50
"""Calls and results that evidence keeps; the last ones."""


class Difference(NamedTuple):
    """Where the state of an environment is not the expected one."""

    environment: str
    """Name of its class."""
    places: Sequence[Mapping[str, Any]]
    """As `differences` gives them."""


class Compared(NamedTuple):
    """What a turn came to in both worlds."""

    results: Sequence[str]
    """Of the model's calls."""
    wanted: Sequence[str]
    """Of the expected ones."""
    difference: Callable[[], Difference | None]
    """Compares the states after the turn."""


def check_turns(question: Mapping[str, Any], expected: Sequence[Sequence[str]], turns: Sequence[Steps]) -> Verdict:
    """Run the model's calls beside the ground truth's and compare after each turn.

    Args:
        question: The question record.
        expected: Ground truth: call strings by turn.
        turns: The model's call strings by turn and step; as many turns as expected.

    Returns:
        Pass, or the first turn's failure with its official error type.
    """
    return compare(expected, turns, _carried_out(question, expected, turns))


def _carried_out(
    question: Mapping[str, Any], expected: Sequence[Sequence[str]], turns: Sequence[Steps]
) -> Iterator[Compared]:
    model, truth = pair(question)
    difference = partial(_difference, model, truth)
    for calls, steps in zip(expected, turns, strict=True):
        results = [model.execute(call) for step in steps for call in step]
        wanted = [truth.execute(call) for call in calls]
        yield Compared(results, wanted, difference)


def _difference(model: World, truth: World) -> Difference | None:
    for name in truth.classes:
        if name not in truth.used and name not in model.used:
            continue
        if found := state_differences(truth.instance(name), model.instance(name)):
            return Difference(name, found)
    return None


def compare(expected: Sequence[Sequence[str]], turns: Sequence[Steps], worlds: Iterable[Compared]) -> Verdict:
    """Compare what the model's calls came to with what was expected, after each turn.

    Args:
        expected: Call strings by turn.
        turns: The model's call strings by turn and step; as many turns as expected.
        worlds: What each turn came to; those after a failure are not asked for.

    Returns:
        Pass, or the first turn's failure with its official error type.
    """
    so_far: list[str] = []
    for turn, (calls, steps, found) in enumerate(zip(expected, turns, worlds, strict=False)):
        so_far += found.results
        if not calls:  # nothing is checked where nothing is expected, though its calls count later (quirk 23)
            continue
        failure = _failure(turn, any(steps), found.difference, _missing(found.wanted, so_far))
        if failure is not None:
            made = [call for step in steps for call in step]
            evidence = {"turn": turn, "calls": _clip(made), "expected": calls, "results": _clip(found.results)}
            evidence.update(failure.evidence)
            return replace(failure, evidence=evidence)
    return Verdict("pass")


def _failure(
    turn: int, called: bool, difference: Callable[[], Difference | None], missing: Sequence[str]
) -> Verdict | None:
    if not called:
        return Verdict("fail", "multi_turn:empty_turn_model_response", f"no call in turn {turn}")
    if found := difference():
        message = f"after turn {turn} the state of {found.environment} is not the expected one"
        evidence = {"class": found.environment, "differences": found.places}
        return Verdict("fail", "multi_turn:instance_state_mismatch", message, evidence)
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

"""Items of several turns: played and judged as BFCL's multi-turn categories are, in environments of the user's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from harness.benchmarks.bfcl import prompts
from harness.benchmarks.bfcl.multi_turn import judge_turns
from harness.benchmarks.bfcl.multi_turn.checker import Compared, Difference, Steps, compare
from harness.benchmarks.bfcl.multi_turn.differences import attribute_differences
from harness.benchmarks.bfcl.multi_turn.loop import Offer, play_turns
from harness.benchmarks.bfcl.rules import rules_named
from harness.benchmarks.own.world import OwnWorld
from harness.protocols import Play
from harness.sandbox.worlds import Environment
from harness.types import Tool, Verdict

Lived = Sequence[tuple[Sequence[str], Mapping[str, Any]]]
"""By turn the results and the states after it."""


def is_one(item: Mapping[str, Any]) -> bool:
    """Whether an item of a set is of this kind."""
    return "involved_classes" in item


def involved(item: Mapping[str, Any], environments: Sequence[Environment]) -> tuple[Environment, ...]:
    """The files of an item's environments, with the classes that it involves."""
    chosen = [
        environment._replace(classes=tuple(name for name in environment.classes if name in item["involved_classes"]))
        for environment in environments
    ]
    return tuple(environment for environment in chosen if environment.classes)


def world(item: Mapping[str, Any], environments: Sequence[Environment]) -> OwnWorld:
    """A world of its own for an item."""
    names = frozenset(doc["name"] for doc in item["function"])
    return OwnWorld(involved(item, environments), item["initial_config"], names)


def tools(item: Mapping[str, Any]) -> tuple[Tool, ...]:
    """What a model is told of from the start; functions that appear in a later turn are left out."""
    later = {name for names in item["missed_function"].values() for name in names}
    return prompts.rewrite([doc for doc in item["function"] if doc["name"] not in later], "python")


def play(item: Mapping[str, Any], environments: Sequence[Environment]) -> Play:
    """Drive BFCL's loop: query, execute, hand results back, next turn where no call is made."""
    docs = {doc["name"]: doc for doc in item["function"]}
    later = {int(turn): tuple(docs[name] for name in names) for turn, names in item["missed_function"].items()}
    offered = tools(item)
    offer = Offer(offered, prompts.instruction(offered))
    return play_turns(item["question"], offer, world(item, environments), later)


def check(
    item: Mapping[str, Any],
    environments: Sequence[Environment],
    turns: Sequence[Sequence[tuple[Any, str]]],
    rules: str = "upstream",
) -> Verdict:
    """Compare states and results with those of the expected calls after each turn.

    Args:
        item: The item.
        environments: Files of the set.
        turns: What was answered, by turn, each with its mode.
        rules: `upstream` or `strict`.

    Returns:
        The verdict, as of BFCL's multi-turn categories.

    Raises:
        RuntimeError: An environment cannot be used or the sandbox failed: the item has no verdict.
    """
    chosen, expected = rules_named(rules), item["ground_truth"]
    named = {doc["name"]: list(doc["parameters"]["properties"]) for doc in item["function"]}
    files = involved(item, environments)

    def compared(steps: Sequence[Steps]) -> Verdict:
        made = [[call for step in turn for call in step] for turn in steps]
        got = world(item, environments).turns(made)
        wanted = _truth(files, json.dumps([item["initial_config"], expected]), tuple(named))
        return compare(expected, steps, _turns(got, wanted))

    return judge_turns(expected, turns, (chosen, named if chosen.bind_positional else {}), compared)


def _turns(got: Lived, wanted: Lived) -> Iterator[Compared]:
    for (results, state), (expected, truth) in zip(got, wanted, strict=True):
        yield Compared(results, expected, partial(_difference, truth, state))


def _difference(truth: Mapping[str, Any], state: Mapping[str, Any]) -> Difference | None:
    for name, expected in truth.items():
        if found := attribute_differences(expected, state.get(name, {})):
            return Difference(name, found)
    return None


@lru_cache(maxsize=1024)
def _truth(files: tuple[Environment, ...], item: str, functions: tuple[str, ...]) -> Lived:
    states, expected = json.loads(item)
    return OwnWorld(files, states, functions).turns(expected)

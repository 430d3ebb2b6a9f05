"""The four multi-turn categories: a model works through several turns against stateful environments.

{"id": "multi_turn_base_0", "question": [[{"role": "user", "content": "Move 'final_report.pdf' ..."}], ...],
 "initial_config": {"GorillaFileSystem": {"root": ...}}, "involved_classes": ["GorillaFileSystem", "TwitterAPI"]}
ground truth, by turn: [["cd(folder='document')", "mkdir(dir_name='temp')", ...], ...]

`modules` runs the environments of the pinned wheel, `calls` reads call strings, `world` executes them, `checker`
compares states and results, `loop` plays a sample. Upstream: `eval_runner.py: _evaluate_single_multi_turn_entry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.judging import Read, raw_answer
from harness.benchmarks.bfcl.multi_turn.calls import MODES, call_strings
from harness.benchmarks.bfcl.multi_turn.checker import Steps, check_turns
from harness.benchmarks.bfcl.multi_turn.loop import Offer, offer, play_turns
from harness.benchmarks.bfcl.multi_turn.world import World
from harness.benchmarks.bfcl.rules import Rules, rules_named
from harness.errors import unknown_name
from harness.protocols import Play
from harness.types import Episode, Sample, Tool, Verdict

__all__ = ["CATEGORIES", "check", "judge", "judge_turns", "play", "raw_turns", "samples"]

CATEGORIES = data.MULTI_TURN


def samples(category: str) -> list[Sample[Mapping[str, Any]]]:
    """All samples of one category, held-out functions not among the tools; target: the question record."""
    return [_sample(category, record) for record in data.questions(category)]


def play(sample: Sample[Mapping[str, Any]], before: Mapping[str, Episode]) -> Play:
    """Drive the official loop: query, execute, hand results back, next turn where no call is made."""
    classes = sample.target["involved_classes"]
    held_out = {int(turn): _stored(classes, names) for turn, names in _held_out(sample.target).items()}
    return play_turns(sample.turns, _offer(sample.target), World.of(sample.target), held_out)


def check(sample: Sample[Mapping[str, Any]], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
    """Judge the steps of an episode; turns that were not reached after a force-quit are missing from it."""
    return {sample.category: _judge(sample.target, raw_turns(episode), rules_named(rules))}


def raw_turns(episode: Episode) -> list[list[tuple[Any, str]]]:
    """The replies of an episode by turn, each as what was answered and its mode."""
    turns: list[list[tuple[Any, str]]] = [[] for _ in range(episode.steps[-1].turn + 1)]
    for step in episode.steps:
        turns[step.turn].append(raw_answer(step.reply))
    return turns


def judge(
    sample_id: str,
    raw: Any,
    *,
    mode: str = "prompt",
    underscore_names: bool = False,
    rules: str = "upstream",
    read: Read | None = None,
) -> Verdict:
    """Judge the raw result of one item.

    Args:
        sample_id: Official id.
        raw: Turns of steps: text, `[{name: arguments}]`, or in `decoded` mode lists of call strings.
        mode: `prompt`, `fc` or `decoded`.
        underscore_names: Of no effect: no function of these categories has a dot in its name.
        rules: `upstream` or `strict`.
        read: Reads each step instead of the mode.

    Returns:
        The verdict. Evidence of a failure: `turn`, `calls`, `expected`, and what differed.

    Raises:
        UsageProblem: Unknown id, mode or rules.
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    chosen, question = rules_named(rules), data.question(sample_id)
    if not isinstance(raw, list):
        return Verdict("fail", "multi_turn:inference_error", "the result is not a list of turns")
    turns = [[read(step) if read else (step, mode) for step in turn] if isinstance(turn, list) else [] for turn in raw]
    return _judge(question, turns, chosen)


def _judge(question: Mapping[str, Any], turns: Sequence[Sequence[tuple[Any, str]]], rules: Rules) -> Verdict:
    expected = data.answer(question["id"])
    parameters = _parameters(tuple(question["involved_classes"])) if rules.bind_positional else {}
    return judge_turns(expected, turns, (rules, parameters), partial(check_turns, question, expected))


def judge_turns(
    expected: Sequence[Sequence[str]],
    turns: Sequence[Sequence[tuple[Any, str]]],
    terms: tuple[Rules, Mapping[str, Sequence[str]]],
    check: Callable[[Sequence[Steps]], Verdict],
) -> Verdict:
    """Read the replies of a conversation and judge the calls in them.

    Args:
        expected: Ground truth: call strings by turn.
        turns: Replies by turn, each with its mode.
        terms: Rules, and the parameter names of each function where positional arguments are bound to them.
        check: Judges call strings by turn and step.

    Returns:
        The verdict; a failure where turns are missing.
    """
    if len(turns) != len(expected):
        return Verdict(
            "fail",
            "multi_turn:force_terminated",
            f"the result has {len(turns)} turns of {len(expected)}",
            {"turns": len(turns), "expected_turns": len(expected)},
        )
    decoded = [[_calls(step, mode, *terms) for step, mode in turn] for turn in turns]
    return check([[step for step in turn if step] for turn in decoded])


def _calls(step: Any, mode: str, rules: Rules, parameters: Mapping[str, Sequence[str]]) -> list[str]:
    try:
        return call_strings(step, mode, rules, parameters)
    except Undecodable:
        return []


def _sample(category: str, record: Mapping[str, Any]) -> Sample[Mapping[str, Any]]:
    return Sample(
        id=record["id"],
        category=category,
        turns=tuple(tuple(turn) for turn in record["question"]),
        tools=_offer(record).tools,
        target=record,
    )


def _offer(record: Mapping[str, Any]) -> Offer:
    withheld = frozenset(name for names in _held_out(record).values() for name in names)
    return offer(tuple(record["involved_classes"]), withheld)


def _held_out(record: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Names of functions that appear only in a later turn, by that turn."""
    named: Mapping[str, Sequence[str]] = record.get("missed_function", {})
    return named


def _stored(classes: Sequence[str], names: Sequence[str]) -> tuple[Tool, ...]:
    """Documents as they lie in the data: held-out functions are shown without the language sentence."""
    stored = {tool["name"]: tool for name in classes for tool in data.function_docs(name)}
    return tuple(stored[name] for name in names)


@cache
def _parameters(classes: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    docs = [tool for name in classes for tool in data.function_docs(name)]
    return {tool["name"]: list(tool["parameters"]["properties"]) for tool in docs}

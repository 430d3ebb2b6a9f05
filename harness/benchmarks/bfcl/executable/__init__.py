"""The executable categories, retired upstream in April 2025 and still asked for: calls are run, results compared.

{"id": "exec_simple_0", "question": [[{"role": "user", "content": "I've been playing a game where rolling a six ..."}]],
 "function": [{"name": "calc_binomial_probability", ...}]}
ground truth: ["calc_binomial_probability(n=20, k=5, p=0.6)"], `execution_result_type` ["exact_match"]

134 of 240 items use pure functions only and are scored; the expected result is that of the ground-truth call. The
others, and all of `rest`, ask paid network services for today's answer: no model is asked, and their verdict, unscored,
says why.
Upstream: the retired `executable_checker.py` (before pull request 943).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from harness.benchmarks.bfcl import data, single_turn
from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.executable.functions import PURE
from harness.benchmarks.bfcl.judging import plain, raw_answer
from harness.benchmarks.bfcl.multi_turn.calls import MODES, call_strings, plan
from harness.benchmarks.bfcl.rules import rules_named
from harness.benchmarks.bfcl.single_turn import samples
from harness.errors import unknown_name
from harness.protocols import Play
from harness.types import Episode, Sample, Verdict

__all__ = ["CATEGORIES", "NEEDS_NETWORK", "check", "judge", "play", "samples"]

CATEGORIES = data.EXECUTABLE
NEEDS_NETWORK = "executable:needs_network"
"""Code of the unscored verdict of an item that cannot be run offline."""


def is_pure(category: str, expected: Sequence[str]) -> bool:
    """Whether all expected calls are of functions that need no network."""
    return category != "rest" and all(call.partition("(")[0] in PURE for call in expected)


def play(sample: Sample[Sequence[str]], before: Mapping[str, Episode]) -> Play:
    """Ask the question once; an item that needs the network is over before it begins."""
    if is_pure(sample.category, sample.target):
        yield from single_turn.play(sample, before)


def check(sample: Sample[Sequence[str]], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
    """Judge the reply, where there is one."""
    raw, mode = raw_answer(episode.steps[-1].reply) if episode.steps else (None, "prompt")
    return {sample.category: judge(sample.id, raw, mode=mode, rules=rules)}


def judge(
    sample_id: str, raw: Any, *, mode: str = "prompt", underscore_names: bool = False, rules: str = "upstream"
) -> Verdict:
    """Judge one answer by what its calls return.

    Args:
        sample_id: Official id.
        raw: Text, `[{name: arguments}]`, or in `decoded` mode call strings.
        mode: `prompt`, `fc` or `decoded`.
        underscore_names: Of no effect: no function here has a dot in its name.
        rules: `upstream` or `strict`.

    Returns:
        The verdict; unscored for an item that needs the network. Evidence: `calls`, `expected`, and the results.

    Raises:
        UsageProblem: Unknown id, mode or rules.
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    chosen, question = rules_named(rules), data.question(sample_id)
    expected = data.answer(sample_id)
    category = data.category_of(sample_id)
    if not is_pure(category, expected):
        return Verdict("unscored", NEEDS_NETWORK, "its calls ask network services for an answer that changes")
    parameters = {tool["name"]: list(tool["parameters"]["properties"]) for tool in question["function"]}
    try:
        calls = call_strings(raw, mode, chosen, parameters)
    except Undecodable as error:
        return Verdict("fail", "executable_decoder:decoder_failed", str(error)[:500], {"expected": expected})
    verdict = _check_calls(category, calls, expected)
    return Verdict(
        verdict.outcome,
        verdict.code,
        verdict.message,
        {"calls": plain(calls), "expected": expected, **verdict.evidence},
    )


def _check_calls(category: str, calls: Sequence[str], expected: Sequence[str]) -> Verdict:
    if not calls:
        return Verdict("fail", "executable_decoder:wrong_output_format", "no call")
    if len(calls) != len(expected):
        code = "simple_exec_checker:wrong_count" if category == "exec_simple" else "value_error:exec_result_count"
        return Verdict("fail", code, f"{len(calls)} calls instead of {len(expected)}")
    if category == "exec_simple":
        return _compare(calls[0], expected[0])
    # Greedy, in the order of the ground truth, as upstream matches.
    left = list(calls)
    for wanted in expected:
        found = next((call for call in left if _compare(call, wanted).outcome == "pass"), None)
        if found is None:
            return Verdict("fail", "executable_checker:cannot_find_match", "no call with its result", {"unmet": wanted})
        left.remove(found)
    return Verdict("pass")


def _compare(call: str, wanted: str) -> Verdict:
    try:
        result = _run(call)
    except Exception as error:  # noqa: BLE001  # whatever the call raises is the answer's fault
        return Verdict("fail", "executable_checker:execution_error", f"{type(error).__name__}: {error}"[:500])
    if result == _expected(wanted):
        return Verdict("pass")
    evidence = {"result": plain(result), "expected_result": plain(_expected(wanted))}
    return Verdict("fail", "executable_checker:wrong_result", "the call gives another result", evidence)


def _run(call: str) -> Any:
    result = plan(call)(PURE.get)
    return list(result) if isinstance(result, tuple) else result


@cache
def _expected(call: str) -> Any:
    return _run(call)

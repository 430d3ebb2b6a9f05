"""Expected calls against decoded calls: number, names, then each expected call against the calls of its name.

Upstream rule: `normal_checker` and `simple_function_checker` in `model_eval/checker.py` (commit 56dd66cf).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.benchmarks.acebench.rules import Rules
from harness.benchmarks.acebench.values import Finding, check_strictly, check_value
from harness.benchmarks.bfcl.values import MAX_SHOWN, plain

Doc = Mapping[str, Any]
Call = Mapping[Any, Mapping[Any, Any]]

_NUMBER = re.compile(r"_\d+$")


class Wanted(NamedTuple):
    """One expected call."""

    name: str
    """Without the number that tells calls of one function apart."""
    arguments: Mapping[str, Any]
    """One exact value a parameter."""
    doc: Doc
    """The function's document."""


def expected_calls(truth: Mapping[str, Mapping[str, Any]], docs: Sequence[Doc], rules: Rules) -> list[Wanted]:
    """The calls of one alternative of the ground truth.

    Args:
        truth: Function, with a number where it is called several times, to its arguments.
        docs: Functions that are offered.
        rules: Which quirks hold.

    Returns:
        One entry a key, in order; the document is the first whose name is part of the key.
    """
    names = {doc["name"] for doc in docs}
    calls = []
    for key, arguments in truth.items():
        own = rules.own_numbers and key in names
        name = key if own else _NUMBER.sub("", key)
        doc = next(doc for doc in docs if (doc["name"] == name if own else doc["name"] in key))
        calls.append(Wanted(name, arguments, doc))
    return calls


def check_calls(calls: Sequence[Call], wanted: Sequence[Wanted], rules: Rules) -> Finding | None:
    """Compare the calls of a reply with one alternative of the ground truth, in any order.

    Args:
        calls: Decoded calls.
        wanted: Expected calls.
        rules: Which quirks hold.

    Returns:
        The first thing that is wrong, or None.

    Raises:
        Crash: The official program would have ended here.
    """
    if len(calls) != len(wanted):
        return Finding("wrong functions number", f"{len(calls)} calls where {len(wanted)} are expected")
    made, due = [next(iter(call)) for call in calls], [call.name for call in wanted]
    if made != due and Counter(made) != Counter(due):
        odd = next(name for name in (*made, *due) if made.count(name) != due.count(name))
        message = f"{odd!r} is called {made.count(odd)} times where {due.count(odd)} are expected"
        return Finding("function_mismatch", message[:MAX_SHOWN])
    if rules.use_up:
        return _match(calls, wanted, rules)
    for target in wanted:
        if fault := _any_call(calls, target, rules):
            return fault
    return None


def _any_call(calls: Sequence[Call], target: Wanted, rules: Rules) -> Finding | None:
    """Look for a call that passes; calls are not used up, and the fault is that of the last one (quirk 8)."""
    fault: Finding | None = None
    for call in calls:
        if target.name not in call:
            fault = Finding("simple_function_checker:unclear", f"no call of {target.name!r} passes")
        elif (fault := check_call(call[target.name], target, rules)) is None:
            return None
    return fault


def _match(calls: Sequence[Call], wanted: Sequence[Wanted], rules: Rules) -> Finding | None:
    """Give each expected call one call of its own so that all pass if they can."""
    faults = [
        [check_call(call[target.name], target, rules) if target.name in call else _OTHER for call in calls]
        for target in wanted
    ]
    taken: dict[int, int] = {}

    def place(index: int, seen: set[int]) -> bool:
        for at, fault in enumerate(faults[index]):
            if fault is None and at not in seen:
                seen.add(at)
                if at not in taken or place(taken[at], seen):
                    taken[at] = index
                    return True
        return False

    for index, tried in enumerate(faults):
        if not place(index, set()):
            return next((fault for fault in tried if fault not in (None, _OTHER)), tried[-1]) or _OTHER
    return None


_OTHER = Finding("simple_function_checker:unclear", "no call of that name is left")


def check_call(arguments: Mapping[Any, Any], target: Wanted, rules: Rules) -> Finding | None:
    """Compare the arguments of one call with the expected ones.

    Args:
        arguments: By name; None stands for `**`.
        target: The expected call of that name.
        rules: Which quirks hold.

    Returns:
        The first thing that is wrong, or None.

    Raises:
        Crash: The official program would have ended here.
    """
    finding = _check_arguments(arguments, target, rules)
    if finding is not None:
        finding.details["function"] = target.name
    return finding


def _check_arguments(arguments: Mapping[Any, Any], target: Wanted, rules: Rules) -> Finding | None:
    schema, expected = target.doc["parameters"], target.arguments
    if not arguments or not schema:
        return None if not arguments and not schema else Finding("wrong_param", "the call has no named arguments")
    properties = schema["properties"]
    if expected == properties:
        return None
    if not expected:
        return Finding("wrong_param", "no arguments are expected")
    if target.doc["name"] != target.name:
        return Finding("wrong_function_name", f"{target.name!r} is called, not {target.doc['name']!r}")
    for name in _due(schema["required"], expected, rules):
        if name not in arguments:
            return _about(name, "lack_args", "is missing", expected.get(name))
    for name, given in arguments.items():
        if name not in properties or name not in expected:
            return _about(name, "addition_args", "is not expected", None, given)
        want = expected[name]
        fault = check_strictly(given, want) if rules.compare_everything else check_value(given, want, properties[name])
        if fault is not None:
            fault.message = f"argument {name!r}: {fault.message}"[:MAX_SHOWN]
            fault.details.update(argument=name, given=plain(given), expected=want)
            return fault
    return None


def _due(required: Sequence[str], expected: Mapping[str, Any], rules: Rules) -> Sequence[str]:
    if not rules.want_optional:
        return required
    return list(dict.fromkeys([*required, *(name for name, value in expected.items() if value not in ([], {}, None))]))


def _about(name: Any, code: str, what: str, expected: Any, given: Any = None) -> Finding:
    return Finding(
        code,
        f"argument {str(name)[:100]!r} {what}",
        {"argument": plain(name), "given": plain(given), "expected": expected},
    )

"""An agent's result against the ground truth: the final state of the services, and the milestones on the way.

result: [{"BaseApi": {"wifi": true, "logged_in": true}}, {"MessageApi": {"inbox": {"1": {...}}}}]
process: ["[turn_on_wifi()]", "[send_message(sender_name='Eve', ...)]", ...]
Upstream rule: `agent_eval`, `agent_eval_process` in `eval_main.py`, `agent_checker` (commit 56dd66cf).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.benchmarks.acebench import data
from harness.benchmarks.acebench.rules import Rules, rules_named
from harness.benchmarks.acebench.values import Finding
from harness.benchmarks.bfcl.values import MAX_SHOWN, plain
from harness.errors import UsageProblem
from harness.types import Verdict

ENDS = (TypeError, AttributeError, KeyError, IndexError)
"""What an odd result makes the official program end with."""


def judge_agent(language: str, sample_id: str, result: Any, process: Any, rules: str = "upstream") -> Verdict:
    """Judge one agent's item; see `harness.benchmarks.acebench.judge_agent`."""
    chosen = rules_named(rules)
    if not isinstance(sample_id, str) or data.category_of(sample_id) not in data.AGENT:
        raise UsageProblem(f"{sample_id!r} is not an agent's item", "For example agent_multi_turn_0.")
    record = data.answer(language, sample_id)
    truth, milestones = record["ground_truth"], record["mile_stone"]
    evidence: dict[str, Any] = {"expected": truth, "result": plain(result), "milestones": milestones}
    try:
        finding = check_state(result, truth, chosen)
        share = 1.0 if finding is None else process_accuracy(process, milestones, chosen)
    except ENDS as error:
        name = type(error).__name__
        evidence |= {"process_accuracy": 0.0, "process_share": 0.0}
        message = f"the official program ends with {name} on this result; counted as wrong"
        return Verdict("fail", f"crash:{name}", message, evidence)
    # Rounded as the official program shows it, and as it goes into the mean over items.
    evidence |= {"process_accuracy": round(share, 3), "process_share": share}
    if finding is None:
        return Verdict("pass", None, "", evidence)
    return Verdict("fail", finding.code, finding.message, evidence | finding.details)


def check_state(result: Any, truth: Sequence[Mapping[str, Any]], rules: Rules) -> Finding | None:
    """Compare the final state of the classes.

    Args:
        result: One map of class to attributes for each involved class.
        truth: The same as it should be.
        rules: Which quirks hold.

    Returns:
        What is wrong, or None. Upstream, a class of the ground truth that the result lacks is not missed as long as
        the numbers of classes agree, nor is an attribute (quirk 10).
    """
    if len(truth) != len(result):
        return Finding("wrong number of class", f"{len(result)} classes where {len(truth)} are expected")
    wrong: list[str] = []
    for expected in truth:
        found = next((state for state in result if _same_classes(state, expected, rules)), None)
        if found is None:
            wrong += [*expected] if rules.all_state else ()
            continue
        (name, attributes), given = next(iter(expected.items())), next(iter(found.values()))
        wrong += [f"{name}.{path}" for path in _differences(given, attributes, rules)]
    if not wrong:
        return None
    message = f"{wrong[0]} is not as expected"[:MAX_SHOWN]
    return Finding("class attributes wrong", message, {"attributes": [path[:MAX_SHOWN] for path in wrong[:20]]})


def _same_classes(state: Any, expected: Mapping[str, Any], rules: Rules) -> bool:
    names = set(state.keys())
    if rules.all_state:
        return {_canonical(name) for name in names} == {_canonical(name) for name in expected}
    return names == set(expected)


def _canonical(name: Any) -> str:
    """Class names as they are meant: the ground truth writes some `ReminderAPI`, `Reminderpi`, `BaseAPI`."""
    return str(name).lower().removesuffix("api").removesuffix("pi")


def _differences(given: Any, expected: Mapping[str, Any], rules: Rules) -> list[str]:
    """Paths of all attributes that differ: on some shapes the official program ends wherever they stand."""
    found = []
    for name, value in given.items():
        if name not in expected:
            found.append(f"{name}")
        elif isinstance(expected[name], dict):
            found += [
                f"{name}.{key}" for key, wanted in expected[name].items() if key not in value or wanted != value[key]
            ]
        elif expected[name] != value:
            found.append(f"{name}")
    if rules.all_state:
        found += [name for name in expected if name not in given]
    return found


def process_accuracy(process: Any, milestones: Sequence[Any], rules: Rules) -> float:
    """The share of milestones that were reached in order, for an agent whose final state is wrong.

    Args:
        process: The messages that went to the executor.
        milestones: Texts, or alternatives of these; the best counts.
        rules: Which quirks hold.

    Returns:
        From 0 to 1; with alternatives rounded to three digits, as upstream does.
    """
    if isinstance(milestones[0], list):
        return max(round(_reached(process, each, rules), 3) for each in milestones)
    return _reached(process, milestones, rules)


def _reached(process: Any, milestones: Sequence[str], rules: Rules) -> float:
    """Search forward for each milestone; upstream, one that is not found hides all later ones (quirk 11)."""
    at = found = 0
    for milestone in milestones:
        place = at
        while place < len(process) and process[place].strip() != milestone.strip():
            place += 1
        if place < len(process):
            found, at = found + 1, place + 1
        elif not rules.free_search:
            at = place
    return found / len(milestones)

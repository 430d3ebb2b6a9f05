"""One reply to one verdict, for everything but agents. Nothing is kept between calls but the items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from harness.benchmarks.acebench import data
from harness.benchmarks.acebench.calls import Wanted, check_calls, expected_calls
from harness.benchmarks.acebench.decode import Undecodable, decode
from harness.benchmarks.acebench.rules import BY_NAME, IMPOSSIBLE, Rules, rules_named
from harness.benchmarks.acebench.special import check_special
from harness.benchmarks.acebench.values import Crash, Finding
from harness.benchmarks.bfcl.values import MAX_SHOWN, plain
from harness.errors import UsageProblem, unknown_name
from harness.types import Verdict


class Item(NamedTuple):
    """What a reply is held against."""

    category: str
    truth: Any
    """Ground truth as stored; alternatives as a list."""
    wanted: Sequence[Sequence[Wanted]]
    """Expected calls of each alternative; empty for special items."""


def judge(language: str, sample_id: str, raw: Any, *, rules: str = "upstream") -> Verdict:
    """Judge one reply; see `harness.benchmarks.acebench.judge`."""
    chosen = BY_NAME.get(rules) or rules_named(rules)
    item = _ITEMS.get((language, sample_id, rules)) or _load(language, sample_id, chosen)
    if chosen.skip_impossible and (language, sample_id) in IMPOSSIBLE:
        return Verdict("unscored", "strict:impossible_item", IMPOSSIBLE[language, sample_id])
    evidence: dict[str, Any] = {"expected": item.truth}
    try:
        finding = _check(raw, item, chosen, evidence)
    except Crash as crash:
        message = f"the official program ends with {crash} on this reply; counted as wrong"
        return Verdict("fail", f"crash:{crash}", message, evidence)
    if finding is None:
        return Verdict("pass", None, "", evidence)
    return Verdict("fail", finding.code, finding.message, evidence | finding.details)


def _check(raw: Any, item: Item, rules: Rules, evidence: dict[str, Any]) -> Finding | None:
    if item.category in data.SPECIAL:
        return check_special(raw, item.category, item.truth)
    try:
        calls = decode(raw, item.category in data.MULTI_TURN, rules)
    except Undecodable as error:
        return Finding("wrong_output_format", f"cannot be read as a list of calls: {error}"[:MAX_SHOWN])
    evidence["calls"] = plain(calls)
    first: Finding | None = None
    for number, wanted in enumerate(item.wanted):
        finding = check_calls(calls, wanted, rules)
        if finding is None:
            if number and item.category not in data.MULTI_TURN:
                # Counted as right and still listed among the failures, with the first alternative's error.
                evidence["listed_error_type"] = first.code if first else None
            return None
        first = first or finding
    return first


_ITEMS: dict[tuple[str, str, str], Item] = {}
"""All items of the categories that were asked for so far, by language, id and rules."""


def _load(language: str, sample_id: str, rules: Rules) -> Item:
    """Read the category of an item.

    Raises:
        UsageProblem: There is no such item, or it is judged by another function.
    """
    if not isinstance(sample_id, str):
        raise UsageProblem(f"{sample_id!r} is not an ACEBench id", "For example normal_atom_bool_0.")
    category = data.category_of(sample_id)
    if category in data.AGENT:
        raise UsageProblem(f"{sample_id} is an agent's item", "Judge its result and process with judge_agent.")
    questions, answers = data.questions(language, category), data.answers(language, category)
    if sample_id not in questions:
        raise unknown_name("ACEBench id", sample_id, questions)
    for name, question in questions.items():
        truth = answers[name]["ground_truth"]
        alternatives = [] if category in data.SPECIAL else truth if isinstance(truth, list) else [truth]
        wanted = [expected_calls(each, question["function"], rules) for each in alternatives]
        _ITEMS[language, name, rules.name] = Item(category, truth, wanted)
    return _ITEMS[language, sample_id, rules.name]

"""Results as verdicts with evidence: what `judge`, the plug-in and `score` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.benchmarks.apibank import data
from harness.benchmarks.apibank.data import Item
from harness.benchmarks.apibank.exact import judge_exact
from harness.benchmarks.apibank.judging import judge_call
from harness.benchmarks.apibank.records import Result
from harness.benchmarks.apibank.rouge import score_response
from harness.benchmarks.apibank.scenes import Stage
from harness.benchmarks.apibank.tools.search import UnknownKeywords
from harness.benchmarks.bfcl.values import plain
from harness.errors import UsageProblem, unknown_name
from harness.types import Verdict

PROTOCOLS = ("official", "exact")
HALF = 0.5
"""ROUGE-L with which a response passes; upstream only takes the mean."""
UNKNOWN_KEYWORDS = "unknown_keywords"


def judge(level: int, sample_id: str, raw: Any, protocol: str = "official", search: str | None = None) -> Verdict:
    """See `harness.benchmarks.apibank.judge`."""
    if protocol not in PROTOCOLS:
        raise unknown_name("protocol", protocol, PROTOCOLS)
    if protocol == "exact":
        if search is not None:
            raise UsageProblem("`search` belongs to the official protocol", "Leave it out.")
        return exact_verdict(_exact_answer(level, sample_id), raw)
    item = data.item(level, sample_id)
    return call_verdict(item, lambda: (Stage().judge if level == 3 else judge_call)(item, raw, search))


def judge_response(level: int, sample_id: str, raw: Any) -> Verdict:
    """See `harness.benchmarks.apibank.judge_response`."""
    if level not in data.LEVELS:
        raise UsageProblem(f"API-Bank has no level {level!r}", "Its levels are 1, 2 and 3.")
    known = data.responses()
    found = known.get(sample_id) or known.get(f"level-{level}-response/{sample_id}")
    if found is None or found.level != level:
        raise unknown_name(f"API-Bank response of level {level}", sample_id, known)
    return response_verdict(found, raw)


def call_verdict(item: Item, judged: Callable[[], Result]) -> Verdict:
    """The verdict on a call.

    Args:
        item: The call.
        judged: Judges the reply.

    Returns:
        The verdict. Evidence: `expected`, and what the call gave where it was executed.
    """
    try:
        result = judged()
    except UnknownKeywords as error:
        evidence = {"expected": item.expected, "keywords": plain(str(error))}
        return Verdict("unscored", UNKNOWN_KEYWORDS, "only the embedding model knows what this search finds", evidence)
    evidence = {"expected": item.expected, "result": plain(dict(result.record)) if result.record else None}
    if result.correct:
        return Verdict("pass", None, "", evidence)
    return Verdict("fail", result.error, _message(result), evidence)


def exact_verdict(answer: Mapping[str, Any], raw: Any) -> Verdict:
    """The verdict on a call in ToolRL's protocol. Evidence: `expected`."""
    result = judge_exact(answer, raw)
    return Verdict("pass" if result.correct else "fail", result.error, "", {"expected": dict(answer)})


def response_verdict(item: Item, raw: Any) -> Verdict:
    """The verdict on a response. Evidence: `expected`, and `credit`, its score."""
    response = score_response(item.level, item.expected, raw)
    evidence = {"expected": item.expected, "credit": response.score}
    if response.score >= HALF:
        return Verdict("pass", None, "", evidence)
    return Verdict("fail", response.error or "LOW_ROUGE_L", f"ROUGE-L {response.score:.4f}", evidence)


def _message(result: Result) -> str:
    exception = result.record and result.record["exception"]
    ended = "; the official run would end here" if str(result.error).startswith(("CRASH", "HANG")) else ""
    return f"{exception or ''}{ended}".removeprefix("; ")


def _exact_answer(level: int, sample_id: str) -> Mapping[str, Any]:
    if level not in data.LEVELS:
        raise UsageProblem(f"API-Bank has no level {level!r}", "Its levels are 1, 2 and 3.")
    known = data.exact_items(level)
    if sample_id not in known:
        raise unknown_name(f"item of ToolRL's level {level}", sample_id, known)
    answer: Mapping[str, Any] = known[sample_id]["answer"]
    return answer

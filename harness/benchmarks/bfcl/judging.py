"""One single-turn reply to one verdict: decode, then compare. Nothing is kept between calls."""

from __future__ import annotations

import math
from typing import Any

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.ast_check import JAVA, JAVASCRIPT, PYTHON, Case, Shape, check_calls
from harness.benchmarks.bfcl.decode import MODULES, Undecodable, decode, native, well_formed
from harness.benchmarks.bfcl.relevance import check_abstention, check_relevance
from harness.benchmarks.bfcl.rules import IMPOSSIBLE, Rules, rules_named
from harness.benchmarks.bfcl.values import Finding
from harness.errors import UsageProblem, unknown_name
from harness.types import Reply, Verdict

MODES = ("prompt", "fc")
LANGUAGES = {"simple_java": JAVA, "simple_javascript": JAVASCRIPT}
DIALECTS = {"simple_java": "java", "simple_javascript": "javascript"}

BROKEN_CALL = [{"": ""}]
"""A native call that cannot be read: its arguments are no JSON."""

MAX_SHOWN = 2000
"""Characters of one text, and elements of one list, that evidence keeps."""


def judge_single_turn(
    sample_id: str, raw: Any, *, mode: str = "prompt", underscore_names: bool = False, rules: str = "upstream"
) -> Verdict:
    """Judge one answer to a single-turn item, format sensitivity included.

    Args:
        sample_id: Official id.
        raw: Text, or in `fc` mode a list of `{name: arguments}` with arguments as JSON text or as an object.
        mode: `prompt` or `fc`.
        underscore_names: Tools were sent with dots in their names replaced by underscores.
        rules: `upstream` or `strict`.

    Returns:
        The verdict. Evidence: `calls`, `expected`, and on failure what `Finding.details` holds.

    Raises:
        UsageProblem: Unknown id, mode or rules.
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    chosen = rules_named(rules)
    category, source_id, dialect, tagged = _read_id(sample_id)
    question = data.question(source_id)
    if chosen.skip_impossible and source_id in IMPOSSIBLE:
        return Verdict("unscored", "strict:impossible_item", IMPOSSIBLE[source_id])
    calls, error = _decode(raw, mode, dialect, tagged, chosen)
    if category in data.UNANSWERED:
        called = error is None and well_formed(calls) and bool(calls)
        finding = check_relevance(called, category == "live_relevance")
        finding = finding or (None if called else check_abstention(raw, error, chosen))
        return _verdict(finding, calls, ())
    case = Case(
        _shape(category),
        question["function"],
        data.answer(source_id),
        LANGUAGES.get(category, PYTHON),
        chosen,
        underscore_names,
    )
    if error is not None:
        finding = Finding("ast_decoder:decoder_failed", f"cannot be read as {dialect}: {error}"[:MAX_SHOWN])
    elif not well_formed(calls):
        finding = Finding("ast_decoder:decoder_wrong_output_format", "not a list of calls with named arguments")
    else:
        return _verdict(check_calls(calls, case), calls, case.expected)
    return _verdict(finding, calls, case.expected)


def raw_answer(reply: Reply) -> tuple[Any, str]:
    """What a handler read, as `judge_single_turn` takes it: the raw answer and its mode."""
    if reply.calls is None:
        return reply.text, "prompt"
    if reply.problem == "bad_tool_call":
        return BROKEN_CALL, "fc"
    return [{call.name: dict(call.arguments)} for call in reply.calls] or reply.text, "fc"


def _read_id(sample_id: str) -> tuple[str, str, str, bool]:
    """Category that decides the check, id of question and answer, dialect, and whether a call tag is expected."""
    parts = sample_id.split(":")
    category = data.category_of(parts[-1])
    if len(parts) == 1:
        return category, sample_id, DIALECTS.get(category, "python"), False
    settings = dict(setting.partition("=")[::2] for setting in parts[1].split("&"))
    dialect = settings.get("ret_fmt", "")
    if len(parts) != 3 or dialect not in MODULES:
        raise UsageProblem(
            f"{sample_id!r} is no id of format sensitivity",
            "Expected: format_sensitivity_<n>:ret_fmt=python&tool_call_tag=False&...:<source id>",
        )
    return category, parts[2], dialect, settings.get("tool_call_tag") == "True"


def _shape(category: str) -> Shape:
    if "parallel" in category:
        return "parallel"
    return "multiple" if "multiple" in category else "simple"


def _decode(raw: Any, mode: str, dialect: str, tagged: bool, rules: Rules) -> tuple[Any, Undecodable | None]:
    try:
        return native(raw) if mode == "fc" else decode(raw, dialect, tagged=tagged, rules=rules), None
    except Undecodable as error:
        return None, error


def _verdict(finding: Finding | None, calls: Any, expected: Any) -> Verdict:
    evidence = {"calls": plain(calls), "expected": expected}
    if finding is None:
        return Verdict("pass", evidence=evidence)
    evidence.update((key, plain(value)) for key, value in finding.details.items())
    return Verdict("fail", finding.code, finding.message, evidence)


def plain(value: Any) -> Any:
    """A decoded value as JSON can hold it and a person can read it: long texts and lists cut, odd classes as text."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}… ({len(value)} characters)"
    if kind is bool or kind is int or value is None:
        return value
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if kind is dict:
        return {str(plain(key)): plain(inner) for key, inner in list(value.items())[:MAX_SHOWN]}
    if kind in (list, tuple):
        return [plain(inner) for inner in value[:MAX_SHOWN]]
    return repr(value)[:MAX_SHOWN]

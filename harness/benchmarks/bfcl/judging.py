"""One single-turn reply to one verdict: decode, then compare. Nothing is kept between calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.ast_check import Case, Shape, Terms, check_calls
from harness.benchmarks.bfcl.decode import MODULES, Undecodable, decode, native, well_formed
from harness.benchmarks.bfcl.languages import JAVA, JAVASCRIPT, PYTHON, Language
from harness.benchmarks.bfcl.relevance import check_abstention, check_relevance
from harness.benchmarks.bfcl.rules import BY_NAME, IMPOSSIBLE, Rules, rules_named
from harness.benchmarks.bfcl.values import MAX_SHOWN, Finding, plain
from harness.errors import UsageProblem, unknown_name
from harness.types import Reply, Verdict

MODES = ("prompt", "fc")
LANGUAGES = {"simple_java": (JAVA, "java"), "simple_javascript": (JAVASCRIPT, "javascript")}
"""Category -> language of its values and dialect of its replies, where these are not Python."""

Read = Callable[[Any], tuple[Any, str]]
"""From a stored step to what is judged and its mode."""

BROKEN_CALL = [{"": ""}]
"""A native call that cannot be read: its arguments are not JSON."""


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
        The verdict. Evidence: `calls`, `expected`, and on failure `Finding.details`.

    Raises:
        UsageProblem: Unknown id, mode or rules.
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    chosen = BY_NAME.get(rules) or rules_named(rules)
    source_id, dialect, tagged = _read_id(sample_id) if ":" in sample_id else (sample_id, None, False)
    kind, case = _ITEMS.get(source_id) or _load(source_id)
    if chosen.skip_impossible and source_id in IMPOSSIBLE:
        return Verdict("unscored", "strict:impossible_item", IMPOSSIBLE[source_id])
    return judge_case(raw, case, kind, mode, (chosen, underscore_names), (dialect or kind.dialect, tagged))


def judge_case(
    raw: Any,
    case: Case,
    kind: Kind,
    mode: str,
    terms: tuple[Rules, bool],
    form: tuple[str, bool],
) -> Verdict:
    """Judge one answer by what is expected of it, whatever data set that is of.

    Args:
        raw: Text, or in `fc` mode a list of `{name: arguments}`.
        case: Functions and expected calls.
        kind: What items like this one share.
        mode: `prompt` or `fc`.
        terms: Rules, and whether tools were sent with dots in their names replaced by underscores.
        form: Language or format of calls in text, and whether they are expected in `<TOOLCALL>` tags.

    Returns:
        The verdict. Evidence: `calls`, `expected`, and on failure `Finding.details`.
    """
    (chosen, underscore_names), (dialect, tagged) = terms, form
    calls: Any = None
    error = None
    try:
        calls = native(raw) if mode == "fc" else decode(raw, dialect, tagged=tagged, rules=chosen)
    except Undecodable as problem:
        error = problem
    if kind.wants_call is not None:
        finding = _check_relevance(raw, calls, error, kind.wants_call, chosen)
    elif error is not None:
        finding = Finding("ast_decoder:decoder_failed", f"cannot be read as {dialect}: {error}"[:MAX_SHOWN])
    elif not well_formed(calls):
        finding = Finding("ast_decoder:decoder_wrong_output_format", "not a list of calls with named arguments")
    else:
        finding = check_calls(calls, case, kind.terms[chosen.name, bool(underscore_names)])
    # Native calls that equal the expected ones are as short and plain as these.
    as_it_is = mode == "fc" and ((finding is None and case.expected) or _small_json(raw))
    evidence = {"calls": calls if as_it_is else plain(calls), "expected": case.expected}
    if finding is None:
        return Verdict("pass", None, "", evidence)
    evidence |= finding.details
    return Verdict("fail", finding.code, finding.message, evidence)


class Kind(NamedTuple):
    """What all items of a category share."""

    terms: Mapping[tuple[str, bool], Terms]
    """By name of the rules and by whether names have underscores."""
    dialect: str
    wants_call: bool | None
    """What a relevance category asks for; None where calls are compared with expected ones."""


_ITEMS: dict[str, tuple[Kind, Case]] = {}
"""All items of the categories that were asked for so far, by id."""


def kind_of(language: Language, dialect: str, wants_call: bool | None = None) -> Kind:
    """What items share that are of one language and want the same."""
    terms = {(rules.name, flag): Terms(language, rules, flag) for rules in BY_NAME.values() for flag in (False, True)}
    return Kind(terms, dialect, wants_call)


def docs_of(offered: Sequence[Any], expected: Sequence[Any], shape: Shape) -> Sequence[Any]:
    """The document of each expected call's function.

    Args:
        offered: All documents of the item.
        expected: One map of function name to acceptable values for each expected call.
        shape: The item's shape: where it is simple, the first document is meant, whatever its name.

    Returns:
        Documents.
    """
    if shape == "simple":
        return offered[:1]
    by_name = {doc["name"]: doc for doc in reversed(offered)}
    return [by_name[next(iter(call))] for call in expected]


def _load(sample_id: str) -> tuple[Kind, Case]:
    """Read the category of an item.

    Raises:
        UsageProblem: There is no such id.
    """
    category = data.category_of(sample_id)
    shape: Shape = "parallel" if "parallel" in category else "multiple" if "multiple" in category else "simple"
    wants_call = category == "live_relevance" if category in data.UNANSWERED else None
    language, dialect = LANGUAGES.get(category, (PYTHON, "python"))
    kind = kind_of(language, dialect, wants_call)
    for question, expected in zip(data.questions(category), data.answers(category), strict=True):
        _ITEMS[question["id"]] = kind, Case(shape, docs_of(question["function"], expected, shape), expected)
    if sample_id not in _ITEMS:
        raise unknown_name("BFCL id", sample_id, [name for name in _ITEMS if data.category_of(name) == category])
    return _ITEMS[sample_id]


def _check_relevance(raw: Any, calls: Any, error: Undecodable | None, wants_call: bool, rules: Rules) -> Finding | None:
    called = error is None and bool(calls) and well_formed(calls)
    if called != wants_call:
        return check_relevance(called, wants_call)
    return check_abstention(raw, error) if rules.abstain_cleanly and error is not None else None


def raw_answer(reply: Reply) -> tuple[Any, str]:
    """What a handler read, as `judge` takes it: the raw answer and its mode. Calls are to be run."""
    return _raw(reply, BROKEN)


def scored_answer(reply: Reply) -> tuple[Any, str]:
    """The same for calls that are compared and not run."""
    return _raw(reply, BROKEN_SCORED)


BROKEN = ("bad_tool_call", "never_run")
"""Problems of replies whose calls do not count where they are run; the second is a quirk of an official handler."""
BROKEN_SCORED = ("bad_tool_call", "text_arguments")
"""The same where they are compared: some official handlers run calls whose arguments are text, none scores them."""


def _raw(reply: Reply, broken: Sequence[str]) -> tuple[Any, str]:
    if reply.calls is None:
        return reply.text, "prompt"
    if reply.problem in broken:
        return BROKEN_CALL, "fc"
    return [{call.name: dict(call.arguments)} for call in reply.calls] or reply.text, "fc"


def _read_id(sample_id: str) -> tuple[str, str, bool]:
    """Source id, dialect, and whether a call tag is expected, of an id of format sensitivity."""
    parts = sample_id.split(":")
    settings = dict(setting.partition("=")[::2] for setting in parts[1].split("&"))
    dialect = settings.get("ret_fmt", "")
    if len(parts) != 3 or dialect not in MODULES:
        raise UsageProblem(
            f"{sample_id!r} is not an id of format sensitivity",
            "Expected: format_sensitivity_<n>:ret_fmt=python&tool_call_tag=False&...:<source id>",
        )
    return parts[2], dialect, settings.get("tool_call_tag") == "True"


def _small_json(raw: Any) -> bool:
    """Whether native calls are JSON texts so short that what they hold can be shown as it is."""
    if type(raw) is not list:
        return False
    for call in raw:
        for text in call.values() if type(call) is dict else (None,):
            if type(text) is not str or len(text) > MAX_SHOWN or "NaN" in text or "Infinity" in text:
                return False
    return True

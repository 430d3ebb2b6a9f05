"""Expected calls against decoded calls: names, presence, types, values, in the order that decides the error type.

Upstream rule: `bfcl_eval/eval_checker/ast_eval/ast_checker.py` (2026.3.23). What is odd here is odd there; each oddity
is a quirk with a number and a test, see the README beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from harness.benchmarks.bfcl.languages import Language
from harness.benchmarks.bfcl.rules import Rules
from harness.benchmarks.bfcl.values import MAX_SHOWN, Finding, check_type, check_value, plain

Shape = Literal["simple", "multiple", "parallel"]
Call = Mapping[Any, Mapping[Any, Any]]
Doc = Mapping[str, Any]
Expected = Mapping[str, Mapping[str, Sequence[Any]]]


class Case(NamedTuple):
    """One item: what its reply is held against."""

    shape: Shape
    docs: Sequence[Doc]
    """Document of each expected call's function."""
    expected: Sequence[Expected]
    """One map of function name to acceptable values by parameter for each expected call."""


class Terms(NamedTuple):
    """How calls are compared."""

    language: Language
    rules: Rules
    underscore_names: bool = False
    """Tools were sent with dots in their names replaced by underscores."""


WRONG_COUNT = {
    "simple": "simple_function_checker:wrong_count",
    "multiple": "multiple_function_checker:wrong_count",
    "parallel": "parallel_function_checker_no_order:wrong_count",
}


def check_calls(calls: Sequence[Call], case: Case, terms: Terms) -> Finding | None:
    """Compare well-formed calls with the expected ones.

    Args:
        calls: Decoded calls.
        case: Functions and expected calls.
        terms: Language and rules.

    Returns:
        The first thing that is wrong, or None.
    """
    wanted = 1 if case.shape == "simple" else len(case.expected)
    if len(calls) != wanted:
        return Finding(WRONG_COUNT[case.shape], f"{len(calls)} calls where {wanted} are expected")
    if case.shape == "parallel":
        return _check_parallel(calls, case, terms)
    return check_call(case.docs[0], calls[0], case.expected[0], terms)


def _check_parallel(calls: Sequence[Call], case: Case, terms: Terms) -> Finding | None:
    """Give each expected call one of the calls, in any order."""
    tries: list[dict[int, Finding | None]] = []
    taken: dict[int, int] = {}
    for index, (doc, expected) in enumerate(zip(case.docs, case.expected, strict=True)):
        attempt = partial(check_call, doc, expected=expected, terms=terms)
        tries.append({})
        if terms.rules.best_matching:
            tries[index] = {at: attempt(call) for at, call in enumerate(calls)}
            found = _augment(index, tries, taken, set())
        else:
            found = _take_first(index, attempt, calls, tries[index], taken)
        if not found:
            return _unmatched(index, expected, tries[index])
    return None


def _take_first(
    index: int,
    attempt: Callable[[Call], Finding | None],
    calls: Sequence[Call],
    tried: dict[int, Finding | None],
    taken: dict[int, int],
) -> bool:
    for at, call in enumerate(calls):
        if at not in taken:
            tried[at] = attempt(call)
            if tried[at] is None:
                taken[at] = index
                return True
    return False


def _augment(index: int, tries: list[dict[int, Finding | None]], taken: dict[int, int], seen: set[int]) -> bool:
    """One step of bipartite matching: give the expected call a call, moving others where that frees one."""
    for at in [at for at, finding in tries[index].items() if finding is None]:
        if at not in seen:
            seen.add(at)
            if at not in taken or _augment(taken[at], tries, taken, seen):
                taken[at] = index
                return True
    return False


def _unmatched(index: int, expected: Mapping[str, Any], tried: Mapping[int, Finding | None]) -> Finding:
    refused = {str(at): f"{finding.code}: {finding.message}" for at, finding in tried.items() if finding}
    name = next(iter(expected))
    return Finding(
        "parallel_function_checker_no_order:cannot_find_match",
        f"no call matches expected call {index}, {name}",
        {"function": name, "expected_index": index, "tried": refused},
    )


def check_call(doc: Doc, call: Call, expected: Expected, terms: Terms) -> Finding | None:
    """Compare one call with one expected call.

    Args:
        doc: Document of the expected function.
        call: One-key map of name to arguments.
        expected: One-key map of name to acceptable values.
        terms: Language and rules.

    Returns:
        The first thing that is wrong, or None.
    """
    name = doc["name"]
    if terms.underscore_names:
        name = name.replace(".", "_")
    if name not in call:
        given = next(iter(call))
        return Finding(
            "simple_function_checker:wrong_func_name", f"{given!r} is called, not {name!r}", {"function": name}
        )
    (answers,) = expected.values()
    finding = _check_arguments(doc["parameters"], call[name], answers, terms)
    if finding is not None:
        finding.details["function"] = name
    return finding


def _check_arguments(
    schema: Mapping[str, Any], arguments: Mapping[Any, Any], answers: Mapping[str, Sequence[Any]], terms: Terms
) -> Finding | None:
    properties, required = schema["properties"], schema["required"]
    if terms.rules.bind_positional:
        arguments = _bind(arguments, list(properties))
    for name in required:
        if name not in arguments:
            return _about(name, "simple_function_checker:missing_required", "is required and missing")
    classes, scalars = terms.language.classes, terms.language.scalars
    for name, value in arguments.items():
        if name not in properties or name not in answers:
            return _about(name, "simple_function_checker:unexpected_param", "is not expected", given=plain(value))
        # A scalar of the right class that is literally among the answers passes every further check.
        kind = type(value)
        wanted = classes[properties[name]["type"]]
        fits = kind in scalars and (kind is wanted or (kind is int and wanted is float))
        if fits and value in answers[name] and (value != "" or not terms.rules.marker_is_no_value):
            continue
        finding = _check_argument(value, properties[name], answers[name], terms, name in required)
        if finding is not None:
            finding.message = f"argument {name!r}: {finding.message}"
            finding.details.update(argument=plain(name), given=plain(value), acceptable=answers[name])
            return finding
    if len(arguments) == len(answers):  # all that are given are expected, so none is missing
        return None
    for name, accepted in answers.items():
        if name not in arguments and "" not in accepted:
            return _about(name, "simple_function_checker:missing_optional", "is missing", acceptable=accepted)
    return None


def _about(name: Any, code: str, what: str, **details: Any) -> Finding:
    return Finding(code, f"argument {name!r} {what}"[:MAX_SHOWN], {"argument": plain(name), **details})


def _bind(arguments: Mapping[Any, Any], names: Sequence[str]) -> dict[Any, Any]:
    """Give positional arguments, kept under their index, the names of the schema; one too many keeps its index."""
    bound: dict[Any, Any] = {}
    for key, value in arguments.items():
        name = names[key] if isinstance(key, int) and key < len(names) else key
        bound[key if name in bound or (name != key and name in arguments) else name] = value
    return bound


def _check_argument(
    value: Any, schema: Mapping[str, Any], answers: Sequence[Any], terms: Terms, required: bool
) -> Finding | None:
    kind, language = schema["type"], terms.language
    if language.text_only and type(value) is not str:
        return Finding(language.text_only, f"{type(value).__name__} where source text is expected")
    element = schema["items"]["type"] if kind in language.collections else None
    value = language.convert(value, kind, element)
    if terms.rules.marker_is_no_value:
        if value == "" and required and "" in answers:
            return None
        answers = [answer for answer in answers if answer != ""]
        if not answers:
            return Finding("simple_function_checker:unexpected_param", "has to be left out")
    wanted, inner = language.classes[kind], language.classes[element] if element else None
    finding, variable = check_type(value, answers, wanted, inner)
    return finding or check_value(value, answers, None if variable else wanted, inner, terms.rules)

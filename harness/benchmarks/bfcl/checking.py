"""What a benchmark of another package needs of BFCL: to ask as it asks, to read calls, and to compare them.

    question = ask([{"role": "user", "content": "A table for four, please."}], functions)
    reply = yield question
    verdict = check_calls(reply, functions, [{"book": {"people": [4], "smoking": ["", False]}}])

Everything here is public and keeps its meaning from release to release; `examples/plugin/` is a whole package that uses
it. Functions are documents in BFCL's form: `name`, `description` and `parameters`, these with `type` (`dict`),
`properties` (each with `type` and `description`, lists with `items`) and `required`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.benchmarks.bfcl import prompts
from harness.benchmarks.bfcl.ast_check import Case, Shape
from harness.benchmarks.bfcl.decode import Calls, Undecodable, decode, well_formed
from harness.benchmarks.bfcl.judging import docs_of, judge_case, kind_of, scored_answer
from harness.benchmarks.bfcl.languages import JAVA, JAVASCRIPT, PYTHON
from harness.benchmarks.bfcl.rules import rules_named
from harness.errors import unknown_name
from harness.types import Message, Query, Reply, Tool, Verdict

__all__ = ["LANGUAGES", "Undecodable", "ask", "check_calls", "decode_calls", "offered", "was_called"]

LANGUAGES = {"python": PYTHON, "java": JAVA, "javascript": JAVASCRIPT}
"""In which calls can be written and values are meant."""


def offered(functions: Sequence[Mapping[str, Any]], language: str = "python") -> tuple[Tool, ...]:
    """Function documents as BFCL shows them to a model: with the sentence on the language, types in its words.

    Args:
        functions: Documents as stored; not changed.
        language: A key of `LANGUAGES`.

    Returns:
        New documents, for `Sample.tools` and `Query.tools`.

    Raises:
        UsageProblem: There is no such language.
        DataError: BFCL's data, which has the sentences, is not there.
    """
    _known(language)
    return prompts.rewrite(functions, language)


def ask(messages: Sequence[Message], functions: Sequence[Mapping[str, Any]], language: str = "python") -> Query:
    """A query for calls, as BFCL's: functions for handlers with native calls, an instruction for the others.

    Args:
        messages: The conversation.
        functions: Documents as stored.
        language: A key of `LANGUAGES`.

    Returns:
        What a play yields.

    Raises:
        UsageProblem: There is no such language.
        DataError: BFCL's data, which has the texts, is not there.
    """
    tools = offered(functions, language)
    return Query(tuple(messages), tools, prompts.instruction(tools))


def decode_calls(text: str, language: str = "python", rules: str = "upstream") -> Calls:
    """Read calls in text, such as `[book(people=4)]`; nothing of it is run.

    Args:
        text: A reply without its thinking.
        language: A key of `LANGUAGES`.
        rules: `upstream` reads as the official evaluator, `strict` without its quirks.

    Returns:
        One map of the name to its arguments for each call: `[{"book": {"people": 4}}]`. In Java and JavaScript
        arguments are source text; `check_calls` gives them their types.

    Raises:
        Undecodable: It is not a list of calls with named arguments.
        UsageProblem: There is no such language, or no such rules.
    """
    _known(language)
    calls = decode(text, language, rules=rules_named(rules))
    if not well_formed(calls):
        raise Undecodable("not a list of calls with named arguments")
    found: Calls = calls
    return found


def check_calls(
    reply: Reply,
    functions: Sequence[Mapping[str, Any]],
    expected: Sequence[Mapping[str, Mapping[str, Sequence[Any]]]],
    *,
    language: str = "python",
    rules: str = "upstream",
    wants_call: bool = False,
) -> Verdict:
    """Judge a reply by the expected calls, as BFCL judges an item of the same shape.

    Args:
        reply: What a handler read: native calls, or text with calls in it.
        functions: Documents as stored.
        expected: For each expected call the accepted values of each parameter: `[{"book": {"people": [4]}}]`. `""`
            among them says that it may be left out. Several calls match in any order; an empty list expects none.
        language: A key of `LANGUAGES`.
        rules: `upstream`, or `strict` for the same with the quirks mended.
        wants_call: Where no call is expected: that any call is right, instead of none.

    Returns:
        Pass, or fail with BFCL's error type. Evidence: `calls`, `expected`, and on failure what differs.

    Raises:
        UsageProblem: There is no such language, or no such rules.
        KeyError: An expected call is of a function without a document, or a type is none of BFCL's.
    """
    shape: Shape = "parallel" if len(expected) > 1 else "multiple" if len(functions) > 1 else "simple"
    wanted = None if expected else wants_call
    kind = kind_of(_known(language), language, wanted)
    raw, mode = scored_answer(reply)
    case = Case(shape, docs_of(functions, expected, shape), expected)
    return judge_case(raw, case, kind, mode, (rules_named(rules), False), (language if expected else "python", False))


def was_called(verdict: Verdict) -> bool | None:
    """Whether a judged reply holds a call that can be read, for `Benchmark.called`; None where none is expected.

    Args:
        verdict: Of `check_calls`.

    Returns:
        The answer.
    """
    if not verdict.evidence.get("expected"):
        return None
    calls = verdict.evidence.get("calls")
    return bool(calls) and well_formed(calls)


def _known(language: str) -> Any:
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    return LANGUAGES[language]

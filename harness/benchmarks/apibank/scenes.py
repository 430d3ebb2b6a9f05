"""Level 3: the 21 APIs of its scenes, and the judge of a whole run.

Upstream (`lv3_evaluator.py`) has one tool manager and one list of recorded results for a whole file: what an earlier
prediction did to them stays. Two things can be seen of it: a flight or a hotel is found once only, and a recorded
result that is judged twice lacks `content` or `meeting_topic`. `Stage` holds exactly that.

The APIs know what the scenes record, which is all that a checker can accept: nearly every one compares whole inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from harness.benchmarks.apibank.calls import Call, find_call
from harness.benchmarks.apibank.data import SEARCHER, Item, descriptions, items
from harness.benchmarks.apibank.records import CallError, Record, Refused, Result
from harness.benchmarks.apibank.rules import as_it_is, inputs, meeting, same_end, tight, whole_input
from harness.benchmarks.apibank.tools import RESERVED, Rule, Tool, execute
from harness.benchmarks.apibank.tools.calculator import HANG, calculator
from harness.benchmarks.apibank.tools.search import searcher, spaced

LEVEL = 3
TAX = 0.3
CALLS = {"AssertionError": "ASSERTION_ERROR", "TypeError": "TYPE_ERROR"}
"""Errors of a call that upstream counts -> their kind; others end its run."""
NOTHING_FOUND = "-"


class Stage:
    """One run of level 3, judged in the order of its predictions."""

    def __init__(self) -> None:
        self._found: set[tuple[str, object]] = set()
        self._spent: set[str] = set()

    def judge(self, item: Item, raw: Any, search: str | None = None) -> Result:
        """Judge the next prediction.

        Args:
            item: The call it answers.
            raw: The reply.
            search: The API that ToolSearcher is taken to find; None asks the recorded searches.

        Returns:
            The verdict. Upstream has no names for its errors; these are the parity cases'.

        Raises:
            UnknownKeywords: What ToolSearcher would find is not known, and it matters.
        """
        if not isinstance(raw, str):
            return Result(False, "CRASH:TypeError")
        call = find_call(raw)
        if call is None:
            return Result(False, "NO_API_CALL")
        if call.name == SEARCHER:
            if "keywords" not in call.parameters:
                return Result(False, "CRASH:KeyError")
            call.parameters["keywords"] = spaced(call.parameters["keywords"])
        try:
            called = self._tool(call, item, search)
            if called is None:
                return Result(False, "INVALID_TOOL_NAME")
            record = execute(called, call.parameters)
        except CallError as error:
            return Result(False, HANG if error.error == HANG else CALLS.get(error.error, f"CRASH:{error.error}"))
        return self._compared(item, record)

    def _tool(self, call: Call, item: Item, search: str | None) -> Tool | None:
        if any(name in call.parameters for name in RESERVED):
            raise CallError("TypeError", "a reserved name")
        if call.name == SEARCHER:
            return searcher(LEVEL, search or (None if item.api == SEARCHER else NOTHING_FOUND))
        known = tools().get(call.name)
        return known and known._replace(run=self._once(known)) if call.name in ONCE else known

    def _once(self, known: Tool) -> Callable[..., Any]:
        """The API with what it has found before taken away."""

        def run(**arguments: Any) -> Any:
            output = known.run(**arguments)
            if any(output.values()):
                asked = known.name, _key(arguments, None)
                if asked in self._found:
                    raise Refused("found before")
                self._found.add(asked)
            return output

        return run

    def _compared(self, item: Item, record: Record) -> Result:
        removed = REMOVED.get(item.api)
        truth = item.truth
        if removed is not None and removed in record["input"]:
            if item.id in self._spent:
                return Result(False, "INCORRECT:KeyError", record)
            self._spent.add(item.id)
        try:
            correct = RULES.get(item.api, named)(record, truth)
        except KeyError:
            return Result(False, "INCORRECT:KeyError", record)
        except CallError as error:
            return Result(False, f"CRASH:{error.error}", record)
        return Result(correct, None if correct else "INCORRECT", record)


# How results are compared.


def named(found: Record, truth: Record) -> bool:
    """The API's name, input, output and exception."""
    return bool(found["api_name"] == truth["api_name"]) and whole_input(found, truth)


def reminder(found: Record, truth: Record) -> bool:
    """All inputs but the content, output and exception."""
    ours, theirs = dict(found["input"]), dict(truth["input"])
    del ours["content"], theirs["content"]
    return ours == theirs and same_end(found, truth)


def part(name: str) -> Callable[[Record, Record], bool]:
    """One part of the output, and the exception; a result without output ends upstream's run."""

    def rule(found: Record, truth: Record) -> bool:
        if found["output"] is None:
            raise CallError("TypeError", "no output")
        return bool(found["output"][name] == truth["output"][name] and found["exception"] == truth["exception"])

    return rule


def input_only(found: Record, truth: Record) -> bool:
    """Input."""
    return bool(found["input"] == truth["input"])


def input_and_output(found: Record, truth: Record) -> bool:
    """Input and output."""
    return bool(found["input"] == truth["input"] and found["output"] == truth["output"])


REMOVED = {"EmailReminder": "content", "AddMeeting": "meeting_topic"}
"""API -> the input that its checker deletes from both results."""

RULES: Mapping[str, Rule] = {
    SEARCHER: same_end,
    "GetWeatherForCoordinates": whole_input,
    "EmailReminder": reminder,
    "AddMeeting": meeting,
    "Calculator": inputs(formula=tight),
    "HotelAvailability": inputs(part("hotels"), destination=as_it_is, check_in_date=as_it_is, check_out_date=as_it_is),
    "TaxCalculator": inputs(part("salary_after_tax"), salary=as_it_is),
    "NearbyRestaurants": input_only,
    "PersonalInfoUpdate": input_and_output,
}
"""API -> its rule, where it is not `named`."""


# What the APIs answer.

ONCE = ("FlightSearch", "HotelAvailability")
"""APIs that turn what they find into text, so that it is found once."""
UNKNOWN: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "HotelAvailability": lambda arguments: {"hotels": []},
    "TaxCalculator": lambda arguments: {"salary_after_tax": arguments["salary"] * (1 - TAX)},
}
"""API -> its answer to what no scene records, where it has one."""


@cache
def tools() -> Mapping[str, Tool]:
    """The APIs by name, without ToolSearcher; their schemas are those that searches return."""
    made = {}
    for name, document in descriptions(LEVEL).items():
        kinds = {key: parameter["type"] for key, parameter in document["input_parameters"].items()}
        run = calculator if name == "Calculator" else _recorded(name)
        made[name] = Tool(name, run, RULES.get(name, named), kinds, tuple(kinds), False)
    return made


def _recorded(name: str) -> Callable[..., Any]:
    ignored = "content" if name == "EmailReminder" else None
    answers = {
        _key(item.truth["input"], ignored): item.truth["output"] for item in items(LEVEL).values() if item.api == name
    }

    def run(**arguments: Any) -> Any:
        key = _key(arguments, ignored)
        if key in answers:
            return answers[key]
        if name == "GetWeatherForCoordinates":
            raise CallError("TypeError", "unknown place")
        if name not in UNKNOWN:
            raise Refused("no scene records this")
        return UNKNOWN[name](arguments)

    return run


def _key(arguments: Mapping[str, Any], ignored: str | None) -> frozenset[tuple[str, object]]:
    """Arguments in a form that can be looked up; numbers of two types are one, and no reply is a recorded list."""
    kept = ((name, value) for name, value in arguments.items() if name != ignored)
    return frozenset((name, tuple(value) if isinstance(value, list) else value) for name, value in kept)

"""How results are compared: the official checkers of levels 1 and 2, one function a kind of rule.

A rule gets the result of the model's call and the recorded one. Where upstream would raise a `KeyError` so does the
rule; other errors of upstream's checkers, which end its run, are `CallError`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from harness.benchmarks.apibank.records import CallError, Record
from harness.benchmarks.apibank.tools import Rule

DAY = "%Y-%m-%d"
MOMENT = "%Y-%m-%d %H:%M:%S"
TOPIC = "meeting_topic"
TOPICAL = ("AddMeeting", "ModifyMeeting", "QueryMeeting")
"""APIs whose checker deletes `meeting_topic` from both results."""
ENOUGH = 0.5
"""Share of common words that is too small."""

Normal = Callable[[Any], Any]
"""Brings an input to the form in which it is compared."""


def whole_input(found: Record, truth: Record) -> bool:
    """Input, output and exception."""
    return bool(found["input"] == truth["input"] and same_end(found, truth))


def same_end(found: Record, truth: Record) -> bool:
    """Output and exception."""
    return bool(found["output"] == truth["output"] and found["exception"] == truth["exception"])


def random_output(found: Record, truth: Record) -> bool:
    """Input and exception: the output is drawn by lot, so only whether there is one counts."""
    return bool(found["input"] == truth["input"]) and plausible_end(found, truth)


def plausible_end(found: Record, truth: Record) -> bool:
    """Exception, and no output where none is recorded."""
    if truth["output"] is None and found["output"] is not None:
        return False
    return bool(found["exception"] == truth["exception"])


def common_words(found: str, truth: str) -> bool:
    """Whether two texts have enough words in common; words are what blanks part, and count once."""
    ours, theirs = set(found.split(" ")), set(truth.split(" "))
    return len(ours & theirs) / len(ours | theirs) > ENOUGH


def worded(*others: str, lower: bool = False) -> Rule:
    """`content` by its words, and other inputs as they are.

    Args:
        others: Names of inputs that must be equal.
        lower: Case does not count.

    Returns:
        The rule.
    """

    def rule(found: Record, truth: Record) -> bool:
        ours, theirs = found["input"]["content"], truth["input"]["content"]
        alike = common_words(ours.lower(), theirs.lower()) if lower else common_words(ours, theirs)
        equal = all(found["input"][name] == truth["input"][name] for name in others)
        return alike and equal and same_end(found, truth)

    return rule


def meeting(found: Record, truth: Record) -> bool:
    """`meeting_topic` by its words, all other inputs as they are."""
    alike = common_words(found["input"][TOPIC], truth["input"][TOPIC])
    return alike and without_topic(found) == without_topic(truth) and same_end(found, truth)


def without_topic(record: Record, api: str = TOPICAL[0]) -> Any:
    """A result's input as it is left by the checker of an API."""
    given = record["input"]
    return {name: value for name, value in given.items() if name != TOPIC} if api in TOPICAL else given


def deletion(found: Record, truth: Record) -> bool:
    """Output and exception, and the time where both succeeded."""
    if truth["output"] == "success" == found["output"]:
        return bool(found["input"]["time"] == truth["input"]["time"])
    return same_end(found, truth)


def inputs(end: Callable[[Record, Record], bool] = same_end, /, **normals: Normal) -> Rule:
    """Some inputs, each in its normal form.

    Args:
        end: How outputs and exceptions are compared.
        **normals: Normal form by name of the input.

    Returns:
        The rule.
    """

    def rule(found: Record, truth: Record) -> bool:
        pairs = [(found["input"][name], truth["input"][name], normal) for name, normal in normals.items()]
        return all(normal(ours) == normal(theirs) for ours, theirs, normal in pairs) and end(found, truth)

    return rule


def output_only(found: Record, truth: Record) -> bool:
    """Output."""
    return bool(found["output"] == truth["output"])


def without_input(found: Record, truth: Record) -> bool:
    """Any result of a call without parameters."""
    return found["output"] is not None and found["exception"] is None and found["input"] is None


def unordered(found: Record, truth: Record) -> bool:
    """Output, a list of documents in any order, and exception."""
    if found["exception"] != truth["exception"]:
        return False

    def ordered(documents: list[dict[str, str]]) -> list[dict[str, str]]:
        return sorted(documents, key=lambda each: each["title"] + each["abstract"])

    return ordered(found["output"]) == ordered(truth["output"])


# Normal forms.


def as_it_is(value: Any) -> Any:
    """The value."""
    return value


def stripped(text: str) -> str:
    """Without blanks at its ends."""
    return text.strip()


def folded(text: str) -> str:
    """Without blanks at its ends, in lower case."""
    return text.strip().lower()


def shouted(text: str) -> str:
    """Without blanks at its ends, in upper case."""
    return text.strip().upper()


def tight(text: str) -> str:
    """Without blanks anywhere."""
    return text.replace(" ", "")


def symptom(text: str) -> str:
    """A symptom's name; an empty one ends upstream's run."""
    if not (name := folded(text)):
        raise CallError("Exception", "an empty symptom")
    return name


def date(text: str) -> object:
    """A day as `2023-03-05`; what is none equals nothing."""
    return _reprinted(text, DAY) or object()


def moment(text: str) -> object:
    """A time as `2023-03-05 06:07:08`; what is none equals nothing."""
    return _reprinted(text, MOMENT) or object()


def optional_date(text: str | None) -> object:
    """A day, or None."""
    return None if text is None else date(text)


def optional_text(text: str | None) -> str | None:
    """A text without blanks at its ends, or None."""
    return None if text is None else text.strip()


def day_of_year(text: str) -> object:
    """A day as `03-05`, with or without a year; what is none equals nothing."""
    full = padded_year(text)
    return _printed(full, DAY, "%m-%d") or _printed(full, "%m-%d", "%m-%d") or object()


def padded_year(text: str) -> str:
    """A day with a year of four digits."""
    parts = text.strip().split("-")
    return "-".join([parts[0].zfill(4), *parts[1:]]) if len(parts) == 3 else "-".join(parts)


def _reprinted(text: str, form: str) -> str | None:
    return _printed(padded_year(text), form, form)


def _printed(text: str, form: str, wanted: str) -> str | None:
    try:
        return datetime.strptime(text, form).strftime(wanted)
    except ValueError:
        return None

"""Whether a judged item that asks for a call got one that can be read, told from its verdict."""

from __future__ import annotations

from collections.abc import Sequence

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.decode import well_formed
from harness.types import Verdict

NO_CALL = "multi_turn:empty_turn_model_response"


def called_in_dialogue(verdict: Verdict, turns: Sequence[int] = ()) -> bool:
    """Whether a call was read in a dialogue that is compared turn by turn.

    Args:
        verdict: Its verdict; not unscored.
        turns: The turn of each reply; empty where not known.

    Returns:
        The answer.
    """
    return len(turns) > len(set(turns)) if turns else verdict.code != NO_CALL or verdict.evidence.get("turn") != 0


def called(category: str, verdict: Verdict, turns: Sequence[int] = ()) -> bool | None:
    """Whether a call was read.

    A dialogue counts as a whole: a model that was understood once speaks a format that is read. Its turns go on only
    where a call was read, so that a turn with two replies has one.

    Args:
        category: Leaf category.
        verdict: Its verdict; not unscored.
        turns: The turn of each reply of a dialogue; empty where not known.

    Returns:
        The answer; None where a reply without a call may be right, and where the verdict does not tell.
    """
    if category in data.MULTI_TURN:
        return called_in_dialogue(verdict, turns)
    if category in data.WEB_SEARCH:
        return len(turns) > len(set(turns)) if turns else None
    if category == "live_relevance":
        return verdict.outcome == "pass"
    if category not in (*data.SINGLE_TURN, *data.EXECUTABLE, data.FORMAT_SENSITIVITY) or category in data.UNANSWERED:
        return None
    if verdict.outcome == "pass":
        return True
    calls = verdict.evidence.get("calls")
    return bool(calls) and (category in data.EXECUTABLE or well_formed(calls))

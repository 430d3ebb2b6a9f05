"""One reply of level 1 or 2 to one verdict, as `evaluator_by_json.py` judges it.

Every item starts from the initial databases; earlier calls of its dialogue are not replayed.
"""

from __future__ import annotations

from typing import Any

from harness.benchmarks.apibank.calls import Call, find_call
from harness.benchmarks.apibank.data import SEARCHER, Item
from harness.benchmarks.apibank.records import MISSING, UNKNOWN, CallError, Record, Result
from harness.benchmarks.apibank.rules import without_topic
from harness.benchmarks.apibank.tools import Tool, execute, tools
from harness.benchmarks.apibank.tools.calculator import HANG
from harness.benchmarks.apibank.tools.search import searcher

COUNTED = {UNKNOWN: "INVALID_INPUT_PARAMETER", MISSING: "MISS_INPUT_ARGUMENT"}
"""What a call can lack that upstream counts instead of ending -> its error kind."""


def judge_call(item: Item, raw: Any, search: str | None = None) -> Result:
    """Judge a reply.

    Args:
        item: A call of level 1 or 2.
        raw: The reply.
        search: The API that ToolSearcher is taken to find; None asks the recorded searches.

    Returns:
        The verdict; `UNCOUNTED` is a wrong call that upstream puts under no error kind.

    Raises:
        UnknownKeywords: What ToolSearcher would find is not known.
    """
    if not isinstance(raw, str):
        return Result(False, "CRASH:TypeError")
    call = find_call(raw)
    if call is None:
        return Result(False, "NO_API_CALL")
    if call.name != item.api:
        return Result(False, "API_NAME_MISMATCH")
    called = searcher(item.level, search) if item.api == SEARCHER else tools()[item.api]
    try:
        return _executed(called, call, item.truth)
    except CallError as error:
        return Result(False, _kind(error))


def _executed(called: Tool, call: Call, truth: Record) -> Result:
    record = execute(called, call.parameters)
    try:
        if called.rule(record, truth):
            return Result(True, None, record)
    except KeyError:
        return Result(False, "KEY_ERROR", record)
    if record["exception"]:
        return Result(False, "HAS_EXCEPTION", record)
    if record["output"] != truth["output"]:
        return Result(False, "OUTPUT_MISMATCH", record)
    if without_topic(record, called.name) != without_topic(truth, called.name):
        return Result(False, "INPUT_MISMATCH", record)
    return Result(False, "UNCOUNTED", record)


def _kind(error: CallError) -> str:
    if error.error == HANG:
        return HANG
    return COUNTED.get(error.about, f"CRASH:{error.error}")

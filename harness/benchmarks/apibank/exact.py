"""ToolRL's exact match: 597 calls, compared as JSON, types included.

    <tool_call>
    {"name": "QueryStock", "parameters": {"stock_code": "AAPL", "date": "2022-03-12"}}
    </tool_call>

Upstream: qiancheng0/ToolRL, `benchmarks/API-Bank`. What follows the last `<tool_call>` is read line by line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.benchmarks.apibank.records import Result

OPEN, CLOSE = "<tool_call>", "</tool_call>"


def judge_exact(answer: Mapping[str, Any], raw: Any) -> Result:
    """Judge a reply.

    Args:
        answer: The recorded call: `name` and `parameters`.
        raw: The reply.

    Returns:
        The verdict; the errors are this project's, upstream has none: `NO_API_CALL` where no line is JSON,
        `NOT_AN_OBJECT` where a line that is not an object stops the search, `MISMATCH`.
    """
    if not isinstance(raw, str):
        return Result(False, "NO_API_CALL")
    error = "NO_API_CALL"
    for call in _lines(raw):
        if not isinstance(call, dict):
            return Result(False, "NOT_AN_OBJECT")
        if _matches(call, answer):
            return Result(True, None)
        error = "MISMATCH"
    return Result(False, error)


def _matches(call: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    if "name" not in call or "parameters" not in call:
        # The name is taken for granted.
        return _same(call, answer["parameters"])
    return _same(call["name"], answer["name"]) and _same(call["parameters"], answer["parameters"])


def _same(ours: Any, theirs: Any) -> bool:
    try:
        return bool(ours == theirs)
    except RecursionError:  # nested deeper than any recorded value
        return False


def _lines(raw: str) -> Iterator[Any]:
    block = raw.rpartition(OPEN)[2].partition(CLOSE)[0]
    for line in block.split("\n"):
        try:
            value = json.loads(line)
            yield json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            continue

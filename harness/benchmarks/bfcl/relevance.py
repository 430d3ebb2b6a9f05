"""Whether a call was made at all, which is all that relevance and irrelevance ask.

Upstream rule: `_evaluate_single_relevance_entry` in `bfcl_eval/eval_checker/eval_runner.py`: replies of every category
are read as Python, names and arguments are never looked at, and whatever does not decode is "no call".
"""

from __future__ import annotations

import re
from typing import Any

from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.values import Finding

_CALL_LIKE = re.compile(r"[\s`]*(?:(?:python|json|tool_code)\s+)?(?:\[\s*)?(?:[\w.]+\(|\{\s*[\"'])")
_CALL_TAGS = ("<tool_call>", "<TOOLCALL>", "<functions>", "<function_call>")


def check_relevance(called: bool, wanted: bool) -> Finding | None:
    """Compare whether a call was made with whether one was wanted.

    Args:
        called: The reply decodes to at least one well-formed call.
        wanted: The item is one of `live_relevance`.

    Returns:
        What is wrong, or None.
    """
    if called == wanted:
        return None
    if wanted:
        return Finding("relevance_error:decoder_failed", "no call, although a function fits the request")
    return Finding("irrelevance_error:decoder_success", "a call, although no function fits the request")


def check_abstention(raw: Any, error: Undecodable) -> Finding | None:
    """Tell a reply that declines from one that only failed to be a call; upstream takes both for an abstention.

    Args:
        raw: An answer that does not decode.
        error: Why.

    Returns:
        What is wrong, or None.
    """
    if not isinstance(raw, str):
        return Finding("strict:broken_call", f"a call that cannot be read: {error}")
    if raw.startswith("Error during inference:"):
        return Finding("strict:failed_generation", "the generation failed, nothing was declined")
    unfinished = "<think>" in raw and "</think>" not in raw
    if unfinished or _CALL_LIKE.match(raw) or any(tag in raw for tag in _CALL_TAGS):
        return Finding("strict:broken_call", f"a reply that is neither a call nor a refusal: {error}")
    return None

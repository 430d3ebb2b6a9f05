"""The special categories: whether a reply says what is missing, wrong or impossible. Plain searches in the raw reply.

Upstream looks for fixed English phrases in both languages; nothing is decoded, so that whatever else the reply holds
does not matter. Upstream rule: `special_eval` in `eval_main.py` (commit 56dd66cf).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.benchmarks.acebench.values import Crash, Finding

PHRASES = {
    "special_incomplete": "Missing necessary parameters",
    "special_error_param": "There is incorrect value",
    "special_irrelevant": "the limitations of the function",
}
"""What a reply of each category must contain, letter by letter: the interface that the prompts prescribe."""


def check_special(raw: Any, category: str, truth: Any) -> Finding | None:
    """Judge one reply.

    Args:
        raw: Text; a list or an object holds what is one of its elements or keys.
        category: A key of `PHRASES`.
        truth: Function or parameter to the texts that have to be named.

    Returns:
        What is wrong, or None.

    Raises:
        Crash: The official program would have ended here.
    """
    if not isinstance(raw, str | list | dict):
        raise Crash("TypeError")
    if PHRASES[category] not in raw:
        return Finding("error_detection", f"the reply does not say {PHRASES[category]!r}")
    for text in _named(category, truth):
        if text not in raw:
            return Finding("error_correction", f"the reply does not name {text!r}", {"missing": text})
    return None


def _named(category: str, truth: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if category == "special_irrelevant":
        return
    for name, texts in truth.items():
        if category == "special_incomplete":
            yield name
        yield from texts

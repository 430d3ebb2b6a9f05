from __future__ import annotations

import json
from typing import Any

import pytest

from harness.benchmarks.bfcl.values import MAX_DEPTH, plain


@pytest.mark.parametrize("depth", [10, 500, 5000])
def test_evidence_of_deep_replies_can_be_written(depth: int) -> None:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    shown = json.dumps(plain(value))
    assert shown.count("a") == min(depth, MAX_DEPTH)

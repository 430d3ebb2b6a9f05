from __future__ import annotations

from typing import Any

import pytest

from harness.errors import UsageProblem
from harness.running import flag_checks


@pytest.mark.parametrize(
    "said",
    [
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": "hot"},
        {"top_p": 0},
        {"top_p": 1.5},
        {"max_tokens": 0},
        {"max_tokens": 2.5},
        {"max_tokens": True},
        {"seed": 2**63},
        {"request_timeout": -1.0},
        {"sample_timeout": 0},
    ],
)
def test_numbers_that_no_model_can_be_asked_with(said: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem, match=f"--{next(iter(said)).replace('_', '-')} cannot be"):
        flag_checks.check_numbers(said)


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("5", 5), ("0.01", 2), ("1.0", 200)])
def test_limits_of_faults(text: str, expected: float) -> None:
    assert flag_checks.fault_limit(text, 200) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "nan"])
def test_what_is_no_limit_of_faults(text: str) -> None:
    with pytest.raises(UsageProblem, match="--fail-on-error"):
        flag_checks.fault_limit(text, 200)

from __future__ import annotations

import pytest

from harness.errors import UsageProblem
from harness.running import flag_checks


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("5", 5), ("0.01", 2), ("1.0", 200)])
def test_limits_of_faults(text: str, expected: float) -> None:
    assert flag_checks.fault_limit(text, 200) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "nan"])
def test_what_is_no_limit_of_faults(text: str) -> None:
    with pytest.raises(UsageProblem, match="--fail-on-error"):
        flag_checks.fault_limit(text, 200)

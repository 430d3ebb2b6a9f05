"""What this machine is measured to do."""

from __future__ import annotations

from harness import machine


def test_the_gain_of_bfloat16_is_a_ratio_of_processor_times() -> None:
    assert 0.01 < machine.bfloat16_gain() < 50
    assert machine.bfloat16_gain() == machine.bfloat16_gain()

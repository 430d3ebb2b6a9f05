"""Plain supervised fine-tuning: the mean over all reply tokens of the step, whatever their region.

With N_t think and N_r result tokens that is alpha = N_t / (N_t + N_r): about 11/12 in FunReason's data, which is what
the other losses are there to change.
"""

from __future__ import annotations

from collections.abc import Mapping

from trainer.losses import LossSettings, Parts, Totals


class TokenMean:
    """Every scored token has the same weight, but for its record's.

    Args:
        settings: Not used; every loss is built alike.
    """

    mean = "batch"

    def __init__(self, settings: LossSettings) -> None:
        del settings

    def alpha(self, totals: Totals) -> float:
        """The think region's part of the tokens."""
        return totals.think / (totals.think + totals.result or 1)

    def learn(self, parts: Parts) -> None:
        """Nothing to learn."""

    def state(self) -> dict[str, float]:
        """Nothing to keep."""
        return {}

    def restore(self, state: Mapping[str, float]) -> None:
        """Nothing to continue."""


PLUGIN = TokenMean

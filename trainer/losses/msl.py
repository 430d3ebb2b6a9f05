"""Multiscale loss (FunReason, arXiv 2505.20192 v1): `alpha * L_think + (1 - alpha) * L_result` with a fixed alpha.

The paper leaves open whether the means are per record or per batch. Here they are per record unless `mean` says
otherwise, so that every record counts the same whatever its length.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import UsageProblem, unknown_name
from trainer.losses import LossSettings, Parts, Totals

MEANS = ("sample", "batch")


class MultiScale:
    """Fixed weights of the two regions.

    Args:
        settings: `alpha` in [0, 1] and `mean` are used.

    Raises:
        UsageProblem: One of them is out of range.
    """

    def __init__(self, settings: LossSettings) -> None:
        if not 0 <= settings.alpha <= 1:
            raise UsageProblem(f"--alpha {settings.alpha} is not between 0 and 1")
        if settings.mean not in MEANS:
            raise unknown_name("--mean", settings.mean, MEANS)
        self.mean = settings.mean
        self._alpha = settings.alpha

    def alpha(self, totals: Totals) -> float:
        """As configured."""
        return self._alpha

    def learn(self, parts: Parts) -> None:
        """Alpha is fixed."""

    def state(self) -> dict[str, float]:
        """Nothing to keep: alpha is in the configuration."""
        return {}

    def restore(self, state: Mapping[str, float]) -> None:
        """Nothing to continue."""


PLUGIN = MultiScale

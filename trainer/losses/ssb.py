"""Self-adjusted signal balancing (BalanceSFT, arXiv 2505.20192 v3): the multiscale loss with a learnable alpha.

Parametrisation, start, learning rate and bounds are unpublished. Choices here:

- `alpha = min + (max - min) * sigmoid(logit)`: descent on a free alpha would run toward the smaller of the two losses
  without end, bounds keep both regions alive;
- gradient descent on the logit with a learning rate of its own, once an optimizer step, on the loss of the whole step.
  Its gradient is `(L_think - L_result) * d alpha / d logit` plus the pull's, so autograd and the parameter list of the
  model are not needed: checkpoints stay ordinary, and alpha is the same on all ranks under any sharding;
- alpha stays fixed within an optimizer step, is logged at each, and is saved with each checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.errors import UsageProblem, unknown_name
from trainer.losses import LossSettings, Parts, Totals
from trainer.losses.msl import MEANS


class Balancing:
    """Learnable weights of the two regions.

    Args:
        settings: All of them are used; `alpha` is the start.

    Raises:
        UsageProblem: The start is not inside the bounds, or the bounds are not inside [0, 1].
    """

    def __init__(self, settings: LossSettings) -> None:
        low, high = settings.alpha_min, settings.alpha_max
        if not 0 <= low < settings.alpha < high <= 1:
            raise UsageProblem(
                f"--alpha {settings.alpha} must lie between --alpha-min {low} and --alpha-max {high}",
                "All three are between 0 and 1.",
            )
        if settings.mean not in MEANS:
            raise unknown_name("--mean", settings.mean, MEANS)
        self.mean = settings.mean
        self._settings = settings
        inside = (settings.alpha - low) / (high - low)
        self._logit = math.log(inside / (1 - inside))

    def alpha(self, totals: Totals) -> float:
        """As learnt so far."""
        return self._settings.alpha_min + self._range * self._sigmoid

    @property
    def _range(self) -> float:
        return self._settings.alpha_max - self._settings.alpha_min

    @property
    def _sigmoid(self) -> float:
        return 1 / (1 + math.exp(-self._logit))

    def learn(self, parts: Parts) -> None:
        """One step of gradient descent on the logit."""
        settings, sigmoid = self._settings, self._sigmoid
        alpha = settings.alpha_min + self._range * sigmoid
        slope = parts.think - parts.result + 2 * settings.alpha_pull * (alpha - settings.alpha)
        self._logit -= settings.alpha_lr * slope * self._range * sigmoid * (1 - sigmoid)

    def state(self) -> dict[str, float]:
        """The logit."""
        return {"logit": self._logit}

    def restore(self, state: Mapping[str, float]) -> None:
        """Continue from a checkpoint's logit."""
        self._logit = state["logit"]


PLUGIN = Balancing

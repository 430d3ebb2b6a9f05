"""How a reply's regions are weighed. To add a loss: a module here that exports `PLUGIN`, `(LossSettings) -> Loss`.

A loss is `alpha * think + (1 - alpha) * result`, two means of token losses. Everything but the token losses is known
before the forward pass: the means' denominators are counted over the whole optimizer step (`Totals`, all micro-batches
of all ranks). That is why batch 8 equals 8 x 1 accumulated equals 2 ranks x 4, and why the fused cross-entropy can form
gradients while it computes the loss.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from harness.errors import unknown_name

THINK, RESULT = 1, 2
"""Region labels of tokens; 0 carries no loss."""


@dataclass(frozen=True, slots=True)
class LossSettings:
    """What a user can say about a loss."""

    alpha: float = 0.5
    """Weight of the think region; `ssb` starts there. Unpublished; 0.5 treats both regions alike."""
    mean: str = "sample"
    """`sample`: each record's regions have their own means, records count alike; `batch`: all tokens of a region do."""
    alpha_lr: float = 0.1
    """Learning rate of the learnable alpha's logit (`ssb`)."""
    alpha_min: float = 0.1
    """Lower bound of the learnable alpha."""
    alpha_max: float = 0.9
    """Upper bound of the learnable alpha."""
    alpha_pull: float = 0.0
    """Strength of the pull to the start value: `alpha_pull * (alpha - start)**2` is added to the loss of alpha."""


class Totals(NamedTuple):
    """Counts over one optimizer step, all micro-batches of all ranks; each record counts by its weight."""

    think: float
    """Tokens of think regions."""
    result: float
    """Tokens of result regions."""
    samples: float
    """Records with at least one token that carries loss."""


class Parts(NamedTuple):
    """Measured over one optimizer step: all micro-batches of all ranks."""

    think: float
    """Mean loss of the think region, by the loss's own mean."""
    result: float
    """Mean loss of the result region."""


class Loss(Protocol):
    """A weighing of the two regions."""

    mean: str
    """A key of `regions.MEANS`."""

    def alpha(self, totals: Totals) -> float:
        """Weight of the think region in a step with these counts."""

    def learn(self, parts: Parts) -> None:
        """Update what the loss itself learns, after an optimizer step."""

    def state(self) -> dict[str, float]:
        """What a checkpoint must keep."""

    def restore(self, state: Mapping[str, float]) -> None:
        """Continue from a checkpoint's state."""


def names() -> list[str]:
    """All losses."""
    helpers = {"fused", "regions"}
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in helpers)


def load(name: str, settings: LossSettings) -> Loss:
    """Build a loss.

    Args:
        name: Of a module in this folder.
        settings: Its settings.

    Returns:
        The loss.

    Raises:
        UsageProblem: There is no such loss.
    """
    if name not in names():
        raise unknown_name("loss", name, names())
    plugin: Any = importlib.import_module(f"trainer.losses.{name}").PLUGIN
    loss: Loss = plugin(settings)
    return loss

"""Weighted means over regions: a record of weight 0.5 counts as half a record, in the sum and in what it is divided by.

A record that lacks one region gives its whole weight to the other; a record without any scored token counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.losses import RESULT, THINK, Totals


class Labels(NamedTuple):
    """Labels of a micro-batch's tokens, each of shape (tokens,)."""

    regions: Tensor
    """0, `THINK` or `RESULT`."""
    samples: Tensor
    """Index of the token's record in the micro-batch."""
    weights: Tensor
    """Weight of the token's record."""


Mean = Callable[[Labels, Totals], tuple[Tensor, Tensor]]
"""Weights of the think and of the result part, each of shape (tokens,) in float32. Summed over a step's micro-batches,
the weighted token losses are the parts: alpha times the first plus 1 - alpha times the second is the loss."""


def counts(labels: Labels) -> tuple[Tensor, Tensor]:
    """Tokens of each record's think and result region, each of shape (records,)."""
    size = int(labels.samples.max()) + 1 if labels.samples.numel() else 0
    zeros = torch.zeros(size, device=labels.regions.device)
    think = zeros.index_add(0, labels.samples, (labels.regions == THINK).float())
    result = zeros.index_add(0, labels.samples, (labels.regions == RESULT).float())
    return think, result


def totals(labels: Labels) -> Tensor:
    """Weighted counts of a micro-batch in the order of `Totals`, in float64 so that sums stay exact."""
    think, result = counts(labels)
    weights = torch.zeros_like(think, dtype=torch.float64).scatter(0, labels.samples, labels.weights.double())
    return torch.stack([(weights * think).sum(), (weights * result).sum(), weights.sum()])


def by_sample(labels: Labels, totals: Totals) -> tuple[Tensor, Tensor]:
    """Parts are means over records of each record's own mean, so that long records weigh no more than short ones."""
    think, result = counts(labels)
    lacks_think, lacks_result = (think == 0)[labels.samples], (result == 0)[labels.samples]
    in_think, in_result = labels.regions == THINK, labels.regions == RESULT
    size = torch.where(in_think, think[labels.samples], result[labels.samples]).clamp(min=1)
    each = labels.weights / (size * (totals.samples or 1))
    return each * (in_think | in_result & lacks_think), each * (in_result | in_think & lacks_result)


def by_batch(labels: Labels, totals: Totals) -> tuple[Tensor, Tensor]:
    """Parts are means over all tokens of a region in the step."""
    think = labels.weights * (labels.regions == THINK) / (totals.think or 1)
    result = labels.weights * (labels.regions == RESULT) / (totals.result or 1)
    return (think if totals.think else result), (result if totals.result else think)


MEANS: Mapping[str, Mean] = {"sample": by_sample, "batch": by_batch}

"""A new model is held to itself before it is trained: what is computed here must be what it computes alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.errors import UsageProblem
from trainer.tree import REMEDY

TOLERANCE = {True: 1e-3, False: 5e-2}
"""Mean difference of token losses, relative where they are above 1; in float32, and in half precision."""


def head(model: Any, ids: Tensor, exact: bool, name: str) -> None:
    """Compare the fused loss with the model's own.

    Args:
        model: From `train.fuse`, in evaluation mode.
        ids: Tokens of one row, shape (1, tokens).
        exact: Whether it computes in float32.
        name: Of the model, for the error.

    Raises:
        UsageProblem: They differ: the model does something to its logits that the fused loss does not.
    """
    mine = _alone(model, ids)
    logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
    own = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
    if _differ(mine, own, exact):
        raise UsageProblem(
            f"the fused loss of the first batch is {mine.mean():.4f} and the model's own {own.mean():.4f}: "
            f"{name} does more than multiply by its output layer",
            "Models that scale or cap their logits cannot be trained here.",
        )


def branch(model: Any, batch: dict[str, Tensor], exact: bool, name: str) -> None:
    """Compare the losses of the longest branch in a row of trees with those of the same tokens alone.

    Args:
        model: From `train.fuse`, in evaluation mode.
        batch: From a `Collator`, with a mask.
        exact: Whether it computes in float32.
        name: Of the model, for the error.

    Raises:
        UsageProblem: They differ: tokens see more than the mask lets them see.
    """
    first = {key: batch[key][:1] for key in ("input_ids", "position_ids", "attention_mask")}
    path = [int(batch["attention_mask"][0, 0].sum(1).argmax())]  # the token that sees most: padding sees itself alone
    while (before := int(batch["parents"][0, path[-1]])) >= 0:
        path.append(before)
    nodes = torch.tensor(path[::-1], device=first["input_ids"].device)
    ids = first["input_ids"][:, nodes]
    together = model(**first, targets=ids[0, 1:], before=nodes[:-1], weights=torch.ones_like(ids[0, 1:]).float())
    if _differ(together["losses"].float(), alone := _alone(model, ids), exact):
        raise UsageProblem(
            f"--share-prefix: {name} gives a branch a loss of {together['losses'].mean():.4f}, and the same tokens "
            f"alone {alone.mean():.4f}: its layers do not keep to the mask",
            REMEDY,
        )


def _alone(model: Any, ids: Tensor) -> Tensor:
    """Losses of a row's tokens but the first, shape (tokens - 1,)."""
    targets = ids[0, 1:]
    before = torch.arange(len(targets), device=ids.device)
    losses: Tensor = model(input_ids=ids, targets=targets, before=before, weights=torch.ones_like(targets).float())[
        "losses"
    ]
    return losses.float()


def _differ(ours: Tensor, theirs: Tensor, exact: bool) -> bool:
    """Whether token losses differ by more than rounding; they do where they are not numbers."""
    off = (ours - theirs).abs().mean() / theirs.abs().mean().clamp(min=1)
    return not bool(off <= TOLERANCE[exact])

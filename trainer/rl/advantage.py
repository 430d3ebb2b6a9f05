"""EGPO's advantage (arXiv 2508.05118): GRPO's, plus a bonus for the entropy of the thinking.

    A' = A + lambda * clip(H, -|A| / alpha, |A| / alpha)

H is never negative, so the lower bound never binds: the bonus is at most `lambda / alpha` of |A|, it never turns the
sign, and where all samples of a group have one reward (A = 0) it is 0 as well.
"""

from __future__ import annotations

from torch import Tensor


def egpo(advantages: Tensor, entropies: Tensor, weight: float, alpha: float) -> Tensor:
    """Advantages with the entropy bonus.

    Args:
        advantages: GRPO's, `[samples]`.
        entropies: Mean entropy of each sample's think tokens in nats, `[samples]`; detached, because it weighs the
            gradient and has none of its own.
        weight: The paper's lambda.
        alpha: The paper's alpha; above 1, and `weight` below it, so that the sign never turns.

    Returns:
        `[samples]`.
    """
    bound = advantages.abs() / alpha
    return advantages + weight * entropies.detach().clamp(-bound, bound)


def mean_over(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of each row's marked values; 0 where none is marked.

    Args:
        values: `[samples, tokens]`.
        mask: 1 where a value counts, the same shape.

    Returns:
        `[samples]`.
    """
    mask = mask.to(values.dtype)
    return (values * mask).sum(-1) / mask.sum(-1).clamp(min=1)

"""Muon: momentum whose update is made orthogonal, for the matrices; AdamW for embeddings, norms and biases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


def orthogonalise(gradient: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, by the quintic Newton-Schulz iteration in bfloat16.

    Args:
        gradient: A matrix.
        steps: Iterations.

    Returns:
        A matrix of the same shape with singular values near 1.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (gradient / (gradient.norm() + 1e-7)).bfloat16()
    tall = x.size(0) > x.size(1)
    x = x.T if tall else x
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if tall else x).to(gradient.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised, with decoupled weight decay.

    Args:
        params: Matrices.
        lr: Size of a step's spectral norm.
        momentum: Of the running mean.
        weight_decay: Times the learning rate.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update all matrices."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalise(p.grad.lerp(state["momentum"], group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * max(1.0, p.size(0) / p.size(1)) ** 0.5)

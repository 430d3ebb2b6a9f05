"""Weighted cross-entropy of a linear output layer, without ever holding all logits.

Chunk by chunk the logits are formed, scored, turned into their gradient in the same memory, and multiplied back into
the gradients of hidden states and output weights; the backward pass only hands over what is there. At a vocabulary of
151,936 this needs one buffer of `CHUNK` numbers instead of (tokens x vocabulary) several times over.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

CHUNK = {"cpu": 2**25, "cuda": 2**27}
"""Logits held at a time, by device type: 128 MiB in float32 on CPU."""


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, weights: Tensor, rows: int
    ) -> tuple[Tensor, Tensor]:
        exact = torch.promote_types(hidden.dtype, torch.float32)
        matrix = weight.to(hidden.dtype)
        losses = torch.empty(len(hidden), dtype=exact, device=hidden.device)
        grad_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        grad_weight = torch.zeros_like(weight, dtype=exact) if ctx.needs_input_grad[1] else None
        grad_bias = torch.zeros_like(bias, dtype=exact) if bias is not None and ctx.needs_input_grad[2] else None
        for start in range(0, len(hidden), rows):
            part = slice(start, start + rows)
            logits = (hidden[part] @ matrix.T).to(exact)
            if bias is not None:
                logits += bias
            top = logits.amax(1, keepdim=True)
            aimed = targets[part, None]
            losses[part] = top[:, 0] - logits.gather(1, aimed)[:, 0]
            total = logits.sub_(top).exp_().sum(1, keepdim=True)
            losses[part] += total.log()[:, 0]
            scale = weights[part, None].to(exact)
            gradient = logits.mul_(scale / total).scatter_add_(1, aimed, -scale)
            if grad_bias is not None:
                grad_bias += gradient.sum(0)
            gradient = gradient.to(hidden.dtype)
            if grad_hidden is not None:
                torch.mm(gradient, matrix, out=grad_hidden[part])
            if grad_weight is not None and exact == hidden.dtype:
                grad_weight.addmm_(gradient.T, hidden[part])
            elif grad_weight is not None:
                grad_weight += gradient.T @ hidden[part]
        ctx.save_for_backward(
            grad_hidden,
            None if grad_weight is None else grad_weight.to(weight.dtype),
            None if grad_bias is None or bias is None else grad_bias.to(bias.dtype),
        )
        ctx.mark_non_differentiable(losses)
        return (losses * weights.to(exact)).sum(), losses

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, grad_losses: Tensor) -> tuple[Tensor | None, ...]:
        grads = ctx.saved_tensors
        if grad_loss != 1:  # usually the loss itself is what is differentiated: a copy of the largest gradient is saved
            grads = tuple(None if grad is None else grad * grad_loss.to(grad.dtype) for grad in grads)
        return (*grads, None, None, None)


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    *,
    rows: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Weighted sum of token cross-entropies `weights[i] * CE(hidden[i] @ weight.T + bias, targets[i])`.

    Nothing is divided: a mean is made by the weights. Gradients flow to `hidden`, `weight` and `bias`; `weights` is a
    constant. Rows with weight 0 cost as much as others: leave them out.

    Args:
        hidden: Shape (tokens, size).
        weight: Output embedding, shape (vocabulary, size).
        targets: Token ids, shape (tokens,).
        weights: Shape (tokens,).
        bias: Shape (vocabulary,).
        rows: Tokens a chunk; chosen by `CHUNK` where None.

    Returns:
        The weighted sum, in float32 at least, and every token's loss, shape (tokens,), without gradient.
    """
    if rows is None:
        rows = max(16, CHUNK.get(hidden.device.type, CHUNK["cuda"]) // len(weight))
    device = hidden.device.type
    if torch.is_autocast_enabled(device):
        hidden = hidden.to(torch.get_autocast_dtype(device))
    with torch.autocast(device, enabled=False):
        loss, losses = _LinearCrossEntropy.apply(hidden, weight, bias, targets, weights, rows)
    return loss, losses

"""The fused cross-entropy against the plain formula."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from trainer.losses.fused import linear_cross_entropy


def _problem(dtype: torch.dtype, tokens: int = 13, size: int = 6, vocabulary: int = 11) -> tuple[torch.Tensor, ...]:
    made = torch.Generator().manual_seed(0)
    hidden = torch.randn(tokens, size, generator=made, dtype=dtype, requires_grad=True)
    weight = torch.randn(vocabulary, size, generator=made, dtype=dtype, requires_grad=True)
    bias = torch.randn(vocabulary, generator=made, dtype=dtype, requires_grad=True)
    targets = torch.randint(vocabulary, (tokens,), generator=made)
    weights = torch.rand(tokens, generator=made)
    return hidden, weight, bias, targets, weights


def _plain(hidden, weight, bias, targets, weights):
    losses = cross_entropy(hidden @ weight.T + (0 if bias is None else bias), targets, reduction="none")
    return (losses * weights).sum(), losses


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("rows", [1, 4, 13, 100])
@pytest.mark.parametrize("with_bias", [False, True])
def test_equals_the_plain_formula_in_loss_and_gradients(dtype, tolerance, rows, with_bias):
    hidden, weight, bias, targets, weights = _problem(dtype)
    bias = bias if with_bias else None
    inputs = [hidden, weight, *([bias] if with_bias else [])]
    theirs, their_losses = _plain(hidden, weight, bias, targets, weights)
    their_gradients = torch.autograd.grad(3 * theirs, inputs)
    ours, our_losses = linear_cross_entropy(hidden, weight, targets, weights, bias, rows=rows)
    our_gradients = torch.autograd.grad(3 * ours, inputs)
    torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(our_losses, their_losses, atol=tolerance, rtol=tolerance)
    for our, their in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(our, their, atol=tolerance, rtol=tolerance)


def test_gradcheck_in_float64():
    hidden, weight, bias, targets, weights = _problem(torch.float64)

    def loss(*inputs):
        return linear_cross_entropy(inputs[0], inputs[1], targets, weights, inputs[2], rows=4)[0]

    # nondet_tol stays 0; fast_mode off: every entry of every Jacobian is compared.
    assert torch.autograd.gradcheck(loss, (hidden, weight, bias))


def test_no_gradient_is_formed_for_a_frozen_output_layer():
    hidden, weight, _, targets, weights = _problem(torch.float32)
    loss, _ = linear_cross_entropy(hidden, weight.detach(), targets, weights)
    loss.backward()
    assert hidden.grad is not None
    assert weight.grad is None


def test_large_logits_do_not_overflow():
    hidden = torch.full((2, 1), 300.0, requires_grad=True)
    weight = torch.tensor([[1.0], [-1.0]])
    loss, losses = linear_cross_entropy(hidden, weight, torch.tensor([0, 1]), torch.ones(2))
    assert losses.tolist() == [0.0, 600.0]
    loss.backward()
    assert torch.isfinite(hidden.grad).all()


def test_bfloat16_hidden_states_give_float32_losses_close_to_exact_ones():
    hidden, weight, _, targets, weights = _problem(torch.float32)
    exact, _ = _plain(hidden, weight, None, targets, weights)
    with torch.autocast("cpu", torch.bfloat16):
        loss, losses = linear_cross_entropy(hidden.bfloat16(), weight, targets, weights)
    assert losses.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=0.02)
    loss.backward()
    assert weight.grad.dtype == torch.float32


def test_an_empty_micro_batch_has_loss_zero():
    weight = torch.randn(5, 3, requires_grad=True)
    hidden = torch.zeros(0, 3, requires_grad=True)
    loss, losses = linear_cross_entropy(hidden, weight, torch.zeros(0, dtype=torch.long), torch.zeros(0))
    loss.backward()
    assert loss.item() == 0
    assert losses.shape == (0,)
    assert not weight.grad.any()

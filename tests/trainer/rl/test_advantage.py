"""Closed forms of EGPO's advantage."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.rl.advantage import egpo, mean_over

NUMBER = st.floats(-4, 4, allow_nan=False, width=32)
ENTROPY = st.floats(0, 12, allow_nan=False, width=32)


def advantages(rewards: list[float]) -> torch.Tensor:
    values = torch.tensor(rewards, dtype=torch.float64)
    return (values - values.mean()) / values.std()


def test_one_right_answer_of_eight_saturates_where_the_formula_says():
    plain = advantages([1, 0, 0, 0, 0, 0, 0, 0])
    assert plain.tolist() == pytest.approx([7 / 8**0.5, *[-1 / 8**0.5] * 7])
    for entropy, right, wrong in ((0.0, 0.0, 0.0), (0.1, 0.04, 0.04), (1.0, 0.4, 0.4 * 0.5 / 8**0.5)):
        bonus = egpo(plain, torch.full((8,), entropy, dtype=torch.float64), 0.4, 2.0) - plain
        assert bonus.tolist() == pytest.approx([right, *[wrong] * 7]), entropy


@given(NUMBER, ENTROPY, st.floats(0, 1), st.floats(1.01, 8))
def test_the_bonus_is_bounded_and_never_turns_the_sign(plain, entropy, weight, alpha):
    before, bounded = torch.tensor([plain], dtype=torch.float64), min(weight, alpha * 0.99)
    after = egpo(before, torch.tensor([entropy], dtype=torch.float64), bounded, alpha)
    bonus = (after - before).item()
    assert 0 <= bonus <= bounded / alpha * abs(plain) + 1e-12
    assert after.sign().item() == before.sign().item()


def test_a_dead_group_stays_dead():
    assert egpo(torch.zeros(8), torch.full((8,), 3.0), 0.4, 2.0).tolist() == [0.0] * 8


def test_entropy_weighs_the_gradient_and_has_none():
    entropy = torch.ones(2, requires_grad=True)
    assert not egpo(torch.tensor([1.0, -1.0]), entropy, 0.4, 2.0).requires_grad


def test_a_mean_over_nothing_is_nothing():
    values, mask = torch.tensor([[1.0, 3.0], [5.0, 7.0]]), torch.tensor([[1, 1], [0, 0]])
    assert mean_over(values, mask).tolist() == [2.0, 0.0]

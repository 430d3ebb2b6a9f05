"""Draws from a few sorted tokens are those of all of them."""

from __future__ import annotations

from random import Random

import pytest
import torch

from harness.engines._rows import Row
from harness.engines._sampling import LIKELY, choose
from harness.types import RequestKey, Sampling

VOCABULARY = 5 * LIKELY


def by_hand(logits: torch.Tensor, row: Row) -> int:
    """The first token, likeliest first, at which the drawn share of the kept mass is reached."""
    weights = (logits.double() / row.sampling.temperature).softmax(-1).tolist()
    kept, mass = [], 0.0
    for token in sorted(range(len(weights)), key=lambda token: -weights[token]):
        if mass >= row.sampling.top_p:
            break
        kept.append(token)
        mass += weights[token]
    wanted, sum_ = row.random() * mass, 0.0
    for token in kept:
        sum_ += weights[token]
        if sum_ >= wanted:
            return token
    return kept[-1]


def rows(count: int, temperature: float, top_p: float) -> list[Row]:
    sampling = Sampling(temperature, top_p, 9, 0)
    return [
        Row(RequestKey(str(n), 0, 0), [1], sampling, 9, Random(f"{top_p} {n}").random, lambda out: False)
        for n in range(count)
    ]


@pytest.mark.parametrize("top_p", [1.0, 0.9, 0.3, 1e-9])
@pytest.mark.parametrize("spread", [0.0, 0.5, 8.0], ids=["flat", "many likely", "few likely"])
def test_draws_are_those_of_a_plain_loop(spread, top_p):
    logits = torch.randn(200, VOCABULARY, generator=torch.Generator().manual_seed(1)) * spread
    logits += torch.arange(VOCABULARY) * 1e-4  # no ties
    drawn = choose(logits, rows(200, 0.7, top_p)).tolist()
    wanted = [by_hand(logits[n], row) for n, row in enumerate(rows(200, 0.7, top_p))]
    assert sum(one != other for one, other in zip(drawn, wanted, strict=True)) <= 1, "rounding may move one draw"


def test_greedy_rows_and_neighbours_change_nothing():
    logits = torch.randn(6, VOCABULARY, generator=torch.Generator().manual_seed(2))
    alone = [choose(logits[n : n + 1], rows(6, 1.0, 1.0)[n : n + 1]).item() for n in range(6)]
    assert choose(logits, rows(6, 1.0, 1.0)).tolist() == alone
    assert choose(logits, [*rows(3, 0.0, 1.0), *rows(6, 1.0, 1.0)[3:]]).tolist()[:3] == logits[:3].argmax(-1).tolist()

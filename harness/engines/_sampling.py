"""Choosing the next token, with one random stream a request: a reply does not depend on who shared its batch."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from harness.types import RequestKey, Sampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from harness.engines._rows import Row


LIKELY = 64
"""Tokens of a vocabulary that nearly every draw falls among: all are sorted only for rows where it may not."""


def seed_of(key: RequestKey, sampling: Sampling) -> int:
    """The seed of one request: the run's seed mixed with the request's name, or fresh where the run has none."""
    if sampling.seed is None:
        return secrets.randbits(63)
    text = f"{sampling.seed}\0{key.sample_id}\0{key.repeat}\0{key.step}"
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1


def choose(logits: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
    """Pick each row's next token.

    Args:
        logits: Scores of the next token, `[rows, vocabulary]`.
        rows: The requests, in the same order.

    Returns:
        Token ids, `[rows]`: the largest logit at temperature 0, else a draw from the smallest set of tokens whose
        probability reaches `top_p`. One uniform number a token and row comes from the row's own CPU generator, so
        that batch, device and neighbours do not change it.
    """
    import torch

    chosen = logits.argmax(-1)
    drawn = [index for index, row in enumerate(rows) if row.sampling.temperature > 0]
    if drawn:
        numbers = [(rows[i].sampling.temperature, rows[i].sampling.top_p, rows[i].random()) for i in drawn]
        temperature, top_p, uniform = torch.tensor(numbers, dtype=torch.float32, device=logits.device).T
        probability = (logits[drawn].float() / temperature[:, None]).softmax(-1)
        token, sure = _draw(probability, top_p, uniform, min(LIKELY, probability.shape[-1]))
        if not bool(sure.all()):
            token[~sure], _ = _draw(probability[~sure], top_p[~sure], uniform[~sure], probability.shape[-1])
        chosen[drawn] = token
    return chosen


def _draw(
    probability: torch.Tensor, top_p: torch.Tensor, uniform: torch.Tensor, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw among the likeliest tokens.

    Args:
        probability: Of each token, `[rows, vocabulary]`.
        top_p: Of each row, `[rows]`.
        uniform: A number from 0 to 1 for each row, `[rows]`.
        width: How many of a row's likeliest tokens are sorted.

    Returns:
        Token ids, and whether more than `width` could not have changed them, both `[rows]`.
    """
    likely, token = probability.topk(width, -1)
    before = likely.cumsum(-1) - likely
    kept = likely.masked_fill(before >= top_p[:, None].clamp_min(1e-9), 0.0).cumsum(-1)
    mass = kept[:, -1]
    # Where the set goes on behind these tokens its mass is known only if it is that of all tokens.
    ends = (mass >= top_p) | (width == probability.shape[-1])
    mass = mass.where(ends, probability.sum(-1))
    place = (kept < (uniform * mass)[:, None]).sum(-1)
    sure = ends | ((top_p >= 1) & (place < width))
    return token.gather(-1, place.clamp_max(width - 1)[:, None]).squeeze(-1), sure

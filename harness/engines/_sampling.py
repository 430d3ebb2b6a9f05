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
        probability, token = (logits[drawn].float() / temperature[:, None]).softmax(-1).sort(-1, descending=True)
        before = probability.cumsum(-1) - probability
        kept = probability.masked_fill(before >= top_p[:, None].clamp_min(1e-9), 0.0).cumsum(-1)
        place = (kept < uniform[:, None] * kept[:, -1:]).sum(-1, keepdim=True).clamp_max(kept.shape[-1] - 1)
        chosen[drawn] = token.gather(-1, place).squeeze(-1)
    return chosen

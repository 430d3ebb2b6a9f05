"""Attention for a decode step of rows of unlike length: computed a few neighbours at a time, each up to their own end.

Over the whole batch at once every row would pay for the longest. The ends ride on the mask, which every model hands
through to its attention function unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

NAME = "harness_slots"
NEIGHBOURS = 16
"""Rows computed together."""


def set_ends(mask: torch.Tensor, ends: Sequence[int]) -> None:
    """Say where each row ends.

    Args:
        mask: Additive mask `[rows, 1, 1, longest]`.
        ends: One past the last position each row sees.
    """
    mask.ends = [max(ends[first : first + NEIGHBOURS]) for first in range(0, len(ends), NEIGHBOURS)]  # type: ignore[attr-defined]


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """PyTorch's attention, in transformers' calling convention."""
    ends = getattr(attention_mask, "ends", None)
    if attention_mask is None or ends is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    parts = []
    for index, end in enumerate(ends):
        rows = slice(index * NEIGHBOURS, (index + 1) * NEIGHBOURS)
        seen = (key[rows, :, :end], value[rows, :, :end], attention_mask[rows, ..., :end])
        parts.append(sdpa_attention_forward(module, query[rows], *seen, **kwargs)[0])
    return torch.cat(parts), None


AttentionInterface.register(NAME, attend)

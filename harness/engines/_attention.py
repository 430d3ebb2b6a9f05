"""Attention on CPU, a block of neighbouring rows and tokens at a time, each block only up to its own end.

Computed over the whole batch at once, every row would pay for the longest and every prompt token for those behind it.
The blocks ride on the mask, which every model hands through to its attention function unchanged. Query heads that share
a key head read it in place; transformers would copy keys and values for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

NAME = "harness_slots"
ROWS, TOKENS = 16, 192
"""Size of a block."""


def set_blocks(mask: torch.Tensor, starts: Sequence[int]) -> None:
    """Say in which blocks to compute.

    Args:
        mask: Additive mask `[rows, 1, new tokens, longest]`.
        starts: Position of each row's first new token.
    """
    width = mask.shape[2]
    mask.blocks = [  # type: ignore[attr-defined]
        (
            slice(row, row + ROWS),
            slice(token, token + TOKENS),
            max(starts[row : row + ROWS]) + min(token + TOKENS, width),
        )
        for row in range(0, len(starts), ROWS)
        for token in range(0, width, TOKENS)
    ]


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """PyTorch's attention, in transformers' calling convention."""
    blocks = getattr(attention_mask, "blocks", None)
    if attention_mask is None or blocks is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    count, heads, width, size = query.shape
    groups = key.shape[1]
    if width == 1:
        # Heads that share a key head become its queries: faster than `enable_gqa` where there is one token.
        query = query.reshape(count, groups, -1, size)
    result = query.new_empty(count, width, heads, value.shape[3])
    for rows, tokens, end in blocks:
        part = torch.nn.functional.scaled_dot_product_attention(
            query[rows] if width == 1 else query[rows, :, tokens],
            key[rows, :, :end],
            value[rows, :, :end],
            attn_mask=attention_mask[rows, :, tokens, :end],
            scale=kwargs.get("scaling"),
            enable_gqa=width > 1 and heads != groups,
        )
        result[rows, tokens] = part.reshape(len(part), heads, -1, value.shape[3]).transpose(1, 2)
    return result, None


AttentionInterface.register(NAME, attend)

"""Attention in blocks: what PyTorch computes over the whole batch at once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engines._attention import ROWS, TOKENS, attend
from harness.engines._cache import PassPlan


@settings(max_examples=25, deadline=None)
@given(
    starts=st.lists(st.integers(0, 300), min_size=1, max_size=2 * ROWS + 3),
    width=st.sampled_from([1, 2, TOKENS, TOKENS + 1, 2 * TOKENS + 5]),
    groups=st.sampled_from([1, 2, 4]),
)
def test_blocks_give_the_attention_of_the_whole_batch(starts: list[int], width: int, groups: int) -> None:
    plan = PassPlan(len(starts), torch.device("cpu"))
    plan.aim(range(len(starts)), starts, width)
    mask = plan.mask(torch.float32)
    generator = torch.Generator().manual_seed(width)
    query = torch.randn(len(starts), 4, width, 8, generator=generator)
    key, value = torch.randn(2, len(starts), groups, plan.end, 8, generator=generator)
    ours, _ = attend(torch.nn.Module(), query, key, value, mask, scaling=0.3)
    key, value = (states.repeat_interleave(4 // groups, dim=1) for states in (key, value))
    whole = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=0.3)
    torch.testing.assert_close(ours, whole.transpose(1, 2))


@pytest.mark.parametrize("groups", [2, 4])
def test_without_blocks_it_is_transformers_own(groups: int) -> None:
    query, key = torch.randn(2, 4, 5, 8), torch.randn(2, groups, 5, 8)
    module = SimpleNamespace(num_key_value_groups=4 // groups, is_causal=True)
    ours, _ = attend(module, query, key, key, None)  # type: ignore[arg-type]
    whole = torch.nn.functional.scaled_dot_product_attention(query, key, key, is_causal=True, enable_gqa=True)
    torch.testing.assert_close(ours, whole.transpose(1, 2))

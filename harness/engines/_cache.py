"""A key-value cache with a slot a row, written in place: rows enter and leave at any step.

Keys and values of padding are never seen: a query sees positions up to its own, and those have all been written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import CacheLayerMixin

from harness.engines._attention import set_blocks


class SlotLayer(CacheLayerMixin):
    """Keys and values of one layer, `[slots, heads, capacity, head size]`, written in place."""

    is_sliding = False

    def __init__(self, plan: PassPlan) -> None:
        super().__init__()
        self.plan = plan

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocate once shapes and types are known."""
        slots, capacity = self.plan.slots, self.plan.capacity
        self.keys = key_states.new_zeros(slots, key_states.shape[1], capacity, key_states.shape[3])
        self.values = value_states.new_zeros(slots, value_states.shape[1], capacity, value_states.shape[3])
        self.is_initialized = True

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Write the new states at the plan's positions; return all that its rows may see."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        plan = self.plan
        self.keys[plan.index[:, None], :, plan.positions] = key_states.transpose(1, 2)
        self.values[plan.index[:, None], :, plan.positions] = value_states.transpose(1, 2)
        return self.keys[plan.rows, :, : plan.end], self.values[plan.rows, :, : plan.end]

    def get_seq_length(self) -> int:
        """Positions are given explicitly; nothing is counted here."""
        return 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Masks are given explicitly."""
        return self.plan.end, 0

    def get_max_length(self) -> int:
        """It grows."""
        return -1

    get_max_cache_shape = get_max_length  # its name in older releases of transformers, abstract there

    def grow(self, capacity: int) -> None:
        """Make room for longer rows, keeping what is there."""
        if self.is_initialized:
            for name in ("keys", "values"):
                old = getattr(self, name)
                new = old.new_zeros(*old.shape[:2], capacity, old.shape[3])
                new[:, :, : old.shape[2]] = old
                setattr(self, name, new)

    def move(self, sources: list[int], targets: list[int], length: int) -> None:
        """Copy the first positions of slots to other slots; the two lists may overlap."""
        for name in ("keys", "values"):
            states = getattr(self, name)
            states[targets, :, :length] = states[sources, :, :length]


class PassPlan:
    """Where the current forward pass reads and writes; shared by all layers."""

    def __init__(self, slots: int, device: torch.device) -> None:
        self.slots = slots
        self.capacity = 0
        self.device = device
        self.index = torch.zeros(0, dtype=torch.long)
        """Slot of each row of the batch."""
        self.rows: slice | torch.Tensor = slice(0)
        """The same for reading: a slice is a view, a tensor copies."""
        self.positions = torch.zeros(0, 0, dtype=torch.long)
        """`[rows, new tokens]`"""
        self.end = 0
        """One past the last position that any row may see."""

    def aim(self, slots: Sequence[int], starts: Sequence[int], width: int) -> None:
        """Point the next pass at slots.

        Args:
            slots: One a row.
            starts: Position of each row's first new token.
            width: New tokens a row, padding included.
        """
        self.index = torch.tensor(slots, device=self.device)
        dense = list(slots) == list(range(len(slots)))
        self.rows = slice(len(slots)) if dense else self.index
        self.positions = torch.tensor(starts, device=self.device)[:, None] + torch.arange(width, device=self.device)
        self.end = max(starts) + width

    def mask(self, dtype: torch.dtype) -> torch.Tensor:
        """Additive causal mask `[rows, 1, new tokens, end]`."""
        seen = torch.arange(self.end, device=self.device) <= self.positions[:, None, :, None]
        mask = torch.zeros(seen.shape, dtype=dtype, device=self.device).masked_fill_(~seen, float("-inf"))
        if self.device.type == "cpu":
            # A GPU would rather launch one kernel and compute the padding.
            set_blocks(mask, self.positions[:, 0].tolist())
        return mask

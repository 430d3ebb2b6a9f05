"""The plain way: left-padded batches through transformers' `generate`, for models that the slot cache does not fit.

Sliding windows, state-space layers, ALiBi and attention kernels without masks end here. Rows choose and stop by the
same code as in the slot decoder; what is lost is speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig

from harness.engines._sampling import choose

if TYPE_CHECKING:
    from harness.engines._rows import Row


class StaticDecoder:
    """Generates for a batch from start to end."""

    computed_tokens = 0
    reused_tokens = 0

    def __init__(self, model: Any, slots: int) -> None:
        self.model = model
        self.slots = slots
        self.rows: list[Row] = []

    @property
    def free(self) -> int:
        """Rows that can be added: none while a batch is under way."""
        return 0 if self.rows else self.slots

    def add(self, rows: Sequence[Row]) -> list[Row]:
        """Take the rows of the next batch; none is finished by that."""
        self.rows = list(rows)
        return []

    @torch.inference_mode()
    def step(self) -> list[Row]:
        """Generate until every row is finished."""
        rows, width = self.rows, max(len(row.tokens) for row in self.rows)
        ids = torch.tensor([[0] * (width - len(row.tokens)) + row.tokens for row in rows], device=self.model.device)
        mask = torch.tensor([[0] * (width - len(row.tokens)) + [1] * len(row.tokens) for row in rows]).to(ids.device)
        limit = max(row.limit - len(row.out) for row in rows)
        self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=GenerationConfig(max_new_tokens=limit, do_sample=False, pad_token_id=0),
            logits_processor=[lambda _, logits: _choice(logits, rows)],
            stopping_criteria=[lambda ids, _: torch.tensor([row.finish is not None for row in rows]).to(ids.device)],
        )
        self.computed_tokens += int(mask.sum())
        self.rows = []
        return rows

    def halve(self) -> bool:
        """Give up the batch and half of its size after the device ran out of memory; whether a row has room by that."""
        rows, self.rows = self.rows, []
        self.slots = max(1, self.slots // 2)
        return len(rows) > 1


def _choice(logits: torch.Tensor, rows: list[Row]) -> torch.Tensor:
    """Leave only the chosen token of each row, so that `generate` takes it."""
    chosen = choose(logits, rows)
    for row, token in zip(rows, chosen.tolist(), strict=True):
        if row.finish is None:
            row.append(token)
    return torch.full_like(logits, float("-inf")).scatter_(1, chosen[:, None], 0.0)

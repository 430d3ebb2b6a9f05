"""The decode loop over a slot cache: many rows at once, which enter and leave at any step.

Slots remember their tokens, also after their row has left. A new row copies the longest common prefix that any slot
holds and computes only the rest: BFCL's system prompt is computed once, the next turn of a conversation starts where
the last one ended. Rows are kept dense (`0..n-1`), so that a step computes nothing for finished rows.

    slot 0  [system prompt | tools A | question 1 | reply]
    slot 1  [system prompt | tools A | question 2 | reply   ]      copied up to question 2
    slot 2  [system prompt | tools B | question 3]                 copied up to tools B
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers.cache_utils import Cache

from harness.engines._cache import PassPlan, SlotLayer
from harness.engines._sampling import choose

if TYPE_CHECKING:
    from harness.engines._rows import Row

WORTH_WAITING = 32
"""Tokens of a shared prefix that make it worth computing one row before its neighbours."""
SIMILAR = 0.75
"""Smallest share of a group's width that a row of the group may have: less is padding."""
GROW = 256


class SlotDecoder:
    """Generates for many rows at once over one model with full attention in every layer."""

    def __init__(self, model: Any, slots: int, token_budget: int, memory: int | None = None) -> None:
        """Allocate nothing yet.

        Args:
            model: A transformers model, in evaluation mode.
            slots: Rows at most.
            token_budget: Prompt tokens in one pass, padding included.
            memory: Bytes that keys and values may take; None for no limit. One row may always try.
        """
        self.model = model
        self.token_budget = token_budget
        self.memory = memory
        self._cache_argument = cache_argument(model)
        config = model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self._layer_count = config.num_hidden_layers
        self._token_bytes = 2 * self._layer_count * heads * size * model.dtype.itemsize
        self.rows: list[Row] = []
        """Row of slot `i`, for the slots in use."""
        self.computed_tokens = 0
        self.reused_tokens = 0
        self._reset(slots)

    def _reset(self, slots: int) -> None:
        self.plan = PassPlan(slots, self.model.device)
        self.layers = [SlotLayer(self.plan) for _ in range(self._layer_count)]
        self.cache = Cache(layers=[*self.layers])
        self.tokens = np.full((slots, 0), -1, dtype=np.int64)
        self.filled = np.zeros(slots, dtype=np.int64)
        """How many positions of each slot hold keys and values of `tokens`."""

    @property
    def free(self) -> int:
        """Rows that can be added."""
        return self.plan.slots - len(self.rows)

    @torch.inference_mode()
    def add(self, rows: Sequence[Row]) -> list[Row]:
        """Compute the prompts of new rows and their next token.

        Args:
            rows: At most `free` rows.

        Returns:
            Those that are finished already.

        Raises:
            MemoryError: Their keys and values would take more than `memory`.
        """
        finished = []
        waiting = sorted(rows, key=lambda row: row.tokens)
        while waiting:
            wave, waiting = self._wave(waiting)
            for group in self._groups(wave):
                finished += self._prefill(group)
        return finished

    @torch.inference_mode()
    def step(self) -> list[Row]:
        """Generate one token for every row.

        Returns:
            Rows that are finished by it.
        """
        slots = list(range(len(self.rows)))
        starts = self.filled[slots].tolist()
        self._reserve(max(starts) + 1)
        ids = [row.out[-1] for row in self.rows]
        self.tokens[slots, starts] = ids
        self.filled[slots] += 1
        logits = self._forward(torch.tensor(ids, device=self.plan.device)[:, None], slots, starts, [0] * len(slots))
        return self._take(slots, logits)

    def halve(self) -> bool:
        """Give up all rows and half of the slots after the device ran out of memory.

        The rows keep what they generated so far, so that they can be added again.

        Returns:
            Whether a row has more room now, even if it was alone: every slot is as long as the longest row.
        """
        slots, self.rows = self.plan.slots, []
        self._reset(max(1, slots // 2))
        return slots > 1

    @torch.inference_mode()
    def logits_of(self, prompts: Sequence[list[int]]) -> torch.Tensor:
        """Logits after each of a few prompts, `[prompts, vocabulary]`; the slots are free afterwards."""
        width = max(map(len, prompts))
        self._reserve(width)
        padded = torch.tensor([ids + [0] * (width - len(ids)) for ids in prompts], device=self.plan.device)
        count = len(prompts)
        return self._forward(padded, list(range(count)), [0] * count, [len(ids) - 1 for ids in prompts])

    def _wave(self, rows: list[Row]) -> tuple[list[Row], list[Row]]:
        """Split sorted rows into those to compute now and those that share more with one of them than with any slot."""
        now: list[Row] = []
        later: list[Row] = []
        for row in rows:
            if now and _common(now[-1].tokens, row.tokens) > self._donor(row.tokens)[1] + WORTH_WAITING:
                later.append(row)
            else:
                now.append(row)
        return now, later

    def _donor(self, tokens: Sequence[int]) -> tuple[int, int]:
        """The slot with the longest common prefix, and its length; the last token is always computed anew."""
        width = min(len(tokens) - 1, self.tokens.shape[1])
        held = np.arange(width) < self.filled[:, None]
        differs = ~(held & (self.tokens[:, :width] == np.asarray(tokens[:width])))
        lengths = np.where(differs.any(1), differs.argmax(1), width) if width else np.zeros(1, int)
        donor = int(lengths.argmax())
        return donor, int(lengths[donor])

    def _groups(self, wave: list[Row]) -> Iterator[list[Row]]:
        """Rows with about as much to compute together, within the token budget."""
        group: list[Row] = []
        widest = 0
        todo = [(len(row.tokens) - self._donor(row.tokens)[1], row) for row in wave]
        for width, row in sorted(todo, key=lambda entry: -entry[0]):
            if group and (width < SIMILAR * widest or widest * (len(group) + 1) > self.token_budget):
                yield group
                group = []
            widest = widest if group else width
            group.append(row)
        yield group

    def _prefill(self, rows: list[Row]) -> list[Row]:
        slots = list(range(len(self.rows), len(self.rows) + len(rows)))
        donors = [self._donor(row.tokens) for row in rows]
        starts = [shared for _, shared in donors]
        ids = [row.tokens[start:] for row, start in zip(rows, starts, strict=True)]
        width = max(map(len, ids))
        self._reserve(max(starts) + width)
        self._move([donor for donor, _ in donors], slots, max(starts))
        for slot, row, shared in zip(slots, rows, starts, strict=True):
            self.tokens[slot, : len(row.tokens)] = row.tokens
            self.filled[slot] = len(row.tokens)
            # A row that comes back after an out-of-memory error may share its reply, too.
            row.cached = min(shared, len(row.prompt)) if row.cached is None else row.cached
        padded = torch.tensor([part + [0] * (width - len(part)) for part in ids], device=self.plan.device)
        # A prompt longer than the budget is alone in its group and computed piece by piece.
        for offset in range(0, width, self.token_budget):
            piece = padded[:, offset : offset + self.token_budget]
            last = [min(len(part) - offset, piece.shape[1]) - 1 for part in ids]
            logits = self._forward(piece, slots, [start + offset for start in starts], last)
        self.rows += rows
        self.computed_tokens += sum(map(len, ids))
        self.reused_tokens += sum(starts)
        return self._take(slots, logits)

    def _forward(self, ids: torch.Tensor, slots: list[int], starts: list[int], last: list[int]) -> torch.Tensor:
        """One pass. Returns the logits after each row's token at `last`, `[rows, vocabulary]`."""
        self.plan.aim(slots, starts, ids.shape[1])
        keep = sorted(set(last))
        logits = self.model(
            input_ids=ids,
            position_ids=self.plan.positions,
            attention_mask=self.plan.mask(self.model.dtype),
            use_cache=True,
            logits_to_keep=torch.tensor(keep, device=self.plan.device),
            **{self._cache_argument: self.cache},
        ).logits
        return logits[torch.arange(len(last)), [keep.index(place) for place in last]]

    def _take(self, slots: list[int], logits: torch.Tensor) -> list[Row]:
        """Give each slot's row its next token; rows that are finished leave."""
        rows = [self.rows[slot] for slot in slots]
        done = [row.append(token) for row, token in zip(rows, choose(logits, rows).tolist(), strict=True)]
        for slot in reversed([slot for slot, ended in zip(slots, done, strict=True) if ended]):
            end = len(self.rows) - 1
            if slot != end:
                # Swapped, not overwritten: the next turn of the conversation that ends here wants its keys.
                self._move([slot, end], [end, slot], int(self.filled[[slot, end]].max()))
                self.tokens[[slot, end]] = self.tokens[[end, slot]]
                self.filled[[slot, end]] = self.filled[[end, slot]]
                self.rows[slot] = self.rows[end]
            self.rows.pop()
        return [row for row, ended in zip(rows, done, strict=True) if ended]

    def _move(self, sources: list[int], targets: list[int], length: int) -> None:
        if length and sources != targets:
            for layer in self.layers:
                layer.move(sources, targets, length)

    def _reserve(self, length: int) -> None:
        if length > self.plan.capacity:
            capacity = -(-length // GROW) * GROW
            if self.memory and self.plan.slots > 1 and self.plan.slots * capacity * self._token_bytes > self.memory:
                raise MemoryError(f"{self.plan.slots} rows of {capacity} tokens")
            self.plan.capacity = capacity
            for layer in self.layers:
                layer.grow(self.plan.capacity)
            added = np.full((self.plan.slots, self.plan.capacity - self.tokens.shape[1]), -1, dtype=np.int64)
            self.tokens = np.concatenate([self.tokens, added], axis=1)


def cache_argument(model: Any) -> str:
    """What the model's forward pass calls its cache.

    Returns:
        `cache` in transformers from 5.24 on; `past_key_values` before, and in remote code written for that.
    """
    # A compiled model hides its parameters behind `*args`.
    forward = getattr(model, "_orig_mod", model).forward
    return "cache" if "cache" in inspect.signature(forward).parameters else "past_key_values"


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the common prefix."""
    width = min(len(first), len(second))
    differs = np.asarray(first[:width]) != np.asarray(second[:width])
    return int(differs.argmax()) if differs.any() else width

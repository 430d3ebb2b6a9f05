"""Records to micro-batches: padded rows, several records in a row that do not see each other, or trees of records."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from torch import Tensor

from trainer.losses.regions import Labels
from trainer.store import Record, lengths
from trainer.tree import Tree, sight

Row = tuple[Record | Tree, ...]
"""What the data loader counts as one item: a single record or tree, or those packed into one row."""


class Rows(Sequence[Row]):
    """What a run trains on: rows of items, put together when they are asked for.

    Args:
        items: Records or trees.
        groups: Which of them each row holds; None for one a row.
    """

    def __init__(self, items: Sequence[Record | Tree], groups: Sequence[Sequence[int]] | None = None) -> None:
        self.items, self.groups = items, groups

    def __len__(self) -> int:
        return len(self.items if self.groups is None else self.groups)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if self.groups is None:
            return (self.items[index],)
        return tuple(self.items[each] for each in self.groups[index])

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row, shape (rows,)."""
        each = lengths(self.items)
        return each if self.groups is None else np.array([each[list(group)].sum() for group in self.groups])


def pack(items: Sequence[Record | Tree], length: int) -> Rows:
    """Fill rows with whole records or trees, longest first, each into the fullest row that still holds it.

    Args:
        items: None longer than `length`.
        length: Tokens of a row at most.

    Returns:
        Rows, the same for the same records.
    """
    rows: list[list[int]] = []
    spaces: list[int] = []  # what rows have left in tokens: ascending, each once
    with_space: defaultdict[int, list[int]] = defaultdict(list)
    sizes = lengths(items)
    for item in np.argsort(-sizes, kind="stable").tolist():
        size = int(sizes[item])
        at = bisect_left(spaces, size)
        if at == len(spaces):
            row, space = len(rows), length
            rows.append([])
        else:
            space = spaces[at]
            row = with_space[space].pop()
            if not with_space[space]:
                del spaces[at]
        rows[row].append(item)
        left = space - size
        if not with_space[left]:
            insort(spaces, left)
        with_space[left].append(row)
    return Rows(items, rows)


@dataclass(frozen=True, slots=True)
class Collator:
    """Makes a micro-batch of rows, padded on the right.

    Padding stands behind everything it could disturb, so that no attention mask is needed. In packed batches position
    ids start anew with every record: from these transformers builds a mask that keeps records apart (SDPA), or the
    sequence bounds of FlashAttention's variable-length kernels. Trees of several records bring a mask.
    """

    pad: int
    """Token id of the padding."""

    def __call__(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        """Join rows.

        Args:
            rows: What the data set gives.

        Returns:
            `input_ids`, `regions`, `samples`, `weights` (of the samples), `parents` (index in the row of the token
            before; -1 where there is none) and, where records are packed, `position_ids`, each of shape (rows, longest
            row); where they are trees, `attention_mask` of shape (rows, 1, longest row, longest row).
        """
        planted = [[each if isinstance(each, Tree) else Tree().add(each) for each in row] for row in rows]
        width = max(sum(map(len, row)) for row in planted)
        ids = torch.full((len(rows), width), self.pad)
        regions, samples, positions = (torch.zeros((len(rows), width), dtype=torch.long) for _ in range(3))
        weights, parents = torch.ones((len(rows), width)), torch.arange(-1, width - 1).repeat(len(rows), 1)
        index = 0
        for row, row_trees in enumerate(planted):
            end = 0
            for tree in row_trees:
                start, end = end, end + len(tree)
                ids[row, start:end] = torch.frombuffer(tree.ids, dtype=torch.int32)
                regions[row, start:end] = torch.frombuffer(tree.regions, dtype=torch.int8)
                owners = torch.frombuffer(tree.owners, dtype=torch.int32).long()
                samples[row, start:end] = index + owners
                weights[row, start:end] = torch.tensor(tree.weights)[owners]
                parents[row, start:end] = torch.frombuffer(tree.parents, dtype=torch.int32) + start
                parents[row, start] = -1
                positions[row, start:end] = torch.frombuffer(tree.depths, dtype=torch.int32)
                index += len(tree.weights)
            positions[row, end:] = torch.arange(width - end)
        batch = {"input_ids": ids, "regions": regions, "samples": samples, "weights": weights, "parents": parents}
        branched = any(len(tree.weights) > 1 for row in planted for tree in row)
        if branched or any(len(row) > 1 for row in rows):
            batch["position_ids"] = positions
        if branched:
            batch["attention_mask"] = torch.stack([sight(row, width) for row in planted])[:, None]
        return batch


def labels(batch: dict[str, Tensor]) -> tuple[Labels, Tensor, Tensor]:
    """The scored tokens of a micro-batch.

    Args:
        batch: From a `Collator`.

    Returns:
        Their labels; their ids; and where they are predicted: indices of the tokens before them, rows flat. All of
        shape (tokens,).
    """
    scored = batch["regions"] > 0
    marked = Labels(batch["regions"][scored], batch["samples"][scored], batch["weights"][scored])
    rows = torch.arange(len(scored), device=scored.device)[:, None] * scored.shape[1]
    return marked, batch["input_ids"][scored], (batch["parents"] + rows)[scored]

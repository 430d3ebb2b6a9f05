"""Records of one conversation as a tree, which holds once what they share.

Record k + 1 of a conversation begins as record k does, up to the reply that the one learns and the other shows without
its thinking. So branches leave after each prompt:

    system, tools, question 1 ┬ think 1, reply 1                                   (record 1)
                              └ reply 1 as shown, results, question 2 ┬ think 2 …  (record 2)
                                                                      └ …

A token sees its branch from the root to itself and stands at its depth, which is what it sees in its own record: loss
and gradients are those of the records one by one. What is shared is found by token ids, whatever the template does.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from harness.errors import UsageProblem
from trainer.store import Record

MASKED = ("sdpa", "eager")
"""Attention implementations of transformers that take a mask of any shape."""
REMEDY = "Leave --share-prefix out; --packing fills rows without sharing."


@dataclass(slots=True)
class Tree:
    """Tokens of records, record after record, each without those that it shares with the one before it."""

    ids: array[int] = field(default_factory=lambda: array("i"))
    regions: array[int] = field(default_factory=lambda: array("b"))
    parents: array[int] = field(default_factory=lambda: array("i"))
    """Index of the token before; -1 for the root."""
    depths: array[int] = field(default_factory=lambda: array("i"))
    """Tokens before it in its record."""
    owners: array[int] = field(default_factory=lambda: array("i"))
    """Which record learns it, from 0."""
    weights: list[float] = field(default_factory=list)
    """Of the records."""
    starts: list[int] = field(default_factory=list)
    """Index of the first token that each record adds."""
    path: array[int] = field(default_factory=lambda: array("i"))
    """Indices of the last record's tokens, root first."""

    def __len__(self) -> int:
        return len(self.ids)

    def shared(self, record: Record) -> int:
        """How many tokens a record has in common with the last one; none that both would learn."""
        depth = 0
        for node, token, region in zip(self.path, record.ids, record.regions, strict=False):
            if token != self.ids[node] or (region and self.regions[node]):
                break
            depth += 1
        return depth

    def add(self, record: Record, shared: int = 0) -> Tree:
        """Add a record.

        Args:
            record: The record.
            shared: Tokens that it has in common with the last one.

        Returns:
            Itself.
        """
        number, start = len(self.starts), len(self)
        for node, region in zip(self.path[:shared], record.regions, strict=False):
            if region:
                self.regions[node], self.owners[node] = region, number
        own = range(start, start + len(record) - shared)
        self.path = self.path[:shared] + array("i", own)
        self.ids += record.ids[shared:]
        self.regions += record.regions[shared:]
        self.parents += array("i", [self.path[shared - 1] if shared else -1, *own[:-1]][: len(own)])
        self.depths += array("i", range(shared, len(record)))
        self.owners += array("i", [number] * len(own))
        self.weights.append(record.weight)
        self.starts.append(start)
        return self


def trees(records: Iterable[Record], length: int) -> list[Tree]:
    """Put replies of a conversation that follow each other into one tree.

    Args:
        records: None longer than `length`.
        length: Tokens of a tree at most; a longer conversation makes several.

    Returns:
        Trees in the order of the records.
    """
    made: list[Tree] = []
    last = ""
    for record in records:
        shared = made[-1].shared(record) if made and _goes_on(last, record.id) else 0
        if shared and len(made[-1]) + len(record) - shared <= length:
            made[-1].add(record, shared)
        else:
            made.append(Tree().add(record))
        last = record.id
    return made


def _goes_on(last: str, now: str) -> bool:
    """Whether a record is of the same conversation as the one before it: ids are `7@1`, `7@3`, and `7` at the end."""
    conversation, at, _ = last.rpartition("@")
    return bool(at) and conversation in (now, now.rpartition("@")[0])


def sight(row: Iterable[Tree], width: int) -> Tensor:
    """What each token of a row sees: the tokens before it on its own branch, and itself.

    Args:
        row: Trees that stand behind each other.
        width: Of the row with its padding, which sees itself.

    Returns:
        Shape (width, width); true where the token of the first index sees that of the second.
    """
    mask = torch.eye(width, dtype=torch.bool)
    offset = 0
    for tree in row:
        for start, end in zip(tree.starts, [*tree.starts[1:], len(tree)], strict=True):
            if end > start and (before := tree.parents[start]) >= 0:
                mask[offset + start : offset + end] = mask[offset + before]
            own = slice(offset + start, offset + end)
            mask[own, own] = torch.ones(end - start, end - start, dtype=torch.bool).tril()
        offset += len(tree)
    return mask


def refuse(attention: str, model: Any, longest: int) -> None:
    """Refuse a model whose attention cannot be given the mask of a tree.

    Args:
        attention: Name of its implementation.
        model: The model's config.
        longest: Tokens of a row at most.

    Raises:
        UsageProblem: The implementation takes no mask, or layers have windows or states instead of full attention.
    """
    if attention not in MASKED:
        raise UsageProblem(
            f"--share-prefix with --attn-implementation {attention}, which takes no mask of its own",
            f"Use --attn-implementation {MASKED[0]}, or --packing without sharing.",
        )
    window = getattr(model, "sliding_window", None) if getattr(model, "use_sliding_window", True) else None
    kinds = set(getattr(model, "layer_types", None) or (["sliding_attention"] if window else []))
    kinds -= {"full_attention", *(["sliding_attention"] if not window or window >= longest else [])}
    if kinds:
        raise UsageProblem(f"--share-prefix: {model.model_type} has layers of {', '.join(sorted(kinds))}", REMEDY)

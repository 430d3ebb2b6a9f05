"""The items of a training by reinforcement: what is asked, token for token as the harness asks it, and the reference.

Records are those that `trainer run` reads: the reference is the answer, `think` is not used. Each assistant turn of a
conversation is an item of its own (`--turns`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness import chat
from harness.data import examples
from harness.data.turns import turns
from harness.errors import DataError
from harness.protocols import Handler
from harness.text import one_line
from harness.types import Example, Query
from trainer.data import REFUSALS, Corpus, query_of
from trainer.rl.config import RLConfig
from trainer.rl.region import marks
from trainer.rl.rewards import Reward
from trainer.run import convention, read_all, reading


@dataclass(frozen=True, slots=True)
class Item:
    """A question with its reference."""

    example: Example
    query: Query
    prompt: list[int]
    """Token ids, the forced start of the reply included."""
    opened: bool
    """The prompt ends with an opened think block."""
    keep_special_tokens: bool
    """The handler reads special tokens of the reply."""

    def __len__(self) -> int:
        return len(self.prompt)


def read_items(config: RLConfig, tokenizer: Any, reward: Reward) -> tuple[Corpus, Handler]:
    """Read the data sets of a run.

    Args:
        config: The run.
        tokenizer: The model's.
        reward: Items that it could not judge are left out.

    Returns:
        Items as the records of a corpus, with the counts of what was not used, and the handler that asks them.
    """
    handler, positions = convention(config, tokenizer, rules="strict")
    reader = _Reader(config, tokenizer, handler, reward, positions)
    return read_all(config, config.sources, reader.corpus), handler


@dataclass(frozen=True, slots=True)
class _Reader:
    config: RLConfig
    tokenizer: Any
    handler: Handler
    reward: Reward
    positions: int | None

    def corpus(self, source: str, form: str, limit: int | None) -> Corpus:
        """Read one data set.

        Raises:
            DataError: No item is left.
        """
        corpus = Corpus(sha256=examples.sha256(source))
        rows = islice(examples.read(source, form, **reading(self.config)), limit)
        corpus.records = [item for row in rows for item in self._items(row, corpus.counts)]
        corpus.counts["items"] = len(corpus.records)
        if not corpus.records:
            reasons = ", ".join(f"{name}: {count}" for name, count in corpus.counts.items())
            raise DataError(f"{source}: no row can be trained on ({reasons})")
        return corpus

    def _items(self, row: Example | examples.Unusable, counts: Counter[str]) -> Iterator[Item]:
        counts["rows"] += 1
        if isinstance(row, examples.Unusable):
            counts[f"unusable: {one_line(row.reason, 200)}"] += 1
            return
        for _, turn in turns(row) if self.config.turns == "all" else [(0, row)]:
            doubt = self.reward.doubt(turn)
            if doubt:
                counts[f"reward {self.reward.name} cannot judge: {one_line(doubt, 200)}"] += 1
                continue
            try:
                item = self._item(turn)
            except REFUSALS as problem:
                counts[f"unusable: {one_line(str(problem), 200) or type(problem).__name__}"] += 1
                continue
            if len(item) > self.config.max_prompt_length:
                counts["dropped: prompt too long"] += 1
            elif self.positions and len(item) >= self.positions:
                counts[f"dropped: longer than the model's {self.positions} positions"] += 1
            else:
                yield item

    def _item(self, example: Example) -> Item:
        query = query_of(example)
        prompt = self.handler.render(query)
        ids = chat.encode(prompt, self.tokenizer)
        around = marks(self.handler)
        opened = around is not None and chat.render(prompt, self.tokenizer).rstrip().endswith(around.open)
        return Item(example, query, ids, opened, prompt.keep_special_tokens)

"""From a sampled reply to its reward: what the handler reads in it, and whether its format is right.

A reply is worth 0 before any reward sees it where it was cut off, where its thinking does not close, and where the
handler names a problem; a reward then judges the rest (`trainer.rl.rewards`). Everything is read by the code that
evaluates: `harness.engines` turns tokens into text, the handler's `parse` into thinking and calls.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.engines.hf import read_tokens
from harness.protocols import Handler
from harness.types import Generation
from trainer.rl import region
from trainer.rl.items import Item
from trainer.rl.region import Region
from trainer.rl.rewards import Attempt, Reward

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scored:
    """A reply with what was made of it."""

    generation: Generation
    think: Region
    reward: float | None
    """None where it cannot be judged: it leaves its group."""
    problem: str = ""
    """Why its format is wrong, or why it cannot be judged."""


class Scorer:
    """Reads and judges replies.

    Args:
        reward: Judges replies of the right format.
        handler: The model's convention.
        tokenizer: The model's.
        ends: Tokens that end a reply.
        needs_think: A reply without a closed think block is wrong.
    """

    def __init__(
        self, reward: Reward, handler: Handler, tokenizer: Any, ends: frozenset[int], needs_think: bool = True
    ) -> None:
        self.reward, self.handler, self.tokenizer, self.ends = reward, handler, tokenizer, ends
        self.needs_think = needs_think
        self.marks = region.marks(handler)

    def __call__(self, item: Item, ids: Sequence[int]) -> Scored:
        """Judge one reply.

        Args:
            item: What was asked.
            ids: The reply's tokens, with the one that ended it.

        Returns:
            The reply, its think tokens and its reward; a failing reward gives None, and never ends a run.
        """
        generation = read_tokens(self.tokenizer, item.prompt, ids, self.ends, item.keep_special_tokens)
        think = region.find(self.tokenizer, ids, self.marks, item.opened)
        try:
            value, problem = self._judged(item, generation, think)
        except Exception as error:  # noqa: BLE001 - a reward may be anybody's, and one bad reply never ends a run
            LOG.warning("reward %s cannot judge a reply to %s: %s", self.reward.name, item.example.id, error)
            value, problem = None, f"{type(error).__name__}: {error}"
        return Scored(generation, think, value, problem)

    def _judged(self, item: Item, generation: Generation, think: Region) -> tuple[float | None, str]:
        reply = self.handler.parse(generation, item.query)
        problem = "truncated" if generation.finish == "length" else reply.problem
        if problem is None and self.needs_think and not think.closed:
            problem = "no_think"
        if problem is not None:
            return 0.0, problem
        value = self.reward.judge(Attempt(item.example, item.query, generation, reply))
        return value, "" if value is not None else "not judged"

"""What a reply is worth. To add a reward: a module here that exports `PLUGIN`, a `Reward`; packages add theirs by entry
point in the group `trainer.rewards`.

A reward sees replies whose format is right: thinking closed, not cut off, read by the handler without a problem. What
it cannot judge is None: such a reply leaves its group, and is counted.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Protocol

from harness import plugins
from harness.errors import unknown_name
from harness.types import Example, Generation, Query, Reply

GROUP = "trainer.rewards"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reply to an item, as the handler reads it."""

    example: Example
    """Its `answer` is the reference."""
    query: Query
    generation: Generation
    reply: Reply


class Reward(Protocol):
    """A judgement of replies."""

    name: str

    def doubt(self, example: Example) -> str | None:
        """Why no reply to this item could be judged; None where replies can be."""

    def judge(self, attempt: Attempt) -> float | None:
        """What a reply of the right format is worth, usually 1 or 0; None where it cannot be judged."""


def names() -> list[str]:
    """All rewards. Imports none of them."""
    return sorted({*plugins.modules(__name__), *plugins.points(GROUP)})


def load(name: str) -> Reward:
    """A reward by its name.

    Raises:
        UsageProblem: There is no such reward.
    """
    if name not in names():
        raise unknown_name("--reward", name, names())
    theirs = plugins.points(GROUP).get(name)
    plugin: Any = theirs.load() if theirs else importlib.import_module(f"{__name__}.{name}").PLUGIN
    found: Reward = plugin
    return found

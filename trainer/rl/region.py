"""Which tokens of a sampled reply are thinking, by characters and never by token ids.

A tokenizer need not have `</think>` as a token: Qwen2.5's joins its `>` with the line breaks behind it. So the marks
are looked for in the text, as `trainer.data` does, and a token across a seam belongs to where it starts. Which marks
enclose thinking is asked of the handler, by what it writes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from harness.protocols import Handler
from harness.types import Reply
from trainer.data import SENTINEL


class Marks(NamedTuple):
    """What encloses thinking."""

    open: str
    close: str


class Region(NamedTuple):
    """The think tokens of a reply: those from `start` up to `end`, tags included."""

    start: int
    end: int
    closed: bool
    """Whether there is a block that ends."""


def marks(handler: Handler) -> Marks | None:
    """The marks that a handler puts around thinking; None where it cannot write thinking."""
    try:
        written = handler.write(Reply(SENTINEL, "answer"))
    except ValueError:
        return None
    before, _, after = written.text[slice(*written.think)].partition(SENTINEL)
    return Marks(before.strip(), after.strip()) if before.strip() and after.strip() else None


def find(tokenizer: Any, ids: Sequence[int], around: Marks | None, opened: bool) -> Region:
    """The think tokens of a reply.

    Args:
        tokenizer: The model's.
        ids: The reply's tokens.
        around: The handler's marks; without any there is no region.
        opened: The prompt ends with an opened block, so that the region starts with the reply.

    Returns:
        The region: up to the end where the block never closes, empty where none is opened.
    """
    if around is None:
        return Region(0, 0, False)
    whole = _text(tokenizer, ids, len(ids))
    at = 0 if opened else whole.find(around.open)
    if at < 0:
        return Region(0, 0, False)
    close = whole.find(around.close, at)
    length = partial(_length, tokenizer, ids)
    start = 0 if at == 0 else _first(len(ids), lambda count: length(count) >= at)
    if close < 0:
        return Region(start, len(ids), False)
    end = close + len(around.close)
    # A prefix that ends within a character shows a stand-in for it, which may be as long as the mark is.
    return Region(start, _first(len(ids), lambda count: around.close in _text(tokenizer, ids, count)[at:end]), True)


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The smallest number of tokens for which something holds that keeps holding."""
    return bisect_left(range(count + 1), True, key=holds)


def _text(tokenizer: Any, ids: Sequence[int], count: int) -> str:
    text: str = tokenizer.decode(list(ids[:count]), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text


def _length(tokenizer: Any, ids: Sequence[int], count: int) -> int:
    return len(_text(tokenizer, ids, count))

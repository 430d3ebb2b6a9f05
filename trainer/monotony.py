"""Whether records think: `msl` and `ssb` give the think region half of the loss, also where it is always the same.

Three constant tokens (`<think>\\n</think>`) that get half of the gradient teach nothing and crowd out the calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.data.thinking import SAMPLE, SHARE, commonest
from harness.text import one_line
from trainer.losses import THINK
from trainer.store import Record


def warning(records: Sequence[Record], tokenizer: Any, loss: str) -> str | None:
    """What to tell of records that all think the same.

    Args:
        records: Up to `SAMPLE` of them are looked at, evenly spread.
        tokenizer: Shows what they think.
        loss: Name of the loss; `sft` weighs constant tokens as few as they are.

    Returns:
        A sentence; None where thinking differs, or the loss does not weigh it.
    """
    if loss not in ("msl", "ssb"):
        return None
    places = range(0, len(records), max(1, len(records) // SAMPLE))
    thought, share = commonest([_think(records[place]) for place in places])
    if not thought or len(places) < 2 or share < SHARE:
        return None
    shown = one_line(tokenizer.decode(thought), 60)
    return (
        f"{share:.0%} of the records think the same {len(thought)} tokens, {shown!r}, to which --loss {loss} gives as "
        "much weight as to the calls: write thinking by `refine run --write-cot`, or train with --loss sft"
    )


def _think(record: Record) -> tuple[int, ...]:
    return tuple(token for token, region in zip(record.ids, record.regions, strict=True) if region == THINK)

"""Between the programs: a harness run as candidates to refine, and refined candidates as training data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from harness import plugins
from harness.data import examples as data
from harness.results import store
from harness.types import Example, Query

REPEAT = "#"
"""Separates the id of an example from the number of its rollout."""


def candidates(run: Path, source: Path) -> Iterator[Example]:
    """A model's replies over a data set, as examples with its own thinking and calls.

    Args:
        run: Folder of a `harness run --tasks examples` over the data set.
        source: The data set.

    Yields:
        An example a readable reply, with the id of its source and the number of the rollout; replies with a problem
        (thinking that never closes, truncation) are left out.
    """
    asked = {row.id: row for row in data.read(source) if isinstance(row, Example)}
    record = store.read_run(run)
    handler = plugins.handler(record.handler, record.handler_options, record.rules)
    for line in store.read_samples(run):
        origin = asked[line.id]
        if line.fault is not None or not line.steps:
            continue
        reply = handler.parse(line.steps[-1].generation, Query(origin.messages, origin.tools))
        if reply.problem is None:
            yield replace(
                origin,
                id=f"{line.id}{REPEAT}{line.repeat}",
                think=reply.think,
                answer=reply.text,
                source={**origin.source, "reference": origin.answer},
            )


def best(kept: Iterable[Example]) -> list[Example]:
    """The best-scored rollout of each source example, the earliest among equals.

    Args:
        kept: Refined candidates.

    Returns:
        One example a source id, under that id.
    """
    chosen: dict[str, Example] = {}
    for example in kept:
        origin = example.id.rpartition(REPEAT)[0]
        if origin not in chosen or example.source.get("score", 0) > chosen[origin].source.get("score", 0):
            chosen[origin] = example
    return [replace(example, id=origin) for origin, example in chosen.items()]


def split_hard(source: Iterable[Example], solved: Iterable[Example]) -> list[Example]:
    """What of the hard set is still hard: the examples of which no rollout was kept.

    Args:
        source: The hard set.
        solved: What `best` returned.

    Returns:
        The rest, as it was.
    """
    done = {example.id for example in solved}
    return [example for example in source if example.id not in done]

"""The record of a run that was made of shards: sums, and what they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.results import provenance
from harness.results.lines import SampleLine
from harness.results.shards import Shard
from harness.results.tally import Tally
from harness.results.usage import account, recorded_prices
from harness.types import Reading, RunRecord, Score

Blocks = Sequence[Sequence[Shard]]
"""Shards with different items, by repeat."""


def joined(blocks: Blocks, lines: Sequence[SampleLine], dropped: int) -> RunRecord:
    """The record of a merged run.

    Args:
        blocks: Its shards.
        lines: Its lines.
        dropped: Lines of helpers that were in more than one shard.

    Returns:
        The record; its id is the first shard's.
    """
    shards = [shard for block in blocks for shard in block]
    records = [record for shard in shards for record in shard.records]
    first = min(records, key=lambda record: record.started)
    tally = Tally({}, recorded_prices(first))
    for line in lines:
        tally.add(line)
    n = None if any(shard.n is None for shard in shards) else sum(shard.n or 0 for shard in shards) - dropped
    left = None if n is None else max(0, n - tally.finished)
    hours = [record.usage.gpu_hours for record in records if record.usage.gpu_hours is not None]
    seconds = round(sum(record.seconds for record in records), 3)
    versions = dict.fromkeys(part for record in records for part in (record.engine.version or "").split("; "))
    batches, seeds = (
        {*values} for values in zip(*((r.engine.batch_size, r.sampling.seed) for r in records), strict=True)
    )
    about = replace(
        first.benchmark,
        categories=tuple(dict.fromkeys(name for record in records for name in record.benchmark.categories)),
        n=n,
        left=left,
        limit=None,
        ids=(),
        samples_sha256=provenance.digest(sorted(str(shard.record.benchmark.samples_sha256) for shard in shards)),
    )
    return replace(
        first,
        status="complete" if not left and all(shard.whole for shard in shards) else "incomplete",
        benchmark=about,
        engine=replace(
            first.engine,
            version="; ".join(filter(None, versions)) or None,
            batch_size=batches.pop() if len(batches) == 1 else None,
        ),
        sampling=replace(first.sampling, seed=seeds.pop() if len(seeds) == 1 else None),
        repeats=sum(max(shard.record.repeats for shard in block) for block in blocks),
        readings=_readings(records),
        planned=_planned(shards) if not dropped else {},
        config_sha256=provenance.digest(sorted(shard.record.config_sha256 for shard in shards)),
        scores=_scores(blocks, tally.scores()),
        tokens=tally.tokens,
        seconds=seconds,
        usage=account(tally.used, seconds, sum(hours) if hours else None, tally.prices),
    )


def _readings(records: Sequence[RunRecord]) -> dict[str, Reading]:
    """What could be read of all parts together."""
    found: dict[str, list[Reading]] = {}
    for record in records:
        for name, reading in record.readings.items():
            found.setdefault(name, []).append(reading)
    return {name: _summed(parts) for name, parts in found.items()}


def _summed(parts: Sequence[Reading]) -> Reading:
    asked, unread, sampled = (sum(getattr(part, name) for part in parts) for name in ("asked", "unread", "sampled"))
    beginnings, dialects = Counter[str](), Counter[str]()
    for part in parts:
        beginnings.update(part.beginnings)
        dialects.update(part.dialects)
    return Reading(asked, unread, dict(beginnings.most_common()), dict(dialects.most_common()), sampled)


def _planned(shards: Sequence[Shard]) -> dict[str, int]:
    """Planned episodes of each category; empty where a shard does not say."""
    if not all(shard.record.planned for shard in shards):
        return {}
    return dict(sum((Counter(shard.record.planned) for shard in shards), Counter[str]()))


def _scores(blocks: Blocks, scores: Mapping[str, Score]) -> dict[str, Score]:
    """Scores whose n is that of the data set, as the shards say, times repeats."""
    sizes: Counter[str] = Counter()
    for block in blocks:
        said: Counter[str] = Counter()
        for shard in block:
            for record in shard.records:
                said |= Counter({name: score.n for name, score in record.scores.items()})
        sizes += said
    return {name: replace(score, n=max(sizes[name], score.judged + score.unscored)) for name, score in scores.items()}

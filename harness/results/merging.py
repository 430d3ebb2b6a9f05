"""Join shards of one run: by items, categories, repeats or seeds, and attempts at one shard.

Shards are runs of one model, asked and judged in one way. Runs of one configuration are attempts at one shard: the
fullest counts, and what it lacks is taken from the others. Shards with different items are put side by side, shards
with the same items are repeats of them; shards that overlap in part are refused. Which run an item comes from never
depends on its verdict.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness import files
from harness.errors import UsageProblem
from harness.protocols import Report
from harness.results import store
from harness.results.lines import SampleLine, encode
from harness.results.merged import Blocks, joined
from harness.results.shards import Shard, check, read
from harness.types import Key, ShardsInfo

SHOWN = 3
"""Ids that a message names."""


def merge(
    folders: Iterable[Path],
    output: Path,
    expected: int | None = None,
    repeats: bool = False,
    report: Report = store.log,
) -> Path:
    """Join shards of one benchmark into a run.

    Args:
        folders: The shards' folders.
        output: Results folder that the run is stored in.
        expected: Shards that there should be; None where that is not known.
        repeats: Runs of one configuration are repeats, not attempts.
        report: Told about lines that cannot be used, and what was left out.

    Returns:
        The run's folder.

    Raises:
        UsageProblem: The runs differ in more than their items, overlap in part, or are more than were expected.
    """
    runs = [read(folder, report) for folder in folders]
    check(runs)
    shards = runs if repeats else _attempts(runs, report)
    found = len(shards)
    if expected is not None and found > expected:
        raise UsageProblem(f"there are {found} shards, and there should be {expected}", "Give the right folders.")
    blocks = _blocks(shards, repeats)
    if expected is None or found == expected:
        _refuse_gaps(blocks)
    lines, dropped = _lines(blocks)
    record = joined(blocks, lines, dropped)
    told = ShardsInfo(tuple(sorted({run.record.run_id for run in runs})), found, expected)
    if told.told:
        record = replace(record, status="incomplete")
    folder = store.new_run(output, record.model, record.benchmark.name)
    files.write_atomic(folder / store.SAMPLES, b"".join(map(encode, lines)))
    store.write_run(folder, replace(record, run_id=folder.name, shards=told))
    return folder


def _attempts(runs: Sequence[Shard], report: Report) -> list[Shard]:
    """One shard for each configuration."""
    same: dict[str, list[Shard]] = defaultdict(list)
    for number, run in enumerate(runs):
        same[run.record.config_sha256 or str(number)].append(run)
    return [_fullest(tries, report) for tries in same.values()]


def _fullest(tries: Sequence[Shard], report: Report) -> Shard:
    # Of copies of one run, perhaps taken before it was continued, the fullest; they are not attempts.
    tries = list({shard.record.run_id: shard for shard in sorted(tries, key=_finished)}.values())
    complete = [shard.record.run_id for shard in tries if shard.whole]
    if len(complete) > 1:
        raise UsageProblem(
            f"runs {' and '.join(complete[:SHOWN])} are of one configuration, and each is complete",
            "Leave out all but one, or give --repeats if they are repeats.",
        )

    first, *others = sorted(tries, key=lambda shard: (-_finished(shard), shard.record.started))
    lines = dict(first.lines)
    for other in others:
        for key, line in other.lines.items():
            if line.fault is None and (key not in lines or lines[key].fault is not None):
                lines[key] = line
    taken = sum(line is not first.lines.get(key) for key, line in lines.items())
    for other in others:
        report(f"run {other.record.run_id} is an attempt at {first.record.run_id}, of which {taken} items are taken")
    records = (first.record, *(other.record for other in others))
    joined = Shard(records, lines, first.n, first.whole)
    return replace(joined, whole=first.whole or (first.n is not None and _finished(joined) >= first.n))


def _finished(shard: Shard) -> int:
    return sum(line.fault is None for line in shard.lines.values())


def _blocks(shards: Sequence[Shard], repeats: bool) -> list[list[Shard]]:
    """Shards with different items, by repeat."""
    if repeats:
        blocks = [[shard] for shard in shards]
    else:
        seeds: dict[str, list[Shard]] = defaultdict(list)
        for shard in shards:
            seeds[json.dumps(shard.record.sampling.seed)].append(shard)
        blocks = [seeds[seed] for seed in sorted(seeds, key=lambda seed: (len(seed), seed))]
        if not any(_shared(one, other) for number, one in enumerate(blocks) for other in blocks[:number]):
            blocks = [list(shards)]
    for block in blocks:
        for number, shard in enumerate(block):
            for other in block[:number]:
                if common := shard.ids & other.ids:
                    raise _overlap(shard, other, common)
    return blocks


def _refuse_gaps(blocks: Blocks) -> None:
    """Repeats have the same items, except those of a run that was stopped."""
    everything: set[str] = set().union(*(shard.ids for block in blocks for shard in block))
    for block in blocks:
        lacking = everything - set().union(*(shard.ids for shard in block))
        if lacking and all(shard.whole for shard in block):
            raise _overlap(block[0], next(other for each in blocks if each is not block for other in each), lacking)


def _shared(one: Sequence[Shard], other: Sequence[Shard]) -> set[str]:
    return set().union(*(shard.ids for shard in one)) & set().union(*(shard.ids for shard in other))


def _overlap(one: Shard, other: Shard, ids: set[str]) -> UsageProblem:
    runs = f"{one.record.run_id} and {other.record.run_id}"
    some = ", ".join(sorted(ids)[:SHOWN]) + ("..." if len(ids) > SHOWN else "")
    return UsageProblem(
        f"runs {runs} share some of their items and not others ({len(ids)}: {some})",
        "The items of shards are all different, or all the same (repeats, with a --seed each).",
    )


def _lines(blocks: Blocks) -> tuple[list[SampleLine], int]:
    """All lines, repeats numbered through, and how many helpers were there more than once."""
    lines: dict[Key, SampleLine] = {}
    dropped = offset = 0
    for block in blocks:
        for shard in block:
            for line in shard.lines.values():
                moved = replace(line, repeat=line.repeat + offset)
                dropped += moved.key in lines
                lines.setdefault(moved.key, moved)
        offset += max(shard.record.repeats for shard in block)
    return list(lines.values()), dropped

"""Judging the episodes of a run again: replies are parsed anew from the stored generations, nothing is generated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import files, plugins
from harness.errors import UsageProblem
from harness.protocols import Handler, Report
from harness.results import provenance, store
from harness.results.lines import SampleLine, encode
from harness.results.tally import Tallies
from harness.results.waiting import count_waiting
from harness.running.episodes import Ended
from harness.running.judges import judged
from harness.running.readings import readings
from harness.running.scheduler import Played
from harness.types import Episode, Key, RunRecord, Sample, Verdict

Judged = Mapping[str, Mapping[str, Verdict]]
"""Rule set -> category -> verdict."""


def tally(run: Path, rules: Sequence[str], report: Report) -> Tallies:
    """Count what the verdicts of a run would be.

    Args:
        run: Its folder.
        rules: Rule sets to judge by.
        report: Told about lines that cannot be used.

    Returns:
        The counts.
    """
    return _tallied(run, store.read_run(run), rules, report, lambda line, verdicts: None)


def rewrite(run: Path, report: Report) -> Tallies:
    """Replace the stored verdicts and scores of a run by those of today's checker, under the run's own rules.

    Generations are copied as they are; damaged lines are dropped, as continuing the run would.

    Args:
        run: Its folder.
        report: Told about lines that cannot be used.

    Returns:
        The counts.

    Raises:
        UsageProblem: Another process writes this run.
    """
    record = store.read_run(run)
    with files.lock(run, "Wait for it."), files.replacing(run / store.SAMPLES) as write:

        def keep(line: SampleLine, verdicts: Judged) -> None:
            write(encode(replace(line, verdicts=verdicts[record.rules])))

        tallies = _tallied(run, record, [record.rules], report, keep)
    store.write_run(run, _judged_today(record, record.rules, tallies))
    return tallies


def rejudged(run: Path, rules: str, report: Report) -> tuple[RunRecord, list[SampleLine]]:
    """A run as it would be if it were judged today by other rules; nothing on disk changes.

    Args:
        run: Its folder.
        rules: The rule set.
        report: Told about lines that cannot be used.

    Returns:
        Its record and lines.
    """
    record = store.read_run(run)
    lines: list[SampleLine] = []

    def keep(line: SampleLine, verdicts: Judged) -> None:
        lines.append(replace(line, verdicts=verdicts[rules]))

    tallies = _tallied(run, record, [rules], report, keep)
    return _judged_today(record, rules, tallies), lines


def _judged_today(record: RunRecord, rules: str, tallies: Tallies) -> RunRecord:
    benchmark = _benchmark(record)
    about = replace(record.benchmark, checker_sha256=provenance.checker_sha256(benchmark))
    machine = replace(record.machine, sandbox=benchmark.prepare(())) if benchmark.prepare else record.machine
    scores, found = tallies.scores(rules), readings(tallies.unread(rules))
    return replace(record, rules=rules, scores=scores, readings=found, benchmark=about, machine=machine)


def _tallied(
    run: Path, record: RunRecord, rules: Sequence[str], report: Report, keep: Callable[[SampleLine, Judged], None]
) -> Tallies:
    """Judge all lines and count them; what the run was to play and has no line for is lost, too."""
    samples = _samples(record)
    counts = Counter(sample.category for sample in samples.values())
    totals = {name: n * record.repeats for name, n in counts.items()}
    tallies = Tallies(rules, totals, _benchmark(record).called)
    seen: set[Key] = set()
    for line, verdicts in _judge(run, record, samples, rules, report):
        seen.add(line.key)
        tallies.add(line, verdicts)
        keep(line, verdicts)
    if missing := store.unfinished(record, len(seen)):
        tallies.lost += missing
        waiting = count_waiting(run, seen)
        told = f"; {waiting} of them have replies that wait: the command that began the run goes on" if waiting else ""
        report(f"{run / store.SAMPLES}: {missing} of {record.benchmark.n} items are missing{told}")
    return tallies


def _benchmark(record: RunRecord) -> Any:
    return plugins.load("benchmarks", record.benchmark.name)


def _samples(record: RunRecord) -> dict[str, Sample[Any]]:
    return {sample.id: sample for sample in _benchmark(record).load(record.benchmark.categories)}


def episodes(run: Path, benchmark: str, repeat: int | None, report: Report) -> Iterator[tuple[Episode, str]]:
    """Each stored episode of one repeat or of all, replies parsed anew, and the category of its sample.

    Args:
        run: The run's folder.
        benchmark: What it has to be a run of.
        repeat: Which repeat; None for all.
        report: Told about lines that cannot be used.

    Yields:
        Episode and category, in file order.

    Raises:
        UsageProblem: The run is of another benchmark.
    """
    record = store.read_run(run)
    if record.benchmark.name != benchmark:
        raise UsageProblem(f"{run} is a run of {record.benchmark.name}, not of {benchmark}")
    handler = plugins.handler(record.handler, record.handler_options, record.rules)
    for _, played in _played(run, record, _samples(record), report, handler):
        if repeat in (None, played.episode.repeat):
            yield played.episode, played.sample.category


def _judge(
    run: Path, record: RunRecord, samples: Mapping[str, Sample[Any]], rules: Sequence[str], report: Report
) -> Iterator[tuple[SampleLine, Judged]]:
    """Each stored line and, by rule set, its verdicts by category."""
    benchmark = _benchmark(record)
    handlers = [plugins.handler(record.handler, record.handler_options, name) for name in rules]
    # Few handlers read by rules; for the others one play is judged by all. What cannot be used is told once.
    alike = all(handler == handlers[0] for handler in handlers)
    told = [report, *[_silent] * len(rules)]
    plays = [_played(run, record, samples, *each) for each in zip(told, handlers[: 1 if alike else None], strict=False)]
    for rows in zip(*plays, strict=True):
        played = [row[1] for row in rows] * (len(rules) if alike else 1)
        yield rows[0][0], {name: judged(benchmark, one, name).verdicts for name, one in zip(rules, played, strict=True)}


def _silent(_: str) -> None:
    """Tells nobody."""


def _played(
    run: Path, record: RunRecord, samples: Mapping[str, Sample[Any]], report: Report, handler: Handler
) -> Iterator[tuple[SampleLine, Played]]:
    benchmark = _benchmark(record)
    needed = {name for sample in samples.values() for name in sample.after}
    # Only what others depend on stays in memory; damaged lines are reported once, below.
    kept = {line.key: line for line in store.read_samples(run, lambda _: None) if line.id in needed} if needed else {}
    for line in store.read_samples(run, report):
        if line.id not in samples:
            report(f"{run / store.SAMPLES}: {line.id!r} is not in the installed data")
            continue
        ended = Ended(benchmark, handler, samples, {**kept, line.key: line})
        episode = Episode(line.id, (), line.fault, line.repeat) if line.fault else ended.follow(line.key)
        yield line, Played(samples[line.id], episode, line.seconds)

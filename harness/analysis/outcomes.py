"""Pass or fail of every item of one or more runs: what `compare` and `gate` pair.

Also whether two sides measure the same thing, and what a reader must know of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.analysis.labels import facts, joined, name_of, shown, tell_apart
from harness.errors import UsageProblem
from harness.results import store
from harness.results.lines import SampleLine
from harness.results.usage import Usage, measure
from harness.text import one_line
from harness.types import Key, RunRecord, Score

MUST_AGREE = ("version", "data_sha256", "checker_sha256", "user_sha256", "rules")
"""Runs that differ in one of these measure different things."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Everything a comparison needs of one side."""

    label: str
    benchmarks: Mapping[str, Mapping[str, Any]]
    """Benchmark -> version, data_sha256, checker_sha256, user_sha256, rules, categories, settings worth a warning."""
    sizes: Mapping[str, int]
    """Category -> items of the data set times repeats."""
    results: Mapping[str, Mapping[Key, bool | None]]
    """Category -> item -> passed; None is unscored."""
    usage: Usage = field(default_factory=Usage)
    folders: tuple[Path, ...] = ()
    """The runs themselves; empty for a frozen baseline."""
    left: Mapping[str, int] = field(default_factory=dict)
    """Incomplete run -> items it was to play and has no answer for, faults among them."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """As `labels.facts` gives them; empty for a baseline of an earlier version."""
    credits: Mapping[str, float] = field(default_factory=dict)
    """Category whose judgements are graded -> their sum; its items pair by pass or fail all the same."""

    @property
    def repeats(self) -> int:
        """Times each item was asked."""
        return 1 + max((repeat for items in self.results.values() for _, repeat in items), default=0)

    @property
    def scores(self) -> dict[str, Score]:
        """Scores as in `RunRecord.scores`, counted from the items."""
        scores = {}
        for category, items in self.results.items():
            values = list(items.values())
            judged = sum(value is not None for value in values)
            passed = self.credits.get(category, values.count(True))
            scores[category] = Score(
                max(self.sizes.get(category, 0), len(values)), judged, passed, len(values) - judged
            )
        return scores


def gather(
    records: Mapping[Path, RunRecord], where: Path, lines: Mapping[Path, Sequence[SampleLine]] | None = None
) -> Outcomes:
    """Join runs of one model over different benchmarks.

    Args:
        records: Run folder -> record.
        where: What the user gave, for messages.
        lines: Lines of the runs, where they are already read.

    Returns:
        Their outcomes.

    Raises:
        UsageProblem: Two runs judge the same category.
    """
    benchmarks: dict[str, dict[str, Any]] = {}
    results: dict[str, dict[Key, bool | None]] = {}
    sizes: dict[str, int] = {}
    left: dict[str, int] = {}
    everything: list[SampleLine] = []
    for folder, record in records.items():
        found = list(lines[folder] if lines else store.read_samples(folder))
        mine = _results(found)
        if twice := set(mine) & set(results):
            raise UsageProblem(
                f"{where} holds more than one run of {', '.join(sorted(twice))}", "Give the folder of one run."
            )
        results |= mine
        sizes |= {name: score.n for name, score in record.scores.items()}
        benchmarks[record.benchmark.name] = _identity(record) | {"categories": sorted(mine)}
        left[folder.name] = store.unfinished(record, sum(line.fault is None for line in found))
        everything += found
    label = " + ".join(dict.fromkeys(name_of(record.model.name) for record in records.values()))
    left = {name: count for name, count in left.items() if count}
    about = joined([facts(record) for record in records.values()])
    return Outcomes(
        label, benchmarks, sizes, results, measure(everything), tuple(records), left, about, _credits(everything)
    )


def labelled(sides: Sequence[Outcomes]) -> list[Outcomes]:
    """The same sides with labels that tell runs of one model apart."""
    runs = [" + ".join(folder.name for folder in side.folders) for side in sides]
    labels = tell_apart([side.label for side in sides], [side.facts for side in sides], runs)
    return [replace(side, label=label) for side, label in zip(sides, labels, strict=True)]


def _results(lines: Iterable[SampleLine]) -> dict[str, dict[Key, bool | None]]:
    results: dict[str, dict[Key, bool | None]] = defaultdict(dict)
    for line in lines:
        for category, verdict in line.verdicts.items():
            results[category][line.key] = None if verdict.outcome == "unscored" else verdict.outcome == "pass"
    return dict(results)


def _credits(lines: Iterable[SampleLine]) -> dict[str, float]:
    credits: dict[str, float] = defaultdict(float)
    for line in lines:
        for category, verdict in line.verdicts.items():
            if "credit" in verdict.evidence:
                credits[category] += verdict.evidence["credit"]
    return dict(credits)


def _identity(record: RunRecord) -> dict[str, Any]:
    facts = {name: getattr(record.benchmark, name) for name in ("version", "data_sha256", "checker_sha256")}
    sampling = {name: getattr(record.sampling, name) for name in ("temperature", "top_p", "max_tokens")}
    return facts | {
        "user_sha256": record.user.sha256,
        "rules": record.rules,
        "handler": record.handler,
        "engine": asdict(record.engine),
        "sampling": sampling,
        "sandbox": record.machine.sandbox,
    }


MAY_DIFFER = ("handler", "engine", "sampling", "sandbox")
"""What does not forbid a comparison but can move scores."""


def disagreements(a: Outcomes, b: Outcomes) -> list[str]:
    """Why two sides do not measure the same thing, one sentence each; empty where they do."""
    return list(_differences(a, b, MUST_AGREE))


def cautions(a: Outcomes, b: Outcomes) -> list[str]:
    """What a reader must know of two sides that may be compared, one sentence each."""
    graded = [
        f"{name} is graded: pairs count who passes, the accuracy elsewhere is the mean of the grades"
        for name in a.credits
        if name in b.results
    ]
    return [*incomplete_notes(incomplete(a, b)), *graded, *_differences(a, b, MAY_DIFFER)]


def incomplete(*sides: Outcomes | None) -> dict[str, int]:
    """Incomplete runs of some sides, with the items that each has left."""
    return {name: count for side in sides if side is not None for name, count in side.left.items()}


def incomplete_notes(left: Mapping[str, int]) -> list[str]:
    """What to tell of incomplete runs, one sentence each."""
    return [f"run {one_line(name, 100)} is incomplete: {count} of its items are left" for name, count in left.items()]


def _differences(a: Outcomes, b: Outcomes, names: Iterable[str]) -> Iterator[str]:
    for name in a.benchmarks:
        for fact in names if name in b.benchmarks else ():
            one, other = (side.benchmarks[name].get(fact) for side in (a, b))
            # Where nobody plays a user, nothing that the sides have in common depends on who does.
            if one != other and (fact != "user_sha256" or None not in (one, other)):
                yield f"{name}: {fact} differs ({_short(one, other)} and {_short(other, one)})"


def _short(value: Any, other: Any) -> str:
    """A fact in few words; of a map only what the other side has otherwise."""
    if isinstance(value, dict) and isinstance(other, dict):
        differing = (f"{key}={shown(inner)}" for key, inner in value.items() if other.get(key) != inner)
        return one_line(", ".join(differing), 80) or "not set"
    text = "not recorded" if value is None else str(value)
    return one_line(text if len(text) <= 60 else f"{text[:12]}...", 80)

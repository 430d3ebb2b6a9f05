"""Pass or fail of every item of one or more runs: what `compare` and `gate` pair.

Also whether two sides measure the same thing, and what a reader must know of them. `gathering` makes them of runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.analysis.labels import shown, tell_apart
from harness.results.usage import Usage
from harness.text import one_line
from harness.types import Key, Score

MUST_AGREE = ("version", "data_sha256", "checker_sha256", "user_sha256", "rules")
"""Runs that differ in one of these measure different things."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Everything a comparison needs of one side."""

    label: str
    benchmarks: Mapping[str, Mapping[str, Any]]
    """Benchmark -> version, data_sha256, checker_sha256, user_sha256, rules, categories, settings worth a warning."""
    sizes: Mapping[str, int]
    """Category -> items of the data set times repeats, or of what was planned where that is more."""
    results: Mapping[str, Mapping[Key, bool | None]]
    """Category -> item -> passed; None is unscored. A category that was planned and has no verdict is empty."""
    usage: Usage = field(default_factory=Usage)
    folders: tuple[Path, ...] = ()
    """The runs themselves; empty for a frozen baseline."""
    left: Mapping[str, int] = field(default_factory=dict)
    """Incomplete run -> items it was to play and has no answer for, faults among them; 0 where it does not say."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """As `labels.facts` gives them; empty for a baseline of an earlier version."""
    grades: Mapping[str, Mapping[Key, float]] = field(default_factory=dict)
    """Category whose judgements are graded -> item -> grade, 0..1, which counts and pairs instead of pass or fail."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """Category -> episodes that were planned and have no line: at most so many where a run does not say of each."""
    excluded: Mapping[str, int] = field(default_factory=dict)
    """Category -> episodes that its rules judge by design neither right nor wrong."""
    repeats_of: Mapping[str, int] = field(default_factory=dict)
    """Category -> times each item was to be asked."""
    unreadable: Mapping[str, int] = field(default_factory=dict)
    """Run -> lines that cannot be read."""
    unplayed: int = 0
    """Episodes that were planned and have no line."""
    shards: Mapping[str, str] = field(default_factory=dict)
    """Merged run that lacks shards -> `2 of 4 shards`."""
    readable: Mapping[str, float] = field(default_factory=dict)
    """Category -> share of its replies that could be read, 0..1; empty where nobody counted."""
    conflicts: tuple[str, ...] = ()
    """Why its runs are not those of one model, asked and judged in one way."""
    runs: tuple[Mapping[str, Any], ...] = ()
    """Run id, date, model and commit of each run, as a frozen baseline keeps them."""

    @property
    def repeats(self) -> int:
        """Times each item was asked."""
        return 1 + max((repeat for items in self.results.values() for _, repeat in items), default=0)

    def values(self, category: str) -> Mapping[Key, float | None]:
        """What each item of a category came to: its grade, or 1 for a pass and 0 for a failure; None is unscored."""
        items, grades = self.results.get(category, {}), self.grades.get(category, {})
        return {key: passed if passed is None else grades.get(key, passed) for key, passed in items.items()}

    @property
    def scores(self) -> dict[str, Score]:
        """Scores as in `RunRecord.scores`, counted from the items."""
        scores = {}
        for category, items in self.results.items():
            judged = [value for value in self.values(category).values() if value is not None]
            passed = round(sum(judged), 6)
            scores[category] = Score(
                max(self.sizes.get(category, 0), len(items)), len(judged), passed, len(items) - len(judged)
            )
        return scores


def labelled(sides: Sequence[Outcomes]) -> list[Outcomes]:
    """The same sides with labels that tell runs of one model apart."""
    runs = [" + ".join(folder.name for folder in side.folders) for side in sides]
    labels = tell_apart([side.label for side in sides], [side.facts for side in sides], runs)
    return [replace(side, label=label) for side, label in zip(sides, labels, strict=True)]


MAY_DIFFER = ("handler", "dialect", "engine", "sampling", "sandbox", "parts")
"""What does not forbid a comparison but can move scores."""


def disagreements(a: Outcomes, b: Outcomes) -> list[str]:
    """Why two sides do not measure the same thing, one sentence each; empty where they do."""
    return [*dict.fromkeys((*a.conflicts, *b.conflicts)), *_differences(a, b, MUST_AGREE)]


def cautions(a: Outcomes, b: Outcomes) -> list[str]:
    """What a reader must know of two sides that may be compared, one sentence each."""
    return [*dict.fromkeys((*lacks(a), *lacks(b))), *_base_and_chat(a, b), *_differences(a, b, MAY_DIFFER)]


def _base_and_chat(a: Outcomes, b: Outcomes) -> Iterator[str]:
    """A word on each benchmark that one side was asked as a base model and the other in a chat."""
    for name in a.benchmarks:
        pair = [side.benchmarks.get(name, {}).get("handler") for side in (a, b)]
        if None not in pair and len({handler == "completion" for handler in pair}) == 2:
            base, chat = (a, b) if pair[0] == "completion" else (b, a)
            yield (
                f"{name}: {one_line(base.label, 60)} was asked as a base model (text to be continued), "
                f"{one_line(chat.label, 60)} in a chat: the difference holds that of the questions, too"
            )


def incomplete(*sides: Outcomes | None) -> dict[str, int]:
    """Incomplete runs of some sides, with the items that each has left."""
    return {name: count for side in sides if side is not None for name, count in side.left.items()}


def lacks(side: Outcomes) -> list[str]:
    """What a side does not hold of what it should, one sentence each: items, shards, lines that can be read."""
    return [
        *(f"run {one_line(name, 100)} holds {part}" for name, part in side.shards.items()),
        *(f"run {one_line(name, 100)} is incomplete: {_left(count)}" for name, count in side.left.items()),
        *(
            f"run {one_line(name, 100)} has {count} line{'s' * (count > 1)} that cannot be used"
            for name, count in side.unreadable.items()
        ),
    ]


def _left(count: int) -> str:
    return f"{count} of its items are left" if count else "it does not say how many items are left"


def _differences(a: Outcomes, b: Outcomes, names: Iterable[str]) -> Iterator[str]:
    for name in a.benchmarks:
        for fact in names if name in b.benchmarks else ():
            one, other = (side.benchmarks[name].get(fact) for side in (a, b))
            # Where nobody plays a user, nothing that the sides have in common depends on who does.
            if one != other and (fact != "user_sha256" or None not in (one, other)):
                yield f"{name}: {fact} differs ({short(one, other)} and {short(other, one)})"


def short(value: Any, other: Any) -> str:
    """A fact in few words; of a map only what the other side has otherwise."""
    if isinstance(value, dict) and isinstance(other, dict):
        differing = (f"{key}={shown(inner)}" for key, inner in value.items() if other.get(key) != inner)
        return one_line(", ".join(differing), 80) or "not set"
    text = "not recorded" if value is None else str(value)
    return one_line(text if len(text) <= 60 else f"{text[:12]}...", 80)

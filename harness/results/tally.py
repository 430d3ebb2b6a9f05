"""Counting a run as its lines come in: scores by category, tokens, faults."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.protocols import Called
from harness.results.lines import SampleLine
from harness.results.usage import Counting, cost
from harness.types import Score, Verdict

SAMPLED = 200
"""Replies without a readable call that are kept of each category, to tell what they are written in."""


@dataclass(slots=True)
class Unread:
    """Replies of one category that should hold a call."""

    asked: int = 0
    count: int = 0
    """Of these, the ones without one that can be read."""
    texts: list[str] = field(default_factory=list)
    """The first of them, as the model wrote them."""


class Tally:
    """Counts of one run.

    Args:
        totals: Samples of each leaf category in the data set times repeats, whatever part of it is played.
        prices: As `usage.parse_prices` gives them; None where they are not known.
        called: As a benchmark tells whether a call was read; None where it does not.
    """

    def __init__(
        self,
        totals: Mapping[str, int],
        prices: Mapping[str, float] | None = None,
        called: Called | None = None,
    ) -> None:
        self.called = called
        self.unread: dict[str, Unread] = defaultdict(Unread)
        """By category, where calls are asked for."""
        self.finished = self.faults = self.judged = 0
        self.waiting = 0
        """Episodes that were answered, in part or in full, and have no line yet."""
        self.passed: float = 0
        self.prices = prices
        self.used = Counting()
        self._totals = totals
        self._helpers: Counter[str] = Counter()
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._passed: dict[str, float] = defaultdict(int)
        self._sources: dict[str, set[str]] = defaultdict(set)

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens of all replies so far."""
        return self.used.tokens

    @property
    def cost(self) -> float | None:
        """USD so far; None without prices."""
        return cost(self.tokens, self.prices) if self.prices else None

    def add(self, line: SampleLine) -> None:
        """Count one line."""
        self.finished += line.fault is None
        self.faults += line.fault is not None
        self.used.add(line)
        overflowed = bool(line.steps) and line.steps[-1].generation.finish == "overflow"
        truncated = any(step.generation.finish == "length" for step in line.steps if step.asked == "model")
        if not line.verdicts and line.fault is None:
            self._helpers[line.category] += 1
        for category, verdict in line.verdicts.items():
            self._sources[category].add(line.category)
            self._counts[category][verdict.outcome] += 1
            self._counts[category]["truncated"] += truncated
            self._counts[category]["overflowed"] += overflowed and verdict.outcome != "unscored"
            self._passed[category] += credit(verdict)
            self.judged += verdict.outcome != "unscored"
            self.passed += credit(verdict)
            if self.called is not None and verdict.outcome != "unscored":
                self._read(category, verdict, line, self.called)

    def _read(self, category: str, verdict: Verdict, line: SampleLine, called: Called) -> None:
        own = [step for step in line.steps if step.asked == "model"]
        if own and own[-1].generation.finish == "overflow":
            return
        found = called(category, verdict, [step.turn for step in own])
        if found is None:
            return
        unread = self.unread[category]
        unread.asked += 1
        unread.count += not found
        if not found and own and len(unread.texts) < SAMPLED:
            unread.texts.append(own[0].generation.text)

    def scores(self) -> dict[str, Score]:
        """Scores of all categories with a verdict; a sample that counts in two categories counts in the n of both.

        Where verdicts are graded their credit is counted instead of passes, so that the accuracy is its mean.
        """
        scores = {}
        for category, counts in sorted(self._counts.items()):
            n = sum(self._totals.get(source, 0) - self._helpers[source] for source in self._sources[category])
            judged = counts["pass"] + counts["fail"]
            passed = round(self._passed[category], 6)
            counted = (counts[name] for name in ("unscored", "truncated", "overflowed"))
            scores[category] = Score(n, judged, passed, *counted)
        return scores


def credit(verdict: Verdict) -> float:
    """What a verdict adds to its category: 1 for a pass (an int, so that counts stay whole), or the credit it gives."""
    value: float = verdict.evidence.get("credit", int(verdict.outcome == "pass"))
    return value


RULES: Mapping[str, tuple[str, ...]] = {
    "upstream": ("upstream",),
    "strict": ("strict",),
    "both": ("upstream", "strict"),
}
"""Value of `--rules` -> rule sets."""


class Tallies:
    """Counts under each rule set, and the items on which they differ.

    Args:
        rules: Names of the rule sets.
        totals: Items of each category in the data set times repeats.
        called: As a benchmark tells whether a call was read; None where it does not.
    """

    def __init__(self, rules: Sequence[str], totals: Mapping[str, int], called: Called | None = None) -> None:
        self.totals = totals
        self.differing: dict[str, list[str]] = {}
        self.lost = 0
        self.official_rows: dict[str, dict[str, Mapping[str, float | None]]] = defaultdict(dict)
        """Rule set -> language or category -> what the benchmark's own program writes, under its names; counts are int.
        Empty where no such row is known."""
        self._tallies = {name: Tally(totals, called=called) for name in rules}
        self._tries: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)

    @property
    def rules(self) -> list[str]:
        """The rule sets, in the order in which they were asked for."""
        return list(self._tallies)

    def add(self, line: SampleLine, verdicts: Mapping[str, Mapping[str, Verdict]]) -> None:
        """Count one item.

        Args:
            line: The item; verdicts stored in it do not count.
            verdicts: By rule set and category.
        """
        for name, found in verdicts.items():
            self._tallies[name].add(SampleLine(line.id, line.repeat, line.category, line.steps, line.fault, found))
            for category, verdict in found.items():
                if verdict.outcome != "unscored":
                    tries, passed = self._tries[name, category].get(line.id, (0, 0))
                    self._tries[name, category][line.id] = tries + 1, passed + (verdict.outcome == "pass")
        for pair in zip(*(found.values() for found in verdicts.values()), strict=True):
            self.lost += any(lost(verdict) for verdict in pair)
            if len({verdict.outcome for verdict in pair}) > 1:
                kind = " -> ".join(f"{verdict.outcome} {verdict.code or ''}".strip() for verdict in pair)
                self.differing.setdefault(kind, []).append(line.id)

    def scores(self, rules: str) -> dict[str, Score]:
        """Scores under one rule set, categories in the order of `totals`."""
        found = self._tallies[rules].scores()
        order = {name: index for index, name in enumerate(self.totals)}
        return {name: found[name] for name in sorted(found, key=lambda name: order.get(name, len(order)))}

    def unread(self, rules: str) -> Mapping[str, Unread]:
        """Replies that should hold a call under one rule set, by category."""
        return self._tallies[rules].unread

    def pass_at(self, rules: str) -> dict[str, dict[int, float]]:
        """pass@k under one rule set, of categories whose items were tried more than once.

        Args:
            rules: The rule set.

        Returns:
            Category -> k -> mean over the items that were judged at least k times. k is 10, 100 (as EvalPlus prints)
            and the largest number of tries.
        """
        from harness.stats.pass_at_k import mean_pass_at_k

        found = {}
        for category in self.scores(rules):
            counts = list(self._tries[rules, category].values())
            most = max((tries for tries, _ in counts), default=0)
            found[category] = {
                k: mean_pass_at_k([count for count in counts if count[0] >= k], k)
                for k in sorted({10, 100, most})
                if 1 < k <= most
            }
        return {category: values for category, values in found.items() if values}


def lost(verdict: Verdict) -> bool:
    """Whether an item has no verdict although the rules give it one: a fault, or a line that cannot be read."""
    return verdict.outcome == "unscored" and not (verdict.code or "").startswith("strict:")

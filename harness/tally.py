"""Counting a run as its lines come in: scores by category, tokens, faults."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from harness.lines import SampleLine
from harness.types import Score
from harness.usage import Counting, cost


class Tally:
    """Counts of one run.

    Args:
        totals: Samples of each leaf category in the data set times repeats, whatever part of it is played.
        prices: As `usage.parse_prices` gives them; None where they are not known.
    """

    def __init__(self, totals: Mapping[str, int], prices: Mapping[str, float] | None = None) -> None:
        self.finished = self.faults = self.judged = self.passed = 0
        self.prices = prices
        self.used = Counting()
        self._totals = totals
        self._helpers: Counter[str] = Counter()
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
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
        truncated = any(step.generation.finish == "length" for step in line.steps)
        if not line.verdicts and line.fault is None:
            self._helpers[line.category] += 1
        for category, verdict in line.verdicts.items():
            self._sources[category].add(line.category)
            self._counts[category][verdict.outcome] += 1
            self._counts[category]["truncated"] += truncated
            self.judged += verdict.outcome != "unscored"
            self.passed += verdict.outcome == "pass"

    def scores(self) -> dict[str, Score]:
        """Scores of all categories with a verdict; a sample that counts in two categories counts in the n of both."""
        scores = {}
        for category, counts in sorted(self._counts.items()):
            n = sum(self._totals.get(source, 0) - self._helpers[source] for source in self._sources[category])
            judged = counts["pass"] + counts["fail"]
            scores[category] = Score(n, judged, counts["pass"], counts["unscored"], counts["truncated"])
        return scores

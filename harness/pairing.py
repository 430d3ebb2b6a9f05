"""Pair the items of two runs, and join pairs that belong together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.errors import UsageProblem
from harness.outcomes import Key, Outcomes
from harness.stats import paired

Common = Mapping[str, Mapping[Key, tuple[bool, bool]]]
"""Category -> item -> (passed in A, passed in B)."""


def pairs(a: Outcomes, b: Outcomes) -> dict[str, dict[Key, tuple[bool, bool]]]:
    """Items that both sides judged, by category in A's order."""
    return {
        category: {
            key: (one, other)
            for key, one in items.items()
            if one is not None and (other := b.results[category].get(key)) is not None
        }
        for category, items in a.results.items()
        if category in b.results
    }


def clustered(
    items: Sequence[tuple[Key, tuple[bool, bool]]], pattern: str | None
) -> tuple[paired.Vector, paired.Vector]:
    """Summed differences and sizes of clusters: repeats of an item, or what a pattern names.

    Args:
        items: Pairs by (id, repeat).
        pattern: Regular expression over the id; where it does not match, the id itself is the cluster.

    Returns:
        Sums and sizes as `stats` takes them.

    Raises:
        UsageProblem: The pattern is no regular expression.
    """
    differences = [float(other) - float(one) for _, (one, other) in items]
    if pattern is None:
        return paired.cluster_sums(differences, [name for (name, _), _ in items])
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageProblem(
            f"--cluster {pattern!r}: {error}", r"Give a regular expression, for example ^\w+_\d+."
        ) from None
    keys = []
    for (name, _), _pair in items:
        match = expression.search(name)
        keys.append(name if match is None else (match[1] if match.groups() else match[0]))
    return paired.cluster_sums(differences, keys)

"""Whether sides of a comparison measure the same thing, and what a reader must know of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.outcomes import MUST_AGREE, Outcomes
from harness.text import one_line

MAY_DIFFER = ("handler", "engine", "sampling", "sandbox")
"""What does not forbid a comparison but can move scores."""


def disagreements(a: Outcomes, b: Outcomes) -> list[str]:
    """Why two sides do not measure the same thing, one sentence each; empty where they do."""
    return list(_differences(a, b, MUST_AGREE))


def cautions(a: Outcomes, b: Outcomes) -> list[str]:
    """What a reader must know of two sides that may be compared, one sentence each."""
    return [*incomplete_notes(incomplete(a, b)), *_differences(a, b, MAY_DIFFER)]


def incomplete(*sides: Outcomes | None) -> dict[str, int]:
    """Incomplete runs of some sides, with the items that each has left."""
    return {name: count for side in sides if side is not None for name, count in side.left.items()}


def incomplete_notes(left: Mapping[str, int]) -> list[str]:
    """What to tell of incomplete runs, one sentence each."""
    return [f"run {one_line(name, 100)} is incomplete: {count} of its items are left" for name, count in left.items()]


def _differences(a: Outcomes, b: Outcomes, facts: Iterable[str]) -> Iterator[str]:
    for name in a.benchmarks:
        for fact in facts if name in b.benchmarks else ():
            one, other = (side.benchmarks[name].get(fact) for side in (a, b))
            if one != other:
                yield f"{name}: {fact} differs ({_short(one, other)} and {_short(other, one)})"


def _short(value: Any, other: Any) -> str:
    """A fact in few words; of a map only what the other side has otherwise."""
    if isinstance(value, dict) and isinstance(other, dict):
        differing = (f"{key}={inner}" for key, inner in value.items() if other.get(key) != inner)
        return one_line(", ".join(differing), 80) or "not set"
    text = "not recorded" if value is None else str(value)
    return one_line(text if len(text) <= 60 else f"{text[:12]}...", 80)

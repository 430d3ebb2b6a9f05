"""The experiment's numbers: scores and differences with their intervals, from the records of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from harness.stats import paired
from harness.stats.intervals import wilson
from trainer.recipes.demo.parts import METRICS, Record

Outcomes = Mapping[str, str]
"""Metric -> a digit an item."""


def gather(planned: int, parts: Mapping[str, Record]) -> dict[str, Any]:
    """All numbers of the parts that are finished.

    Args:
        planned: Seeds that there should be.
        parts: Part -> its record; `base` and at least one seed.

    Returns:
        JSON values.
    """
    seeds = [name for name in parts if name != "base"]
    outcomes = {name: found for part in parts.values() for name, found in part["models"].items()}
    about = parts["base"]["experiment"]
    metrics = [name for name in METRICS if name in outcomes["base"]]
    return {
        "experiment": about | {"seeds": planned},
        "seeds": [int(seed) for seed in seeds],
        "code": parts[seeds[-1]]["code"],
        "machine": parts["base"]["machine"],
        "time": _time([step for part in parts.values() for step in part["steps"]]),
        "refinement": _summed([parts[seed]["refinement"] for seed in seeds]),
        "judged": _summed([parts[seed]["judged"] for seed in seeds if "judged" in parts[seed]]),
        "rounds": {seed: parts[seed]["round"] for seed in seeds if "round" in parts[seed]},
        "training": {name: found for part in parts.values() for name, found in part["training"].items()},
        "models": {
            name: {metric: _score(map(int, found[metric])) for metric in metrics} for name, found in outcomes.items()
        },
        "without_call": {name: share for part in parts.values() for name, share in part["without_call"].items()},
        "differences": {
            reference: {
                method: {metric: _difference(seeds, outcomes, reference, method, metric) for metric in metrics}
                for method in about["methods"]
                if method != reference
            }
            for reference in ("sft", "base")
        },
    }


def _summed(records: Sequence[Any]) -> Any:
    """Counts of several records of one shape, added up."""
    if records and isinstance(records[0], Mapping):
        names = dict.fromkeys(name for record in records for name in record)
        return {name: _summed([record[name] for record in records if name in record]) for name in names}
    return sum(records) if records else {}


def _score(passed: Iterable[float]) -> dict[str, Any]:
    values = list(passed)
    low, high = wilson(sum(values), len(values))
    return {"passed": sum(values), "n": len(values), "value": fmean(values), "low": low, "high": high}


def _difference(
    seeds: Sequence[str], outcomes: Mapping[str, Outcomes], reference: str, method: str, metric: str
) -> dict[str, Any]:
    """A method minus a reference: for each seed, over the seeds, and pooled over items with their seeds as clusters."""
    each, pooled, keys = [], list[int](), list[str]()
    for seed in seeds:
        theirs = outcomes[reference if reference == "base" else f"{reference}-{seed}"][metric]
        mine = outcomes[f"{method}-{seed}"][metric]
        pairs = [int(one) - int(other) for one, other in zip(mine, theirs, strict=True)]
        items = [str(index) for index in range(len(pairs))]
        low, high = paired.bootstrap(*paired.cluster_sums(pairs, items))
        each.append({"seed": int(seed), "difference": fmean(pairs), "low": low, "high": high})
        pooled += pairs
        keys += items
    sums, sizes = paired.cluster_sums(pooled, keys)
    low, high = paired.bootstrap(sums, sizes)
    return {
        "mean": fmean(pooled),
        "seeds": each,
        "over_seeds": over_seeds([one["difference"] for one in each]),
        "over_items": [low, high],
        "p": paired.permutation_test(sums),
    }


def over_seeds(values: Sequence[float]) -> list[float] | None:
    """95 % t interval of the mean of a few seeds; None for a single one."""
    if len(values) < 2:
        return None
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return [fmean(values) - half, fmean(values) + half]


def _time(steps: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Wall time with at least one step running, and CPU seconds of all steps."""
    wall = until = cpu = 0.0
    for step in sorted(steps, key=lambda step: float(step["started"])):
        wall += max(0.0, step["ended"] - max(step["started"], until))
        until = max(until, step["ended"])
        cpu += step["cpu_seconds"]
    return {"wall_seconds": wall, "cpu_seconds": cpu}

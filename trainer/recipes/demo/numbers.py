"""The experiment's numbers: scores and differences with their intervals, from the records of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import log
from statistics import fmean, stdev
from typing import Any

from harness.stats import paired
from harness.stats.intervals import wilson
from trainer.recipes.demo.experiment import Settings, seed_models, seeds
from trainer.recipes.demo.parts import METRICS, Record

Items = Sequence[float]
"""What each item of a metric came to, in the order of their ids."""


def gather(settings: Settings, parts: Mapping[str, Record]) -> dict[str, Any]:
    """All numbers of the parts that are finished.

    Args:
        settings: Sizes of the experiment.
        parts: Part -> its record; base is among them.

    Returns:
        JSON values.
    """
    data = {name.removeprefix("data-"): part for name, part in parts.items() if "refinement" in part}
    models = {name: part for name, part in parts.items() if "items" in part}
    items = {
        name: {metric: [*map(float, each)] for metric, each in part["items"].items()} for name, part in models.items()
    }
    metrics = [name for name in METRICS if name in items["base"]]
    return {
        "experiment": models["base"]["experiment"] | {"seeds": settings.seeds},
        "seeds": [seed for seed in seeds(settings) if any(name in models for name in seed_models(settings, seed))],
        "missing": [name for seed in seeds(settings) for name in seed_models(settings, seed) if name not in models],
        "code": sorted({str(part["code"]["git"]) for part in parts.values()}),
        "machines": sorted({_machine(part) for part in parts.values()}),
        "time": _time({name: step for part in parts.values() for name, step in part["steps"].items()}.values()),
        "refinement": _summed([part["refinement"] for part in data.values()]),
        "judged": _summed([part["judged"] for part in data.values() if "judged" in part]),
        "rounds": {name: part["round"] for name, part in models.items() if "round" in part},
        "training": {name: part["training"] for name, part in models.items() if "training" in part},
        "warm": {name: part["warm"] for name, part in models.items() if "warm" in part},
        "models": {name: {metric: score(each[metric]) for metric in metrics} for name, each in items.items()},
        "without_call": {name: part["without_call"] for name, part in models.items()},
        "differences": {
            reference: {
                method: found
                for method in settings.methods
                if method != reference and (found := _differences(settings, items, reference, method, metrics))
            }
            for reference in ("sft", "base")
        },
    }


def _machine(part: Record) -> str:
    return f"{part['machine']['cores']} cores ({part['machine']['cpu']})"


def _differences(
    settings: Settings, items: Mapping[str, Mapping[str, Items]], reference: str, method: str, metrics: Sequence[str]
) -> dict[str, Any]:
    """By metric, over the seeds that both were measured on; empty where there is none."""
    pairs = {
        seed: (items[theirs], items[f"{method}-{seed}"])
        for seed in seeds(settings)
        if (theirs := reference if reference == "base" else f"{reference}-{seed}") in items
        and f"{method}-{seed}" in items
    }
    return {
        metric: difference({seed: (one[metric], other[metric]) for seed, (one, other) in pairs.items()})
        for metric in (metrics if pairs else ())
    }


def _summed(records: Sequence[Any]) -> Any:
    """Counts of several records of one shape, added up."""
    if records and isinstance(records[0], Mapping):
        names = dict.fromkeys(name for record in records for name in record)
        return {name: _summed([record[name] for record in records if name in record]) for name in names}
    return sum(records) if records else {}


def score(values: Items) -> dict[str, Any]:
    """Mean with its interval over items: Wilson's for passes, Student's t for grades, whose mean loss is told, too."""
    mean = fmean(values)
    if not _graded(values):
        low, high = wilson(sum(values), len(values))
        return {"n": len(values), "value": mean, "low": low, "high": high}
    low, high = over(values) or (mean, mean)
    return {"n": len(values), "value": mean, "low": low, "high": high, "loss": -fmean(map(log, values))}


def _graded(values: Items) -> bool:
    return any(value not in (-1, 0, 1) for value in values)


def difference(pairs: Mapping[int, tuple[Items, Items]]) -> dict[str, Any]:
    """A method minus a reference: for each seed, over the seeds, and pooled over items with their seeds as clusters."""
    each, pooled, keys = [], list[float](), list[str]()
    for seed, (theirs, mine) in pairs.items():
        differences = [one - other for one, other in zip(mine, theirs, strict=True)]
        items = [str(index) for index in range(len(differences))]
        low, high = paired.bootstrap(*paired.cluster_sums(differences, items))
        each.append({"seed": seed, "difference": fmean(differences), "low": low, "high": high})
        pooled += differences
        keys += items
    sums, sizes = paired.cluster_sums(pooled, keys)
    low, high = paired.bootstrap(sums, sizes)
    return {
        "mean": fmean(pooled),
        "seeds": each,
        "over_seeds": over([one["difference"] for one in each]),
        "over_items": [low, high],
        "p": _t_test(sums) if _graded(pooled) else paired.permutation_test(sums),
    }


def over(values: Items) -> list[float] | None:
    """95 % interval of the mean by Student's t; None for a single value."""
    if len(values) < 2:
        return None
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return [fmean(values) - half, fmean(values) + half]


def _t_test(values: Any) -> float:
    from scipy.stats import ttest_1samp

    return float(ttest_1samp(values, 0).pvalue)


def _time(steps: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Wall time with at least one step running, and CPU seconds of all steps."""
    wall = until = cpu = 0.0
    for step in sorted(steps, key=lambda step: float(step["started"])):
        wall += max(0.0, step["ended"] - max(step["started"], until))
        until = max(until, step["ended"])
        cpu += step["cpu_seconds"]
    return {"wall_seconds": wall, "cpu_seconds": cpu}

"""Names that tell runs apart, for leaderboards, comparisons, gates and pages: the model and in what its runs differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.text import one_line, without_folders
from harness.types import RunRecord

PLAIN = ("model", "handler", "engine")
"""Facts that need no heading."""
LONGEST = 80
"""Characters of a name, and of what follows it."""


def name_of(model: str) -> str:
    """A model as it is shown: the last part of a local path, else the name itself, on one line."""
    last = model.rstrip("/").rsplit("/", 1)[-1] if model.startswith((".", "/", "~")) else model
    return one_line(last or model, LONGEST)


def shown(value: Any) -> str:
    """A fact's value as others may see it: no folder of the machine that measured."""
    text = str(value)
    return name_of(text) if text.startswith(("/", "~")) else without_folders(text)


def facts(record: RunRecord) -> dict[str, Any]:
    """What can change a reply or its verdict, apart from the data, as JSON values in the order in which it is told."""
    model, engine, sampling = record.model, asdict(record.engine), asdict(record.sampling)
    return {
        "model": model.name,
        "revision": model.revision,
        "adapter": model.adapter,
        "weights": (model.sha256 or "")[:8],
        "handler": record.handler,
        **{f"handler {name}": value for name, value in record.handler_options.items()},
        **{"engine" if name == "name" else f"engine {name}": value for name, value in engine.items()},
        **sampling,
        "stop": list(record.sampling.stop),
        "rules": record.rules,
        "repeats": record.repeats,
    }


def asked_by(found: Mapping[str, Any]) -> str:
    """How a model was asked, in a few words: its handler and, where calls were read in one, the dialect.

    Args:
        found: As `facts` gives them.

    Returns:
        `prompt`, `fc hermes`, ...; empty where nothing is known.
    """
    said = (found.get("handler"), found.get("handler dialect"))
    return one_line(" ".join(str(part) for part in said if part), LONGEST)


def joined(several: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Facts of runs that make one side: those in which they agree, and of the others all values."""
    found: dict[str, list[Any]] = {}
    for one in several:
        for name, value in one.items():
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    return {name: values[0] if len(values) == 1 else " + ".join(map(str, values)) for name, values in found.items()}


def tell_apart(names: Sequence[str], sides: Sequence[Mapping[str, Any]], runs: Sequence[str]) -> list[str]:
    """Label sides, rows or runs.

    Args:
        names: Of their models, as `name_of` gives them.
        sides: Facts of each; a fact that one does not hold differs from none.
        runs: Ids of the runs behind each; empty where that is not known.

    Returns:
        The name; where several have it, with the facts in which they differ; and where these agree as well, the id.
    """
    differing = _differing(names, sides)
    parts = [_told(side, differing[name]) for side, name in zip(sides, names, strict=True)]
    labels = list(map(_written, names, parts))
    same = defaultdict[str, set[str]](set)
    for label, run in zip(labels, runs, strict=True):
        same[label].add(run)
    return [
        _written(name, part, f"run {run}") if run and len(same[label]) > 1 else label
        for name, part, run, label in zip(names, parts, runs, labels, strict=True)
    ]


def _differing(names: Sequence[str], sides: Sequence[Mapping[str, Any]]) -> Mapping[str, set[str]]:
    """Name -> facts in which the sides of that name differ."""
    values = defaultdict[str, dict[str, set[str]]](lambda: defaultdict(set))
    for name, side in zip(names, sides, strict=True):
        for fact, value in side.items():
            values[name][fact].add(str(value))
    return {name: {fact for fact, found in values[name].items() if len(found) > 1} for name in set(names)}


def _told(side: Mapping[str, Any], differing: set[str]) -> str:
    return one_line(", ".join(_fact(name, value) for name, value in side.items() if name in differing), LONGEST)


def _fact(name: str, value: Any) -> str:
    if value is None:
        return f"no {name}"
    said = shown(value)
    return said if name in PLAIN else f"{name} {'unknown' if value == '' else said}"


def _written(name: str, *parts: str) -> str:
    told = ", ".join(part for part in parts if part)
    return f"{name} ({told})" if told else name

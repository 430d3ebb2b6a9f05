"""Which samples a run covers: task names, `--limit`, `--sample-id` and what the chosen samples depend on."""

from __future__ import annotations

import json
import logging
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import plugins
from harness.errors import DataError, UsageProblem, unknown_name
from harness.protocols import Benchmark
from harness.types import Sample

OLD_NAMES = {"simple": "simple_python", "java": "simple_java", "javascript": "simple_javascript"}
"""What version 3 of BFCL called its categories."""
LIMIT = re.compile(r"(?P<count>\d+)|(?P<fraction>\d*\.\d+)|(?P<first>\d+)-(?P<last>\d+)")


def benchmarks() -> dict[str, Benchmark]:
    """All benchmarks by name; one that cannot be loaded is reported and left out, so that it stops no other."""
    found = {}
    for name in plugins.names("benchmarks"):
        try:
            found[name] = plugins.load("benchmarks", name)
        except (ImportError, UsageProblem) as error:
            logging.getLogger(__name__).warning("benchmark %s cannot be loaded: %s", name, error)
    return found


def resolve(tasks: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Turn task names into leaf categories.

    Args:
        tasks: Names of leaf categories or groups of any benchmark, or of a benchmark as a whole.

    Returns:
        Leaf categories by benchmark, in the benchmark's own order whatever the order of the names.

    Raises:
        UsageProblem: A name is unknown; near ones are offered.
    """
    tasks = [_taken(task) for task in tasks]
    known = {name: dict(benchmark.tasks()) for name, benchmark in benchmarks().items()}
    chosen: dict[str, set[str]] = {name: set() for name in known}
    for task in tasks:
        found = [(name, _leaves(task, name, groups)) for name, groups in known.items()]
        if task in OLD_NAMES and not any(leaves for _, leaves in found):
            raise UsageProblem(f"unknown task {task!r}", f"It is called {OLD_NAMES[task]} by now.")
        if not any(leaves for _, leaves in found):
            raise unknown_name("task", task, {*known, *(task for groups in known.values() for task in groups)})
        for name, leaves in found:
            chosen[name].update(leaves)
    return {name: _in_order(leaves, known[name]) for name, leaves in chosen.items() if leaves}


def _taken(task: str) -> str:
    """The name under which a file of the user's own questions is kept, once it is taken in; other tasks as they are."""
    if not task.endswith((".jsonl", ".json")):
        return task
    from harness.benchmarks.own import sets

    name = sets.name_of(Path(task))
    sets.add(name, [Path(task)])
    return name


def _leaves(task: str, benchmark: str, groups: dict[str, Sequence[str]]) -> Sequence[str]:
    alike = {name.replace("-", "_"): leaves for name, leaves in groups.items()}
    everything = [leaf for leaves in groups.values() for leaf in leaves]
    return alike.get(task.replace("-", "_"), everything if task == benchmark else ())


def _in_order(leaves: Collection[str], groups: dict[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(leaf for group in groups.values() for leaf in group if leaf in leaves))


def read_ids(file: Path) -> list[str]:
    """Sample ids of a file.

    Args:
        file: One id a line, a JSON list, or a JSON object of lists by category (as the official `--run-ids` reads).

    Returns:
        The ids.

    Raises:
        UsageProblem: The file cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text) if text.lstrip().startswith(("[", "{")) else text.split()
        lists = data.values() if isinstance(data, dict) else [data]
        ids = [name for names in lists for name in names]
    except (OSError, ValueError, TypeError) as error:
        raise UsageProblem(f"--ids {file}: {error}", "Give one id a line, or JSON.") from None
    if not ids or not all(isinstance(name, str) for name in ids):
        what = "an id is not a string" if ids else "there is no id in it"
        raise UsageProblem(f"--ids {file}: {what}", "Give one id a line, or JSON.")
    return ids


def span(limit: str, n: int) -> slice:
    """The part of `n` samples that a limit names.

    Args:
        limit: `20` (the first 20), `0.1` (the first tenth, rounded up) or `11-20` (from the 11th to the 20th).
        n: How many there are.

    Returns:
        The part.

    Raises:
        UsageProblem: The limit is none of these.
    """
    match = LIMIT.fullmatch(limit.strip())
    if match and match["count"] and int(match["count"]):
        return slice(0, int(match["count"]))
    if match and match["fraction"] and 0 < float(match["fraction"]) <= 1:
        return slice(0, math.ceil(float(match["fraction"]) * n))
    if match and match["first"] and 1 <= int(match["first"]) <= int(match["last"]):
        return slice(int(match["first"]) - 1, int(match["last"]))
    remedy = "Give a count (20), a fraction (0.1) or a range (11-20)."
    raise UsageProblem(f"--limit {limit!r} is not a limit", remedy)


def choose(samples: Sequence[Sample[Any]], limit: str | None, ids: Collection[str]) -> list[Sample[Any]]:
    """The samples to play, in the official order.

    Args:
        samples: All samples of the categories.
        limit: Applied to each category by itself, after `ids`; None for all.
        ids: Only these samples; empty for all.

    Returns:
        What was chosen, and what it depends on (`Sample.after`).

    Raises:
        DataError: A chosen sample depends on one that is not there.
    """
    left = Counter(sample.category for sample in samples if not ids or sample.id in ids)
    spans = {category: span(limit, n) for category, n in left.items()} if limit else {}
    seen: Counter[str] = Counter()
    chosen: set[str] = set()
    for sample in samples:
        if ids and sample.id not in ids:
            continue
        part = spans.get(sample.category, slice(0, None))
        if part.start <= seen[sample.category] and (part.stop is None or seen[sample.category] < part.stop):
            chosen.add(sample.id)
        seen[sample.category] += 1
    chosen |= _needed({sample.id: sample for sample in samples}, chosen)
    return [sample for sample in samples if sample.id in chosen]


def _needed(samples: dict[str, Sample[Any]], chosen: Iterable[str]) -> set[str]:
    needed: set[str] = set()
    stack = list(chosen)
    while stack:
        sample = samples[stack.pop()]
        for name in sample.after:
            if name not in samples:
                raise DataError(f"sample {sample.id} depends on {name}, which its benchmark does not have")
            if name not in needed:
                needed.add(name)
                stack.append(name)
    return needed


def ids_by_benchmark(ids: Collection[str], tasks: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Find the benchmark of each sample id.

    Args:
        ids: What the user asked for.
        tasks: Leaf categories by benchmark, as `resolve` gives them.

    Returns:
        Ids by benchmark, without benchmarks that have none of them.

    Raises:
        UsageProblem: None has an id; near ones are offered.
    """
    known = {
        name: {sample.id for sample in plugins.load("benchmarks", name).load(categories)}
        for name, categories in tasks.items()
    }
    for wanted in ids:
        if not any(wanted in names for names in known.values()):
            raise unknown_name("sample", wanted, set().union(*known.values()))
    found = {name: tuple(wanted for wanted in ids if wanted in names) for name, names in known.items()}
    return {name: wanted for name, wanted in found.items() if wanted}

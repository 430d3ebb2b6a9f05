"""What heads a run's page: facts, scores, averages, error types, and how long replies are and take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.analysis.labels import name_of, shown
from harness.results import store
from harness.results.lines import SampleLine
from harness.results.usage import measure
from harness.running.readings import warnings
from harness.running.retelling import Retold, retell
from harness.stats.averages import cell_json, evaluate
from harness.stats.intervals import accuracy
from harness.stats.views import load_view
from harness.text import one_line, without_folders
from harness.types import Key, Reply, RunRecord

CARDS = {
    "v4": ("overall", "non_live", "live", "irrelevance_detection", "multi_turn", "agentic"),
    "funreason": ("overall", "live_v3"),
    "acebench": tuple(
        f"{part}_{language}" for language in ("en", "zh") for part in ("summary", "normal", "special", "agent")
    ),
    "apibank": ("level1", "level2", "level3_calls", "level3", "responses1", "responses2", "responses3", "exact"),
}
"""Columns of views that head the page."""
BINS = 30
"""Bars of a histogram."""
_view = cache(load_view)


@dataclass(frozen=True, slots=True)
class Side:
    """One run as the page needs it."""

    folder: Path
    record: RunRecord
    lines: Mapping[Key, SampleLine]
    told: Mapping[Key, Retold]


def read_side(folder: Path) -> Side:
    """Read a run and retell its samples."""
    record = store.read_run(folder)
    lines = {line.key: line for line in store.read_samples(folder)}
    return Side(folder, record, lines, retell(record, lines))


def about(side: Side) -> dict[str, Any]:
    """Facts, scores, averages, error types and distributions of a run, as JSON values."""
    record, lines = side.record, list(side.lines.values())
    told = [reply for sample in side.told.values() for reply in sample.replies]
    verdicts = [verdict for line in lines for verdict in line.verdicts.values()]
    codes = Counter(verdict.code or verdict.outcome for verdict in verdicts if verdict.outcome != "pass")
    generations = [step.generation for line in lines for step in line.steps]
    return {
        "label": name_of(record.model.name),
        "id": record.run_id,
        "status": record.status,
        "facts": _facts(side),
        "categories": [_category(name, record) for name in record.scores if ":" not in name],
        "aggregates": list(aggregates(record)),
        "codes": codes.most_common(),
        "usage": {**asdict(record.usage), **measure(lines).as_json()},
        "lengths": {
            "think": histogram([len(reply.think) for reply in told if reply.think is not None]),
            "answer": histogram([_answer_length(reply) for reply in told]),
            "tokens": histogram([generation.completion_tokens for generation in generations]),
            "seconds": histogram([generation.seconds for generation in generations]),
        },
    }


def _answer_length(reply: Reply) -> int:
    return len(reply.text) + sum(len(call.name) + len(str(dict(call.arguments))) for call in reply.calls or ())


def _facts(side: Side) -> dict[str, str]:
    record = side.record
    settings = {name: value for name, value in asdict(record.engine).items() if name != "name"}
    engine = ", ".join(
        f"{name} {shown(value)}" for name, value in settings.items() if value not in (None, "", {}, "auto")
    )
    facts = {
        "started": record.started,
        "benchmark": f"{record.benchmark.name} {record.benchmark.version or ''}".strip(),
        "data": record.benchmark.data_sha256,
        "checker": record.benchmark.checker_sha256,
        "weights": record.model.sha256,
        "adapter": record.model.adapter and shown(record.model.adapter),
        "revision": record.model.revision,
        "handler": record.handler,
        "engine": f"{record.engine.name} ({engine})" if engine else record.engine.name,
        "sampling": f"temperature {record.sampling.temperature:g}, at most {record.sampling.max_tokens} tokens",
        "rules": record.rules,
        "repeats": record.repeats,
        "code": f"{record.code.git}{' with changes' if record.code.dirty else ''}",
        "machine": ", ".join(str(value) for value in asdict(record.machine).values() if value),
        "seconds": f"{record.seconds:.1f}",
        "folder": side.folder.name,
    }
    for said in warnings(record.readings, record.handler_options.get("dialect")):
        facts[f"unreadable {said.partition(':')[0]}"] = said.partition(": ")[2]
    return {
        name: one_line(without_folders(str(value)), 300) for name, value in facts.items() if value not in (None, "")
    }


def _category(name: str, record: RunRecord) -> dict[str, Any]:
    score = record.scores[name]
    value, (low, high) = accuracy(score, record.repeats) or (None, (0.0, 1.0))
    counts = {"n": score.judged, "size": score.n, "unscored": score.unscored, "truncated": score.truncated}
    return {"name": name, "value": value, "low": low, "high": high, **counts}


def aggregates(record: RunRecord) -> Iterator[dict[str, Any]]:
    """Averages of which at least a part was run."""
    for view, columns in ((_view(name), columns) for name, columns in CARDS.items()):
        for name, cell in evaluate(view, record.scores, repeats=record.repeats, columns=columns).items():
            if cell.n:
                yield {"view": view.title, "title": view.title_of(name), **cell_json(cell)}


def histogram(values: Sequence[float]) -> dict[str, Any] | None:
    """Counts in equal bins up to the 98th percentile; the last bin takes all that is larger.

    Args:
        values: Any numbers.

    Returns:
        `edges`, `counts`, `n`, `mean`, `median` and `max`; None without a value above zero.
    """
    import numpy as np

    array = np.asarray(values, dtype=float)
    if not array.size or array.max() <= 0:
        return None
    top = float(np.percentile(array, 98)) or float(array.max())
    edges = np.linspace(0, top, BINS + 1)
    counts, _ = np.histogram(np.minimum(array, top), edges)
    facts = {"mean": array.mean(), "median": np.median(array), "max": array.max()}
    return {
        "edges": [round(float(edge), 4) for edge in edges],
        "counts": counts.tolist(),
        "n": int(array.size),
        **{name: round(float(value), 4) for name, value in facts.items()},
    }

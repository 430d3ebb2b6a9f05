"""A few items of each kind, played before a long run is paid for: does the set-up fit the model?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import plugins
from harness.errors import HarnessError
from harness.handlers import OPEN
from harness.protocols import Handler
from harness.results import store
from harness.results.lines import SampleLine
from harness.running import users
from harness.running.budget import Budget
from harness.running.episodes import Ended
from harness.running.plan import RunSpec, SharedEngine, plan
from harness.running.progress import Silent
from harness.running.readings import warnings
from harness.running.runner import execute
from harness.types import Generation, Prompt, Query, Reply, RunRecord, Step


@dataclass(frozen=True, slots=True)
class Shown:
    """The first question of an item, as it was asked, answered and read."""

    category: str
    id: str
    prompt: Prompt
    generation: Generation
    reply: Reply
    outcome: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found out."""

    record: RunRecord
    why: str
    """The handler's options, and why these."""
    shown: tuple[Shown, ...]
    """One item of each category."""
    problems: tuple[str, ...]
    """What does not fit; empty where all seems well."""


def trial(spec: RunSpec, engine: SharedEngine, n: int) -> Trial:
    """Play some items of each category; nothing is kept.

    Args:
        spec: The run that is meant.
        engine: Its engine; opened here and left open.
        n: Items of each category.

    Returns:
        What was found out.
    """
    with tempfile.TemporaryDirectory() as folder:
        few = replace(spec, limit=str(n), ids=(), output=Path(folder), repeats=1, resume=False)
        planned = plan(few, engine)
        record = execute(planned, engine, Silent(), Budget(spec.cost_limit))
        lines = list(store.read_samples(store.path_of(Path(folder), record)))
    ended = Ended(planned.benchmark, planned.handler, planned.samples, {line.key: line for line in lines})
    first = {line.category: line for line in reversed(lines) if line.steps and line.verdicts}
    shown = tuple(_shown(line, ended) for line in first.values())
    return Trial(record, f"{planned.handler.name} ({planned.why})", shown, tuple(_problems(record, lines, ended)))


def _shown(line: SampleLine, ended: Ended) -> Shown:
    query, step = next(ended.retrace(line.key))
    handler = _handler(ended.handler, query)
    outcome = ", ".join(f"{verdict.outcome} {verdict.code or ''}".strip() for verdict in line.verdicts.values())
    return Shown(line.category, line.id, handler.render(query), step.generation, step.reply, outcome)


def _handler(handler: Handler, query: Query) -> Handler:
    user: Handler = plugins.load("handlers", users.HANDLER)
    return handler if query.asks == "model" else user


def _problems(record: RunRecord, lines: Sequence[SampleLine], ended: Ended) -> Iterator[str]:
    faults = [line for line in lines if line.fault]
    if faults:
        yield f"{len(faults)} of {len(lines)} items ended in an error, the first by: {faults[0].fault}"
    yield from warnings(record.readings, record.handler_options.get("dialect"))
    steps = [step for line in lines if not line.fault for _, step in _retraced(ended, line) if step.asked == "model"]
    cut = sum(step.generation.finish == "length" for step in steps)
    if cut:
        limit = record.sampling.max_tokens
        yield f"{cut} of {len(steps)} replies are cut off at {limit} tokens or the model's context: raise --max-tokens"
    opened = sum(step.reply.problem == "unclosed_think" for step in steps)
    if opened:
        yield f"{opened} of {len(steps)} replies never close their thinking: see --think-prefix and --max-tokens"
    prefix = str(getattr(ended.handler, "think_prefix", ""))
    twice = sum(OPEN in prefix and step.generation.text.lstrip().startswith(OPEN) for step in steps)
    if twice:
        yield f"{twice} of {len(steps)} replies open their thinking again after the prefix: --think-prefix ''"


def _retraced(ended: Ended, line: SampleLine) -> Iterator[tuple[Query, Step]]:
    try:
        yield from ended.retrace(line.key)
    except (HarnessError, LookupError):
        return

"""What a synthesis would ask and cost, from its walks alone: nobody is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from refine.judge import Answer
from refine.synth.converse import Rules, converse
from refine.synth.recite import recite
from refine.synth.roles import QUESTIONS
from refine.synth.run import Settings, open_settled, settled
from refine.synth.walk import Unwalkable
from refine.synth.walks import GRAPH, Walks, write_graph
from refine.types import Ask, Way


@dataclass(frozen=True)
class Estimate:
    """What a run would cost at least (everything passes at once) and at most (every attempt is used up)."""

    conversations: int
    """Those with a walk."""
    calls: tuple[int, int]
    prompt_tokens: tuple[int, int]
    reply_tokens: tuple[int, int]
    by_model: Mapping[str, tuple[tuple[int, int], tuple[int, int]]]
    """Prompt and reply tokens at least and at most, by model."""
    stages: Mapping[str, int]
    """Calls at least, by stage."""


def estimate(settings: Settings, reply_tokens: int = 400) -> Estimate:
    """Walk, and count what would be asked, without asking anybody; a token is taken as four characters.

    Args:
        settings: What would be run.
        reply_tokens: What a reply of the reasoner is taken to be long; other roles a quarter of it.

    Returns:
        Lower and upper bounds.
    """
    settings = settled(settings)
    low: dict[str, list[int]] = {stage: [0, 0] for stage in QUESTIONS}
    with ExitStack() as opened:
        environment = open_settled(settings)
        opened.callback(environment.close)
        folder = settings.output
        if not (folder / GRAPH).exists():
            folder = Path(opened.enter_context(TemporaryDirectory()))
            write_graph(environment, {}, folder, settings.graph)
        walks = Walks(environment, settings.plan, folder)
        found = 0
        for number in range(settings.conversations):
            try:
                trace = walks.of(number)
            except Unwalkable:
                continue
            found += 1
            for ask in _recited(
                converse(trace, environment, Rules()),
                lambda ask, trace=trace: recite(trace, environment.tools(), ask.stage, ask.material),  # type: ignore[misc]
            ):
                low[ask.stage][0] += settings.votes if ask.question.votes else 1
                size = len(ask.question.instructions) + sum(map(len, ask.material.values()))
                low[ask.stage][1] += (settings.votes if ask.question.votes else 1) * (size // 4)
            walks.forget(number)
    return _bounds(settings, found, low, reply_tokens)


def _recited(way: Way, answer: Callable[[Ask], Answer]) -> Iterator[Ask]:
    """All that a conversation asks where every reply is right."""
    said: Answer | None = None
    while True:
        try:
            ask = way.send(said)
        except StopIteration:
            return
        yield ask
        said = answer(ask)


def _bounds(settings: Settings, found: int, low: Mapping[str, Sequence[int]], reply: int) -> Estimate:
    attempts, queries = settings.max_attempts, settings.max_queries
    turns = low["thought_judge"][0] / settings.votes  # asked once a turn
    factor = {"query": queries, "query_judge": queries, "tool": 1, "values": 1}
    most = {stage: [part * factor.get(stage, attempts) for part in pair] for stage, pair in low.items()}
    each = low["reasoner"][1] / max(low["reasoner"][0], 1)
    most["critic"] = [round(turns * (attempts - 1)), round(turns * (attempts - 1) * each)]
    by_model: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
    for stage in QUESTIONS:
        model = settings.crew.names("judge" if stage.endswith("_judge") else stage)[0]
        length = reply if stage == "reasoner" else reply // 4
        (p1, p2), (r1, r2) = by_model.get(model, ((0, 0), (0, 0)))
        a, b = low[stage], most[stage]
        by_model[model] = ((p1 + a[1], p2 + b[1]), (r1 + a[0] * length, r2 + b[0] * length))
    return Estimate(
        found,
        (sum(pair[0] for pair in low.values()), sum(pair[0] for pair in most.values())),
        (sum(pair[0][0] for pair in by_model.values()), sum(pair[0][1] for pair in by_model.values())),
        (sum(pair[1][0] for pair in by_model.values()), sum(pair[1][1] for pair in by_model.values())),
        by_model,
        {stage: pair[0] for stage, pair in low.items() if pair[0]},
    )

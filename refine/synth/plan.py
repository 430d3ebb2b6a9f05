"""What each conversation shall be, known from a seed and a number before anything is carried out.

Targets come from a deck that holds every tool, shuffled anew each time it is used up: tools are covered evenly, and a
shard that plans numbers of its own plans what one process would have.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import get_args

from harness.errors import UsageProblem, unknown_name
from refine.environments import Environment
from refine.synth.graph import Graph
from refine.synth.types import Plan, PlannedTurn, TurnKind

SHARES: Mapping[TurnKind, float] = MappingProxyType(
    {
        "plain": 0.3,
        "implicit": 0.3,
        "missing_parameter": 0.1,
        "missing_function": 0.1,
        "two_requests": 0.1,
        "nothing_to_do": 0.05,
        "error_recovery": 0.05,
    }
)
"""Kinds of turns; FunReason-MT's own shares are unpublished."""
MOST_OFTEN = 5
"""How many times as often as others a tool can be a target, however often a model fails with it."""


@dataclass(frozen=True)
class PlanSettings:
    """What conversations shall be like."""

    seed: int = 0
    """Of all plans and walks."""
    turns: tuple[int, int] = (1, 3)
    """Fewest and most turns."""
    calls: tuple[int, int] = (2, 5)
    """Fewest and most calls of a turn; a target may need a few more."""
    shares: Mapping[TurnKind, float] = field(default_factory=lambda: SHARES)
    """How often each kind of turn is planned, as parts of their sum."""
    tools: int = 0
    """Tools shown, targets and what they need among them; 0 shows all."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """How many times each tool is in the deck of targets; 1 where nothing is said."""


class Planner:
    """Plans conversations in an environment.

    Args:
        environment: The environment.
        graph: Its graph: only tools that were reached are targets.
        settings: What conversations shall be like.

    Raises:
        UsageProblem: No tool was reached.
    """

    def __init__(self, environment: Environment, graph: Graph, settings: PlanSettings) -> None:
        if not graph.reached:
            raise UsageProblem(
                f"no tool of {environment.name} was carried out when its graph was made",
                "See what the calls were refused for: refine synth graph; name values with --values.",
            )
        self._environment, self._graph, self.settings = environment, graph, settings
        self._deck = [name for name in graph.reached for _ in range(settings.weights.get(name, 1))]

    def plan(self, number: int) -> Plan:
        """The plan of one conversation.

        Args:
            number: From 0.

        Returns:
            The plan; the same for the same environment, settings and number.
        """
        settings = self.settings
        draw = randomness(settings.seed, "plan", number)
        most = settings.turns[1]
        turns = []
        for turn in range(draw.randint(*settings.turns)):
            kind: TurnKind = draw.choices(list(settings.shares), weights=list(settings.shares.values()))[0]
            wanted = {"nothing_to_do": 0, "two_requests": 2}.get(kind, 1)
            targets = [self._target(2 * (number * most + turn) + each) for each in range(wanted)]
            calls = draw.randint(*settings.calls) if wanted else 0
            turns.append(PlannedTurn(kind, tuple(dict.fromkeys(targets)), calls))
        return Plan(
            environment=self._environment.name,
            digest=self._environment.digest,
            seed=settings.seed,
            number=number,
            world=randomness(settings.seed, "world", number).randrange(2**31),
            tools=self._shown(turns, draw),
            turns=tuple(turns),
        )

    def _target(self, place: int) -> str:
        """The target at a place of the endless row of decks; places go by twos so that a turn may have two."""
        deck, card = divmod(place // 2 + (place % 2) * 1_000_003, len(self._deck))
        order = list(self._deck)
        randomness(self.settings.seed, "deck", deck).shuffle(order)
        return order[card]

    def _shown(self, turns: Sequence[PlannedTurn], draw: Random) -> tuple[str, ...]:
        names = list(self._graph.tools)
        if not 0 < self.settings.tools < len(names):
            return tuple(names)
        needed = {target for turn in turns for target in turn.targets}
        for _ in range(3):
            needed |= {edge.source for edge in self._graph.state_edges if edge.target in needed}
            needed |= {edge.source for edge in self._graph.value_edges if edge.target in needed and edge.executed}
        others = [name for name in names if name not in needed]
        more = draw.sample(others, min(len(others), max(0, self.settings.tools - len(needed))))
        return tuple(name for name in names if name in needed or name in more)


def randomness(*parts: object) -> Random:
    """A generator that depends on these parts only, in every process."""
    return Random(hashlib.sha256("\0".join(map(str, parts)).encode()).digest())


def shares_of(given: Mapping[str, float]) -> Mapping[TurnKind, float]:
    """Shares of kinds of turns as a user names them; kinds that are not named get none.

    Raises:
        UsageProblem: A kind is unknown, or no share is above 0.
    """
    known = get_args(TurnKind)
    for kind, share in given.items():
        if kind not in known:
            raise unknown_name("kind of turn", kind, known)
        if share < 0:
            raise UsageProblem(f"--kinds {kind}={share} is below 0", "Shares are parts of their sum.")
    if not any(given.values()):
        raise UsageProblem("--kinds names no share above 0", "For example --kinds plain=2,implicit=1.")
    return {kind: given[kind] for kind in known if kind in given}


def weights_from(run: Path, tools: Sequence[str]) -> dict[str, int]:
    """How often each tool shall be a target, by a model's failures in a recorded run.

    A tool counts once for every failed sample in which the model called it, and the one with the most failures is a
    target five times as often as one without.

    Args:
        run: Folder of a `harness run`.
        tools: Names of the environment's tools.

    Returns:
        Copies in the deck by name.

    Raises:
        DataError: The folder holds no run.
        UsageProblem: No failed sample calls one of the tools.
    """
    from harness import plugins
    from harness.data.calls import read_answer
    from harness.results import store
    from harness.types import Query

    record = store.read_run(run)
    handler = plugins.handler(record.handler, record.handler_options, record.rules)
    failures: Counter[str] = Counter()
    for line in store.read_samples(run):
        if any(verdict.outcome == "fail" for verdict in line.verdicts.values()):
            replies = [handler.parse(step.generation, Query(())) for step in line.steps]
            calls = [call for reply in replies for call in (reply.calls or read_answer(reply.text) or ())]
            failures.update({call.name for call in calls} & set(tools))
    if not failures:
        raise UsageProblem(
            f"--targets-from {run}: no failed sample calls a tool of this environment",
            "Name a run in which a model worked with these tools.",
        )
    most = max(failures.values())
    return {name: 1 + round((MOST_OFTEN - 1) * failures[name] / most) for name in tools}

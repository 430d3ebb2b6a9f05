"""The records of synthesis: what is planned, and what a walk carried out. All go to JSON and back unchanged.

A `Plan` is known from a seed and a number alone. Walking it gives a `Trace`: turns of levels of steps, each step a call
that was carried out in a world, with where its arguments come from. `refine.environments` has the worlds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.types import FunctionCall

TurnKind = Literal[
    "plain", "implicit", "missing_parameter", "missing_function", "two_requests", "nothing_to_do", "error_recovery"
]
"""`implicit`: the query leaves the steps to be inferred. `nothing_to_do`: no call is right."""
Effect = Literal["state", "result", "answer"]
"""What a call is good for: it changed the state, a later call uses its result, or its result answers the user."""
Path = tuple[str | int, ...]
"""Keys and indices that lead to a value inside a JSON value."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where one value of a call's arguments comes from."""

    parameter: Path
    """Parameter name first, then the way to a leaf inside its value."""
    kind: Literal["user", "result", "state", "constant"]
    """`result`: an earlier step returned it. `state`: it stands in the world and no earlier result of the conversation
    shows it, so the user must say it, who knows his world. `user`: it is new, only the user can know it. `constant`:
    the document allows few values (an enum, a boolean) or gives it as the default."""
    step: int | None = None
    """For `result`: index of the step in the conversation, from 0, whose result shows it first."""
    path: Path = ()
    """Where it stands in that result or in the state; the way to a key of an object ends with `(key)`."""


@dataclass(frozen=True, slots=True)
class Step:
    """A call that was carried out, and what it did."""

    index: int
    """Number in the conversation, from 0, in the order of execution."""
    call: FunctionCall
    result: str
    """As the model will see it."""
    effects: tuple[Effect, ...]
    """Never empty."""
    sources: tuple[Source, ...] = ()
    """One a leaf of the arguments, in their order."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """An error that is shown before a step, and from which the step recovers."""

    step: int
    """Index of the step before which it is shown."""
    kind: Literal["transient", "natural"]
    """`transient`: the step's own call, not carried out; the step is the retry. `natural`: another call, carried out
    and refused, which left the state as it was; it must be shown and not learnt."""
    call: FunctionCall
    text: str
    """The error as the model will see it."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What is missing when the turn begins and comes later in it."""

    tool: str
    """The tool that is not shown yet, or whose argument the user does not say yet."""
    step: int
    """Index of the first step that needs it."""
    parameter: str | None = None
    """The argument that is not said; None where the tool itself is missing."""
    value: Any = None
    """The argument's value."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as it was walked."""

    kind: TurnKind
    targets: tuple[str, ...]
    """Tools the turn leads to; two for two requests, none where there is nothing to do."""
    levels: tuple[tuple[Step, ...], ...] = ()
    """Steps that can be called in one list; those of the next level need a result of this one."""
    held_back: HeldBack | None = None
    mishaps: tuple[Mishap, ...] = ()
    state_sha256: str = ""
    """`state_digest` of the world after the turn."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in their order."""
        return tuple(step for level in self.levels for step in level)


@dataclass(frozen=True, slots=True)
class PlannedTurn:
    """One turn before it is walked."""

    kind: TurnKind
    targets: tuple[str, ...]
    calls: int
    """Calls it should have; a walk may need a few more to reach its target."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One conversation before anything is carried out or asked."""

    environment: str
    """Name as it was given, for example `python:desk.py:Desk`."""
    digest: str
    """sha256 in hex of the environment."""
    seed: int
    """Of the whole synthesis."""
    number: int
    """Of this conversation, from 0."""
    world: int
    """Seed of the world it is played in."""
    tools: tuple[str, ...]
    """Names of the tools shown, in their order; a missing function's is shown from its turn on."""
    turns: tuple[PlannedTurn, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """One conversation as it was carried out, without a word spoken."""

    plan: Plan
    turns: tuple[Turn, ...]
    benchmark: str = ""
    """The benchmark in whose own environment it was walked."""

    def steps(self) -> Iterator[Step]:
        """All steps in the order of execution; `Step.index` counts them."""
        return (step for turn in self.turns for step in turn.steps)


def to_json(record: Plan | Trace) -> dict[str, Any]:
    """A record as JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(record)))
    return plain


def plan_of(plain: Mapping[str, Any]) -> Plan:
    """The plan that `to_json` wrote."""
    turns = tuple(PlannedTurn(**{**turn, "targets": tuple(turn["targets"])}) for turn in plain["turns"])
    return Plan(**{**plain, "tools": tuple(plain["tools"]), "turns": turns})


def trace_of(plain: Mapping[str, Any]) -> Trace:
    """The trace that `to_json` wrote."""
    turns = tuple(_turn_of(turn) for turn in plain["turns"])
    return Trace(plan_of(plain["plan"]), turns, plain["benchmark"])


def _turn_of(plain: Mapping[str, Any]) -> Turn:
    held_back = plain["held_back"]
    return Turn(
        kind=plain["kind"],
        targets=tuple(plain["targets"]),
        levels=tuple(tuple(_step_of(step) for step in level) for level in plain["levels"]),
        held_back=HeldBack(**held_back) if held_back else None,
        mishaps=tuple(Mishap(**{**mishap, "call": FunctionCall(**mishap["call"])}) for mishap in plain["mishaps"]),
        state_sha256=plain["state_sha256"],
    )


def _step_of(plain: Mapping[str, Any]) -> Step:
    sources = tuple(
        Source(tuple(source["parameter"]), source["kind"], source["step"], tuple(source["path"]))
        for source in plain["sources"]
    )
    return Step(
        index=plain["index"],
        call=FunctionCall(**plain["call"]),
        result=plain["result"],
        effects=tuple(plain["effects"]),
        sources=sources,
    )


def state_digest(state: Any) -> str:
    """sha256 in hex of a world's state, by which two states are compared."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()

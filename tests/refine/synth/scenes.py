"""The library desk in this process, and walks in it that are written by hand: what tests of the roles live in."""

from __future__ import annotations

import importlib.util
import inspect
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.types import FunctionCall, Tool
from refine.environments import Outcome
from refine.synth.types import HeldBack, Mishap, Plan, PlannedTurn, Source, Step, Trace, Turn, TurnKind, state_digest

FILE = Path(__file__).parents[3] / "examples" / "environments" / "library_desk.py"


def desk_class() -> Any:
    """The class of the example environment."""
    spec = importlib.util.spec_from_file_location("library_desk", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Desk


class DeskWorld:
    """One desk."""

    def __init__(self, desk: Any) -> None:
        self.desk, self.calls = desk, []

    def execute(self, call: FunctionCall) -> Outcome:
        self.calls.append(call)
        try:
            result = getattr(self.desk, call.name)(**call.arguments)
        except Exception as problem:
            return Outcome(json.dumps({"error": str(problem)}), True)
        return Outcome(result if isinstance(result, str) else json.dumps(result))

    def state(self) -> Any:
        return json.loads(json.dumps(vars(self.desk)))

    def close(self) -> None:
        pass


class DeskEnvironment:
    """Desks without a sandbox."""

    name, digest, benchmark, shows_state = "test:desk", "0" * 64, "", True

    def __init__(self) -> None:
        self.kind = desk_class()
        self.values = self.kind.VALUES
        self.worlds: list[DeskWorld] = []

    def tools(self) -> tuple[Tool, ...]:
        methods = [(name, method) for name, method in vars(self.kind).items() if inspect.isfunction(method)]
        return tuple(_document(name, method) for name, method in methods if not name.startswith("_"))

    def fresh(self, seed: int) -> DeskWorld:
        self.worlds.append(DeskWorld(self.kind.fresh(seed)))
        return self.worlds[-1]

    def close(self) -> None:
        pass


def _document(name: str, method: Any) -> Tool:
    kinds = {"float": "number", "str": "string"}
    parameters = {
        each.name: {"type": kinds[each.annotation]}
        for each in inspect.signature(method).parameters.values()
        if each.name != "self"
    }
    described = inspect.getdoc(method).split("\n")[0]
    schema = {"type": "object", "properties": parameters, "required": list(parameters)}
    return {"name": name, "description": described, "parameters": schema}


Walked = tuple[str, dict[str, tuple[Any, str, int | None]], tuple[str, ...]]
"""Tool; argument -> value, kind of its source, step; effects."""


def walk(
    environment: DeskEnvironment,
    turns: Sequence[tuple[TurnKind, Sequence[Sequence[Walked]]]],
    *,
    number: int = 0,
    seed: int = 0,
    held_back: HeldBack | None = None,
    mishaps: tuple[Mishap, ...] = (),
) -> Trace:
    """Carry out turns of levels of calls.

    Args:
        environment: Where.
        turns: Kind and levels of each.
        number: Of the conversation.
        seed: Of the world.
        held_back: In the last turn.
        mishaps: In the last turn.

    Returns:
        The trace.
    """
    world, made, index = environment.fresh(seed), [], 0
    for kind, levels in turns:
        steps = []
        for level in levels:
            row = []
            for name, arguments, effects in level:
                call = FunctionCall(name, {key: value for key, (value, _, _) in arguments.items()})
                outcome = world.execute(call)
                assert not outcome.error, outcome
                sources = tuple(Source((key,), of, step) for key, (_, of, step) in arguments.items())
                row.append(Step(index, call, outcome.text, effects, sources))
                index += 1
            steps.append(tuple(row))
        targets = (steps[-1][-1].call.name,) if steps else ()
        made.append(Turn(kind, targets, tuple(steps), state_sha256=state_digest(world.state())))
    made[-1] = replace(made[-1], held_back=held_back, mishaps=mishaps)
    names = tuple(tool["name"] for tool in environment.tools())
    planned = tuple(PlannedTurn(turn.kind, turn.targets, len(turn.steps)) for turn in made)
    plan = Plan(environment.name, environment.digest, 5, number, seed, names, planned)
    return Trace(plan, tuple(made))


def lending(environment: DeskEnvironment, seed: int = 0) -> list[Walked]:
    """Three calls: who the member is, sign in, list the loans; the card comes from the first result."""
    desk = environment.kind.fresh(seed)
    card, member = next(iter(desk.members.items()))
    return [
        ("find_member", {"name": (member["name"], "user", None)}, ("result",)),
        ("sign_in", {"card": (card, "result", 0)}, ("state",)),
    ]


def borrowing(environment: DeskEnvironment, **settings: Any) -> Trace:
    """Two turns: a member is signed in; a title is looked up and reserved."""
    seed = settings.get("seed", 0)
    desk = environment.kind.fresh(seed)
    subject = next(iter(desk.books.values()))["subject"]
    book = next(iter(desk.books))
    find, sign_in = lending(environment, seed)
    look = ("find_books", {"subject": (subject, "user", None)}, ("result",))
    reserve = ("reserve", {"book_id": (book, "result", 2)}, ("state", "answer"))
    kind = settings.pop("kind", "plain")
    return walk(environment, [("plain", [[find], [sign_in]]), (kind, [[look], [reserve]])], **settings)

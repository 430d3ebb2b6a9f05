"""Carries out a plan without a model: toward each turn's target, refused calls thrown away, nothing done in vain.

A walk is kept when every call has an effect or its result is used, and a second world gives the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from harness.errors import HarnessError
from refine.environments import Environment
from refine.synth.draw import Drawer
from refine.synth.graph import Graph
from refine.synth.leaves import informative, visible
from refine.synth.mishaps import mishaps_of
from refine.synth.plan import randomness
from refine.synth.reach import Reacher
from refine.synth.scene import Scene
from refine.synth.types import Effect, HeldBack, Plan, PlannedTurn, Step, Trace, Turn, state_digest

ATTEMPTS = 8
"""Walks of one turn that are tried before the plan is given up."""
FILLERS = 60
"""Tools that are tried to bring a turn to its number of calls."""
ROOM = 4
"""Calls that a target may need beyond those planned."""
FOLLOWED = 0.9
"""Share of the calls that fill a turn whose tool is drawn by what it takes from results that no call has used."""


class Unwalkable(HarnessError):
    """A plan that could not be carried out; the reason is counted."""


class Walker:
    """Walks plans in one environment.

    Args:
        environment: The environment.
        graph: Its graph.
        values: Values to try, beside the environment's own.
    """

    def __init__(self, environment: Environment, graph: Graph, values: Mapping[str, Sequence[Any]]) -> None:
        self._environment, self._graph = environment, graph
        self._drawer = Drawer(environment.tools(), graph, {**environment.values, **values})
        self._reacher = Reacher(self._drawer, graph)
        self._shape = graph.shape()

    def walk(self, plan: Plan) -> Trace:
        """Carry out a plan.

        Args:
            plan: From a `Planner` of the same environment.

        Returns:
            What was done; the same for the same plan.

        Raises:
            Unwalkable: A turn's target was not reached, or a second world gave another result.
        """
        draw = randomness(plan.seed, "walk", plan.number)
        scene = Scene(self._environment, plan.world, self._shape)
        try:
            self._check_state(scene.state)
            turns: list[Turn] = []
            for planned in plan.turns:
                turns.append(self._turn(scene, planned, plan, turns, draw))
            trace = Trace(plan, with_uses(turns), self._environment.benchmark)
        finally:
            scene.close()
        replay(self._environment, trace)
        return trace

    def _check_state(self, state: Any) -> None:
        if self._environment.benchmark:
            from refine.synth.leaks import item_states

            if why := item_states().objection(state):
                raise Unwalkable(why)

    def _turn(self, scene: Scene, planned: PlannedTurn, plan: Plan, earlier: list[Turn], draw: Random) -> Turn:
        if not planned.targets:
            return Turn(planned.kind, (), state_sha256=state_digest(visible(scene.state)))
        start = len(scene.done)
        for _ in range(ATTEMPTS):
            refused = len(scene.refused)
            if self._approach(scene, planned, plan, start, draw):
                return self._finished(scene, planned, plan, start, refused, earlier, draw)
            scene.rewind(start)
        raise Unwalkable(f"{', '.join(planned.targets)} not reached in {planned.calls} calls")

    def _approach(self, scene: Scene, planned: PlannedTurn, plan: Plan, start: int, draw: Random) -> bool:
        """Reach the targets, fill the turn up to its calls, and leave out what was of no use."""
        limit = start + planned.calls + ROOM
        for target in planned.targets:
            if not self._reacher.reach(scene, target, draw, since=start, limit=limit):
                return False
        needed = [place for place in range(start, len(scene.done)) if scene.done[place].call.name in planned.targets]
        self._prune(scene, start, needed)
        for _ in range(FILLERS):
            if len(scene.done) - start >= planned.calls:
                self._prune(scene, start, needed)
            if len(scene.done) - start >= planned.calls:
                break
            self._fill(scene, start, planned.calls, plan.tools, draw)
        self._prune(scene, start, needed)
        if len(scene.done) - start < planned.calls:
            return False
        return all(done.call.name in plan.tools for done in scene.done[start:])

    def _fill(self, scene: Scene, start: int, calls: int, tools: Sequence[str], draw: Random) -> None:
        """One more call, of a tool that takes what no call has used yet, else of any; and what feeds it before it."""
        made = {done.call.name for done in scene.done[start:]}
        reached = [name for name in self._graph.reached if name in tools]
        fresh = [name for name in reached if name not in made] or reached
        shares = [self._drawer.fed(name, scene, draw, start) for name in fresh]
        count = len(scene.done)
        if any(shares) and draw.random() < FOLLOWED:
            (name,) = draw.choices(fresh, weights=shares)
        else:
            name = draw.choice(fresh)
        if not self._reacher.reach(scene, name, draw, since=start, depth=1, limit=start + calls, tries=3):
            scene.rewind(count)
            return
        last = scene.done[-1]
        used = any(source.kind == "result" for source in last.sources)
        repeated = any(done.call == last.call for done in scene.done[start:-1])
        hidden = any(done.call.name not in tools for done in scene.done[count:])
        if repeated or hidden or not (last.changed or used or self._can_feed(name)):
            scene.rewind(count)

    def _can_feed(self, name: str) -> bool:
        return any(edge.source == name for edge in self._graph.value_edges) or not self._graph.state_edges

    def _prune(self, scene: Scene, start: int, needed: list[int]) -> None:
        """Leave out calls that changed nothing and whose result nobody used; targets and the last call may answer."""
        while True:
            last = len(scene.done) - 1
            idle = [
                place
                for place in sorted(scene.unused(start))
                if not scene.done[place].changed and place not in needed and place != last
            ]
            if not idle:
                return
            kept = [place for place in range(len(scene.done)) if place != idle[-1]]
            if not scene.keep(kept):
                scene.rewind(idle[-1])
                return
            needed[:] = [place - (place > idle[-1]) for place in needed]

    def _finished(
        self,
        scene: Scene,
        planned: PlannedTurn,
        plan: Plan,
        start: int,
        refused: int,
        earlier: list[Turn],
        draw: Random,
    ) -> Turn:
        steps = [self._step(scene, place, start, planned) for place in range(start, len(scene.done))]
        digest = state_digest(visible(scene.state))
        turn = Turn(planned.kind, planned.targets, levels_of(steps), state_sha256=digest)
        if planned.kind == "error_recovery":
            turn = replace(turn, mishaps=mishaps_of(turn.levels, scene, refused, draw))
            return turn if turn.mishaps else replace(turn, kind="plain")
        if planned.kind in ("missing_parameter", "missing_function"):
            held = held_back(planned.kind, steps, earlier, self._graph.tools)
            return replace(turn, held_back=held) if held else replace(turn, kind="plain")
        return turn

    def _step(self, scene: Scene, place: int, start: int, planned: PlannedTurn) -> Step:
        done = scene.done[place]
        effects: list[Effect] = ["state"] if done.changed else []
        answers = done.call.name in planned.targets or place == len(scene.done) - 1
        if answers and informative(done.outcome.text):
            effects.append("answer")
        return Step(place, done.call, done.outcome.text, tuple(effects), done.sources)


def with_uses(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Turns whose steps say, too, that a later step uses their result, of this turn or of one that follows."""
    used = {source.step for turn in turns for step in turn.steps for source in step.sources}

    def told(step: Step) -> Step:
        return replace(step, effects=(*step.effects, "result")) if step.index in used else step

    return tuple(replace(turn, levels=tuple(tuple(map(told, level)) for level in turn.levels)) for turn in turns)


def levels_of(steps: Sequence[Step]) -> tuple[tuple[Step, ...], ...]:
    """Steps cut into lists: one that takes a result of the present list begins the next."""
    levels: list[list[Step]] = []
    for step in steps:
        present = {each.index for each in levels[-1]} if levels else set()
        if not levels or any(source.step in present for source in step.sources):
            levels.append([])
        levels[-1].append(step)
    return tuple(map(tuple, levels))


def held_back(kind: str, steps: Sequence[Step], earlier: Sequence[Turn], tools: Sequence[str]) -> HeldBack | None:
    """What the turn lacks at its beginning: an argument that only the user knows, or a tool that no turn has used."""
    if kind == "missing_parameter":
        for step in reversed(steps):
            for source in step.sources:
                name = str(source.parameter[0])
                if source.kind in ("user", "state") and len(source.parameter) == 1:
                    return HeldBack(step.call.name, step.index, name, step.call.arguments[name])
        return None
    used = {step.call.name for turn in earlier for step in turn.steps}
    for step in reversed(steps):
        if step.call.name not in used:
            first = next(each for each in steps if each.call.name == step.call.name)
            return HeldBack(step.call.name, first.index)
    return None


def replay(environment: Environment, trace: Trace) -> None:
    """Carry out a trace in another world, refused calls that were shown included.

    Args:
        environment: The trace's own.
        trace: What was walked.

    Raises:
        Unwalkable: A result or a state is another.
    """
    world = environment.fresh(trace.plan.world)
    try:
        for turn in trace.turns:
            natural = {each.step: each for each in turn.mishaps if each.kind == "natural"}
            for step in turn.steps:
                if (shown := natural.get(step.index)) and world.execute(shown.call).text != shown.text:
                    raise Unwalkable(f"a second world does not refuse {shown.call.name} alike")
                if world.execute(step.call).text != step.result:
                    raise Unwalkable(f"a second world gives another result of {step.call.name}")
            if state_digest(visible(world.state())) != turn.state_sha256:
                raise Unwalkable("a second world ends in another state")
    finally:
        world.close()

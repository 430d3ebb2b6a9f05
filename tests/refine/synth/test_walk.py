"""Walks: executable, of use call by call, repeatable, the same for the same seed and number whoever walks them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

import pytest

from harness.errors import UsageProblem
from harness.types import FunctionCall
from refine.environments import Environment
from refine.synth.graph import Graph
from refine.synth.mishaps import mishaps_of
from refine.synth.plan import SHARES, Planner, PlanSettings, shares_of
from refine.synth.probe import Prober
from refine.synth.scene import Scene
from refine.synth.types import Source, Step, Trace, to_json, trace_of
from refine.synth.walk import Unwalkable, Walker, levels_of
from tests.refine.synth.toys import Drifting, Vault

VAULT = Vault()


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Prober(VAULT, {}).build()


def traces(graph: Graph, count: int, environment: Environment = VAULT, **settings: object) -> Iterator[Trace]:
    planner = Planner(environment, graph, PlanSettings(**settings))  # type: ignore[arg-type]
    walker = Walker(environment, graph, {})
    for number in range(count):
        try:
            yield walker.walk(planner.plan(number))
        except Unwalkable:
            continue


def test_the_same_seed_and_number_give_the_same_bytes_in_any_order(graph: Graph) -> None:
    settings = PlanSettings(seed=5, calls=(1, 4))
    first, second = Planner(VAULT, graph, settings), Planner(VAULT, graph, settings)

    def walked(planner: Planner, numbers: list[int]) -> dict[int, str]:
        walker, found = Walker(VAULT, graph, {}), {}
        for number in numbers:
            try:
                found[number] = json.dumps(to_json(walker.walk(planner.plan(number))))
            except Unwalkable as error:
                found[number] = str(error)
        return found

    whole = walked(first, list(range(12)))
    assert whole == {**walked(second, [11, 3, 7]), **walked(second, [n for n in range(12) if n not in (11, 3, 7)])}
    assert len(set(whole.values())) > 6
    assert Planner(VAULT, graph, PlanSettings(seed=6)).plan(0) != first.plan(0)


def test_walks_go_to_json_and_back_with_all_their_kinds(graph: Graph) -> None:
    found = list(traces(graph, 40, calls=(1, 4)))
    assert len(found) > 30
    assert [trace_of(json.loads(json.dumps(to_json(trace)))) for trace in found] == found
    kinds = {turn.kind for trace in found for turn in trace.turns}
    assert kinds == set(SHARES) - {"missing_parameter"}, "no argument here is the user's own"


def test_every_call_is_carried_out_and_has_an_effect(graph: Graph) -> None:
    for trace in traces(graph, 25, calls=(1, 4)):
        steps = list(trace.steps())
        assert [step.index for step in steps] == list(range(len(steps)))
        used = {source.step for step in steps for source in step.sources}
        for step in steps:
            assert step.effects
            assert "error" not in step.result
            assert ("result" in step.effects) == (step.index in used)


def test_a_target_with_two_preconditions_is_reached_and_gets_its_value_from_a_result(graph: Graph) -> None:
    weights = {name: 50 if name == "take" else 1 for name in graph.reached}
    turns = [
        turn
        for trace in traces(graph, 12, turns=(1, 1), calls=(5, 5), shares={"plain": 1.0}, weights=weights)
        for turn in trace.turns
        if turn.targets == ("take",)
    ]
    assert len(turns) > 5
    for turn in turns:
        names = [step.call.name for step in turn.steps]
        assert {"unlock", "disarm", "open", "take"} <= set(names[: names.index("take") + 1])
    fed = [source.kind for turn in turns for step in turn.steps for source in step.sources]
    assert fed.count("result") >= 0.6 * len(fed)


def test_a_refused_call_that_changes_the_state_leaves_no_trace(graph: Graph) -> None:
    scene = Scene(VAULT, 3, graph.shape())
    scene.attempt(FunctionCall("unlock", {}))
    before = scene.state
    assert scene.attempt(FunctionCall("broken", {})).error
    assert scene.state == before
    assert scene.state["unlocked"]
    assert scene.state["scratches"] == 0
    assert not scene.refused[-1].harmless
    assert not any(
        mishap.call.name == "broken" for trace in traces(graph, 8) for t in trace.turns for mishap in t.mishaps
    )


def test_a_walk_that_cannot_be_repeated_is_refused() -> None:
    drifting = Drifting()
    plain = Prober(VAULT, {}).build()
    walker = Walker(drifting, plain, {})
    plan = Planner(drifting, plain, PlanSettings(turns=(1, 1), shares={"plain": 1.0}, weights={"list_boxes": 99})).plan(
        0
    )
    with pytest.raises(Unwalkable, match=r"second world|not reached"):
        walker.walk(plan)


def test_dependent_calls_wait_for_results() -> None:
    def step(index: int, *needs: int) -> Step:
        return Step(index, FunctionCall("f", {}), "", ("state",), tuple(Source(("x",), "result", n) for n in needs))

    levels = levels_of([step(4, 1), step(5), step(6, 5), step(7, 4), step(8, 6, 7)])
    assert [[each.index for each in level] for level in levels] == [[4, 5], [6, 7], [8]]


def test_what_is_held_back_is_first_needed_in_the_turn(graph: Graph) -> None:
    kinds = {"missing_function": 1.0, "missing_parameter": 1.0}
    seen = set()
    for trace in traces(graph, 30, turns=(2, 2), calls=(1, 4), shares=kinds):
        known: set[str] = set()
        for turn in trace.turns:
            names = [step.call.name for step in turn.steps]
            if held := turn.held_back:
                seen.add(turn.kind)
                step = next(step for step in turn.steps if step.index == held.step)
                assert step.call.name == held.tool
                if held.parameter is None:
                    assert held.tool not in known
                    assert names.index(held.tool) == held.step - turn.steps[0].index
                else:
                    assert step.call.arguments[held.parameter] == held.value
            known |= set(names)
    assert "missing_function" in seen


def test_errors_on_purpose_stand_before_the_step_that_recovers(graph: Graph) -> None:
    found = [
        (turn, mishap)
        for trace in traces(graph, 30, shares={"error_recovery": 1.0})
        for turn in trace.turns
        for mishap in turn.mishaps
    ]
    assert found
    for turn, mishap in found:
        step = next(step for step in turn.steps if step.index == mishap.step)
        assert step.call.name == mishap.call.name
        assert (step.call == mishap.call) == (mishap.kind == "transient")
        assert mishap.text.startswith(('{"error"', "Error"))


def test_a_turn_without_steps_has_no_error(graph: Graph) -> None:
    assert mishaps_of((), Scene(VAULT, 0, graph.shape()), 0, Random(0)) == ()


def test_targets_are_covered_evenly_and_failures_weigh(graph: Graph) -> None:
    def targets(**settings: object) -> list[str]:
        planner = Planner(VAULT, graph, PlanSettings(turns=(1, 1), shares={"plain": 1.0}, **settings))  # type: ignore[arg-type]
        return [target for number in range(60) for turn in planner.plan(number).turns for target in turn.targets]

    even = targets()
    assert {even.count(name) for name in graph.reached} == {60 // len(graph.reached)}
    weighed = targets(weights={"take": 5})
    assert weighed.count("take") > 2 * weighed.count("open")


def test_tools_shown_hold_what_the_targets_need(graph: Graph) -> None:
    planner = Planner(VAULT, graph, PlanSettings(turns=(1, 1), shares={"plain": 1.0}, tools=5, weights={"take": 99}))
    plan = planner.plan(0)
    assert plan.turns[0].targets == ("take",)
    assert {"unlock", "disarm", "open", "list_boxes", "take"} == set(plan.tools)


def test_shares_of_kinds_that_cannot_be_meant_are_refused() -> None:
    assert shares_of({"plain": 2.0}) == {"plain": 2.0}
    with pytest.raises(UsageProblem, match="Did you mean implicit"):
        shares_of({"implict": 1.0})
    with pytest.raises(UsageProblem, match="no share above 0"):
        shares_of({"plain": 0.0})
    with pytest.raises(UsageProblem, match="below 0"):
        shares_of({"plain": -1.0})

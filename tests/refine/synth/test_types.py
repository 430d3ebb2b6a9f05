"""Records of synthesis go to JSON and back."""

from __future__ import annotations

import json

from harness.types import FunctionCall
from refine.synth.types import (
    HeldBack,
    Mishap,
    Plan,
    PlannedTurn,
    Source,
    Step,
    Trace,
    Turn,
    plan_of,
    state_digest,
    to_json,
    trace_of,
)

PLAN = Plan(
    "python:desk.py:Desk",
    "ab" * 32,
    seed=7,
    number=3,
    world=99,
    tools=("lend", "find"),
    turns=(PlannedTurn("missing_parameter", ("lend",), 2), PlannedTurn("nothing_to_do", (), 0)),
)
TRACE = Trace(
    PLAN,
    (
        Turn(
            "missing_parameter",
            ("lend",),
            levels=(
                (
                    Step(
                        0,
                        FunctionCall("find", {"title": "Emma"}),
                        '{"copy": 4}',
                        ("result",),
                        (Source(("title",), "user"),),
                    ),
                ),
                (
                    Step(
                        1,
                        FunctionCall("lend", {"copies": [{"copy": 4}], "card": "C-1"}),
                        "lent",
                        ("state", "answer"),
                        (
                            Source(("copies", 0, "copy"), "result", 0, ("copy",)),
                            Source(("card",), "state", None, ("cards", 0)),
                        ),
                    ),
                ),
            ),
            held_back=HeldBack("lend", 1, "card", "C-1"),
            mishaps=(Mishap(1, "natural", FunctionCall("lend", {"copies": []}), "no copies"),),
            state_sha256=state_digest({"b": 1, "a": 2}),
        ),
        Turn("nothing_to_do", ()),
    ),
    benchmark="bfcl",
)


def test_records_go_to_json_and_back() -> None:
    assert trace_of(json.loads(json.dumps(to_json(TRACE)))) == TRACE
    assert plan_of(json.loads(json.dumps(to_json(PLAN)))) == PLAN


def test_a_state_is_compared_without_the_order_of_its_keys() -> None:
    assert state_digest({"a": 2, "b": 1}) == TRACE.turns[0].state_sha256 != state_digest({"a": 2, "b": 2})


def test_steps_are_counted_through_the_conversation() -> None:
    assert [step.index for step in TRACE.steps()] == [0, 1]

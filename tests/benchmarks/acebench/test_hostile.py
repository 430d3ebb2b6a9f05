"""Replies and calls that do harm wherever they are run: judged, carried out, and inert."""

import pytest

from harness.benchmarks.acebench import data, judge, judge_agent
from harness.benchmarks.acebench.agents.executor import World, call_texts
from harness.benchmarks.acebench.decode import Undecodable
from tests.fuzz.acebench import CANARY, PAYLOADS, written

pytestmark = pytest.mark.usefixtures("acebench_data")


@pytest.fixture(autouse=True)
def canary():
    CANARY.unlink(missing_ok=True)
    yield
    assert not CANARY.exists(), "something was run"


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("rules", ["upstream", "strict"])
def test_no_reply_is_run_and_none_passes(payload, rules):
    for name, parameter in (
        ("normal_atom_bool_1", next(iter(data.answer("en", "normal_atom_bool_1")["ground_truth"].values()))),
        ("normal_multi_turn_user_adjust_0_0", {"title": ""}),
    ):
        for raw in (written("en", name, {next(iter(parameter)): payload}), f"[{payload}]", payload):
            assert judge("en", name, raw, rules).outcome == "fail"
    assert judge("en", "special_irrelevant_0", payload, rules).code == "error_detection"


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("abort", [True, False])
def test_no_call_is_run_outside_the_services(payload, abort, states):
    question = data.question("en", "agent_multi_turn_20")
    before = World.of(question, "en", states["en"], lambda name, *values: name)
    world = World.of(question, "en", states["en"], lambda name, *values: name)
    for message in (f"[get_user_details(user_id={payload}, password='x')]", f"[{payload}]", f"[x(a={payload})]"):
        try:
            world.execute(call_texts(message), abort)
        except Undecodable:
            continue
    world.executed = before.executed = True
    assert world.result() == before.result()
    assert (
        judge_agent("en", "agent_multi_turn_20", [{payload: {payload: payload}}], [payload], "strict").outcome == "fail"
    )


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("[login_device(a={'open': {'file': 'x'}})]", "name 'open' is not defined"),
        ("[login_device(a=g(x=1))]", "name 'g' is not defined"),
        ("[login_device(a=g())]", "login_device() got an unexpected keyword argument 'a'"),
        ("[a.login_device()]", "name 'a' is not defined"),
        ("[_load_scenario(scenario='x')]", "cannot access local variable"),
        ("[nothing()]", "cannot access local variable"),
    ],
)
def test_what_a_multi_step_agent_is_told(message, answer, states):
    world = World.of(data.question("en", "agent_multi_step_0"), "en", states["en"], lambda name, *values: name)
    (told,) = world.execute(call_texts(message), abort=False)
    assert told.startswith("Error during execution: ")
    assert answer in told


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_long_replies_are_judged(size):
    for raw in (
        "x" * size,
        "[" * size,
        f"[f(a='{'x' * size}')]",
        f"[f(a={'9' * size})]",
        "Missing necessary parameters" * (size // 28),
    ):
        for name in ("normal_atom_bool_0", "normal_multi_turn_user_switch_0_0", "special_incomplete_0"):
            verdict = judge("zh", name, raw)
            assert verdict.outcome == "fail"
            assert len(str(verdict.evidence)) < 100_000

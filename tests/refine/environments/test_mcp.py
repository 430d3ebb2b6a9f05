"""MCP servers over stdio and HTTP: tools, errors, reset, state, and what is refused."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import UsageProblem
from harness.types import FunctionCall
from refine.environments import Environment, open_environment
from refine.synth.leaves import Shape
from refine.synth.plan import Planner, PlanSettings
from refine.synth.probe import Prober
from refine.synth.scene import Scene
from refine.synth.walk import Walker

pytest.importorskip("mcp", reason="the MCP SDK is an extra")

SERVER = Path(__file__).with_name("mcp_server.py")
COMMAND = f"mcp:{sys.executable} {SERVER}"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(SERVER), str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"mcp:http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def board(url: str) -> Iterator[Environment]:
    environment = open_environment(url, {"reset": "reset", "state": "dump"})
    yield environment
    environment.close()


def test_tools_are_the_servers_without_its_hooks(board: Environment) -> None:
    tools = {tool["name"]: tool for tool in board.tools()}
    assert list(tools) == ["list_notes", "read_note", "pin", "take_down"]
    assert tools["read_note"]["parameters"]["required"] == ["note_id"]
    said = [tool["annotations"].get("readOnlyHint") for tool in board.tools()]
    assert said == [True, True, None, False]


def test_worlds_of_one_server_do_not_know_each_other(board: Environment) -> None:
    one, other = board.fresh(1), board.fresh(2)
    assert one.state() != other.state()
    assert not one.execute(FunctionCall("pin", {"text": "hello"})).error
    assert "hello" not in str(other.state())
    assert "hello" in str(one.state())
    assert board.fresh(1).state() != one.state()


def test_errors_are_outcomes(board: Environment) -> None:
    world = board.fresh(1)
    for call in (
        FunctionCall("read_note", {"note_id": "N0"}),
        FunctionCall("read_note", {}),
        FunctionCall("no_such_tool", {}),
    ):
        assert world.execute(call).error


def test_a_call_that_should_change_something_and_does_not_is_refused(board: Environment) -> None:
    scene = Scene(board, 1, Shape())
    known = json.loads(scene.attempt(FunctionCall("list_notes", {})).text)[0]["note_id"]
    assert scene.attempt(FunctionCall("take_down", {"note_id": "N0"})).error
    assert not scene.attempt(FunctionCall("take_down", {"note_id": known})).error
    assert [done.call.name for done in scene.done] == ["list_notes", "take_down"]
    scene.close()


def test_a_server_is_probed_and_walked(board: Environment) -> None:
    graph = Prober(board, {"text": ["Water the fern", "Call Noor"]}, worlds=2).build()
    assert set(graph.reached) == {"list_notes", "read_note", "pin", "take_down"}
    executed = {(edge.source, edge.target) for edge in graph.value_edges if edge.executed}
    assert ("list_notes", "read_note") in executed
    planner = Planner(board, graph, PlanSettings(turns=(1, 1), calls=(2, 2), shares={"plain": 1.0}))
    trace = Walker(board, graph, {"text": ["Water the fern"]}).walk(planner.plan(0))
    assert len(list(trace.steps())) >= 2


def test_a_process_is_a_world_and_a_reader_needs_no_reset() -> None:
    environment = open_environment(COMMAND, {"reset": "process"})
    try:
        world = environment.fresh(1)
        assert not world.execute(FunctionCall("pin", {"text": "x"})).error
        assert not environment.shows_state
    finally:
        environment.close()
    reader = open_environment(COMMAND, {"read_only": "true"})
    try:
        assert [tool["name"] for tool in reader.tools()] == ["list_notes", "read_note", "dump"]
        assert "rope" in reader.fresh(1).execute(FunctionCall("read_note", {"note_id": "N1"})).text
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        (COMMAND, {}, "cannot be reset"),
        ("mcp:http://127.0.0.1:9/mcp", {"reset": "process"}, "cannot be reset"),
        (COMMAND, {"reset": "rest"}, "Did you mean reset"),
        ("mcp:no-such-command", {"reset": "process"}, "does not answer"),
        (f"mcp:{sys.executable} -c 'exit(\"no key is set\")'", {"reset": "process"}, "it said: no key is set"),
        (COMMAND, {"rest": "process"}, "no option 'rest'"),
    ],
)
def test_a_server_that_cannot_be_used_is_refused(target: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        open_environment(target, options)

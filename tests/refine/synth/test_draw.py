"""Arguments come from results where these have them, and a tool is worth the share that it takes from them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar

import pytest

from harness.types import FunctionCall, Tool
from refine.environments import Outcome
from refine.synth.draw import GATHERED, Drawer
from refine.synth.graph import Graph
from refine.synth.leaves import Shape
from refine.synth.scene import Scene

RESULTS = {
    "measure": '{"depth": 17.25}',
    "weigh": '{"load": 48.5}',
    "who": '{"crew": ["ana", "bo", "cy"], "boats": ["tern", "gull"]}',
}


def tool(name: str, **parameters: dict[str, Any]) -> Tool:
    return {
        "name": name,
        "description": "",
        "parameters": {"type": "object", "properties": parameters, "required": list(parameters)},
    }


LIST: dict[str, Any] = {"type": "array", "items": {"type": "number"}}
NAMES: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
NUMBER: dict[str, Any] = {"type": "number"}
TOOLS = (
    *(tool(name) for name in RESULTS),
    tool("sum", numbers=LIST),
    tool("half", numbers=LIST, purpose={"type": "boolean"}),
    tool("write", text={"type": "string"}),
    tool("greet", crew=NAMES),
)


class Harbour:
    """Tools that always answer alike; it is its own world."""

    name, digest, benchmark, shows_state = "toy:harbour", "2" * 64, "", False
    values: ClassVar[dict[str, list[Any]]] = {}

    def tools(self) -> tuple[Tool, ...]:
        return TOOLS

    def fresh(self, seed: int) -> Harbour:
        return self

    def execute(self, call: FunctionCall) -> Outcome:
        return Outcome(RESULTS.get(call.name, '{"done": "yes"}'))

    def state(self) -> Any:
        return {}

    def close(self) -> None:
        pass


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene(Harbour(), 0, Shape())
    yield scene
    scene.close()


@pytest.fixture
def drawer() -> Drawer:
    return Drawer(TOOLS, Graph("toy:harbour", "2" * 64, tuple(each["name"] for each in TOOLS)), {})


def test_a_tool_is_worth_what_it_takes_from_results_that_nobody_used(scene: Scene, drawer: Drawer) -> None:
    assert drawer.fed("sum", scene, Random(0)) == 0, "there is no result yet"
    scene.attempt(FunctionCall("measure", {}))
    whole = drawer.fed("sum", scene, Random(0))
    assert whole == 1
    assert drawer.fed("half", scene, Random(0)) == whole / 2, "of two arguments a truth comes from no result"
    assert drawer.fed("write", scene, Random(0)) == 0, "a number is no text"
    assert drawer.fed("sum", scene, Random(0), since=1) == 0, "calls before that place do not count"

    call, sources = drawer.call("sum", scene, Random(0))
    scene.attempt(call, sources)
    assert scene.unused() == {1}
    assert drawer.fed("sum", scene, Random(0)) == 0, "what was used is not new"


def test_a_list_holds_numbers_of_several_results_and_none_twice(scene: Scene, drawer: Drawer) -> None:
    scene.attempt(FunctionCall("measure", {}))
    scene.attempt(FunctionCall("weigh", {}))
    drawn = [drawer.call("sum", scene, Random(seed)) for seed in range(40)]
    held = {tuple(call.arguments["numbers"]) for call, _ in drawn}
    assert held == {(17.25,), (48.5,), (17.25, 48.5), (48.5, 17.25)}
    steps = {17.25: 0, 48.5: 1}
    for call, sources in drawn:
        assert [source.parameter for source in sources] == [("numbers", i) for i in range(len(sources))]
        assert [source.step for source in sources] == [steps[value] for value in call.arguments["numbers"]]


def test_a_list_of_texts_stays_within_one_list_of_a_result(scene: Scene, drawer: Drawer) -> None:
    scene.attempt(FunctionCall("who", {}))
    drawn = [drawer.call("greet", scene, Random(seed))[0].arguments["crew"] for seed in range(60)]
    for crew in drawn:
        assert len(set(crew)) == len(crew) <= GATHERED
        assert set(crew) <= {"ana", "bo", "cy"} or set(crew) <= {"tern", "gull"}
    assert max(map(len, drawn)) == GATHERED

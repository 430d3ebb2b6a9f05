"""A user's class in the sandbox: documents, calls, state, time limits, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import SandboxUnavailable, UsageProblem
from harness.types import FunctionCall
from refine.environments import Environment, Outcome, open_environment
from refine.environments._worlds import NotRepeatable

SHOP = '''
from __future__ import annotations
import random, time
from typing import Literal, TypedDict

class Item(TypedDict):
    item_id: str
    price: float

class Shop:
    """A shop."""
    def __init__(self, seed):
        draw = random.Random(seed)
        self.items = {f"I{draw.randrange(1000)}": draw.randrange(1, 9) for _ in range(3)}
        self.cart, self._seen = [], set()

    def find(self, size: Literal["s", "l"], limit: int = 2) -> list[Item]:
        """Find items.

        Args:
            size: How large,
                roughly.
            limit: How many.

        Returns:
            Items that fit.
        """
        return [{"item_id": key, "price": price} for key, price in list(self.items.items())[:limit]]

    def add(self, item_id: str, tags: list[str] | None = None) -> dict:
        """Put into the cart."""
        if item_id not in self.items:
            return {"error": f"no item {item_id}"}
        self.cart.append(item_id)
        self._seen.add(item_id)
        return {"cart": self.cart}

    def pay(self, amount: float) -> str:
        """Pay."""
        raise KeyError("no cart")

    def loop(self) -> None:
        """Never ends."""
        self.cart.append("half")
        while True:
            pass

    def now(self) -> float:
        """The time."""
        return time.perf_counter()

    def spy(self) -> str:
        """Look around."""
        return open("/etc/passwd").read()
'''


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.py"
    path.write_text(SHOP)
    return path


@pytest.fixture(scope="module")
def shop(file: Path) -> Iterator[Environment]:
    try:
        environment = open_environment(f"{file}:Shop", {"seconds": "0.5"})
    except SandboxUnavailable as error:
        pytest.skip(str(error).splitlines()[0])
    yield environment
    environment.close()


def test_documents_come_from_signature_and_docstring(shop: Environment) -> None:
    tools = {tool["name"]: tool for tool in shop.tools()}
    assert list(tools) == ["find", "add", "pay", "loop", "now", "spy"]
    assert tools["find"] == {
        "name": "find",
        "description": "Find items.",
        "parameters": {
            "type": "object",
            "properties": {
                "size": {"type": "string", "enum": ["s", "l"], "description": "How large, roughly."},
                "limit": {"type": "integer", "description": "How many.", "default": 2},
            },
            "required": ["size"],
        },
        "response": {
            "type": "array",
            "items": {"type": "object", "properties": {"item_id": {"type": "string"}, "price": {"type": "number"}}},
            "description": "Items that fit.",
        },
    }
    assert tools["add"]["parameters"]["properties"]["tags"]["items"] == {"type": "string"}


def test_the_same_seed_gives_the_same_world(shop: Environment) -> None:
    first, second, other = shop.fresh(1), shop.fresh(1), shop.fresh(2)
    call = FunctionCall("find", {"size": "s"})
    assert first.execute(call) == second.execute(call) != other.execute(call)
    assert first.state() == second.state() != other.state()


def test_worlds_that_do_not_live_at_once_do_not_know_each_other(shop: Environment) -> None:
    worlds = [shop.fresh(seed) for seed in range(5)]
    items = [sorted(world.state()["items"])[0] for world in worlds]
    for world, item in zip(worlds, items, strict=True):
        world.execute(FunctionCall("add", {"item_id": item}))
    assert [world.state()["cart"] for world in worlds] == [[item] for item in items]
    assert worlds[0].state()["_seen"] == [items[0]]
    for world in worlds:
        world.close()
        world.close()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (FunctionCall("add", {"item_id": "x"}), '{"error": "no item x"}'),
        (FunctionCall("pay", {"amount": 1.0}), "Error: no cart"),
        (FunctionCall("add", {}), "Error: missing a required argument: 'item_id'"),
        (FunctionCall("steal", {}), "Error: there is no tool 'steal'"),
        (FunctionCall("__init__", {"seed": 1}), "Error: there is no tool '__init__'"),
        (FunctionCall("loop", {}), "Error: the program took longer than 0.5 s"),
    ],
)
def test_a_call_that_goes_wrong_is_an_outcome_and_the_world_goes_on(
    shop: Environment, call: FunctionCall, text: str
) -> None:
    world = shop.fresh(1)
    before = world.state()
    assert world.execute(call) == Outcome(text, error=True)
    assert world.state() == before
    world.close()


def test_files_of_this_machine_are_out_of_reach(shop: Environment) -> None:
    world = shop.fresh(1)
    assert world.execute(FunctionCall("spy", {})).error
    world.close()


def test_a_class_that_follows_a_clock_is_not_repeatable(shop: Environment) -> None:
    worlds = [shop.fresh(seed) for seed in range(3)]
    worlds[0].execute(FunctionCall("now", {}))
    for world in worlds[1:]:
        world.state()
    with pytest.raises(NotRepeatable, match="now gave"):
        worlds[0].state()
    for world in worlds:
        world.close()


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("class A:\n    def f(self): pass", "A", "cannot be made from a seed"),
        ("class A:\n    def __init__(self, seed): pass", "A", "has no public method"),
        ("class A: pass", "B", "has no class B; it has A"),
        ("import no_such_package", "A", "No module named 'no_such_package'"),
        ("class A:", "A", "cannot be loaded"),
    ],
)
def test_what_is_not_an_environment_is_refused(tmp_path: Path, source: str, name: str, message: str) -> None:
    (tmp_path / "a.py").write_text(source)
    try:
        with pytest.raises(UsageProblem, match=message):
            open_environment(f"{tmp_path}/a.py:{name}")
    except SandboxUnavailable as error:
        pytest.skip(str(error).splitlines()[0])


def test_documents_may_be_written_by_hand(file: Path, tmp_path: Path, shop: Environment) -> None:
    documents = tmp_path / "tools.json"
    documents.write_text('[{"name": "pay", "description": "Pay now.", "parameters": {"type": "object"}}]')
    environment = open_environment(f"python:{file}:Shop", {"documents": str(documents)})
    assert [tool["description"] for tool in environment.tools()] == ["Pay now."]
    assert environment.digest != shop.digest
    environment.close()
    documents.write_text('[{"name": "pays"}]')
    with pytest.raises(UsageProblem, match="Did you mean pay"):
        open_environment(f"python:{file}:Shop", {"documents": str(documents)})


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing", "ADAPTER:TARGET"), ("pyton:a.py:A", "Did you mean python"), ("python:gone.py:A", "cannot be read")],
)
def test_a_name_that_leads_nowhere_is_refused(name: str, message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        open_environment(name)


def test_an_unknown_option_is_refused(file: Path) -> None:
    with pytest.raises(UsageProblem, match="no option 'sceonds'"):
        open_environment(f"{file}:Shop", {"sceonds": "1"})

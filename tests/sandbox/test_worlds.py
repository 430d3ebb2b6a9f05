"""Objects of a user's classes in the sandbox: what goes in, what comes out, and what never runs here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox import worlds
from harness.sandbox.worlds import BrokenEnvironment, Chain, Environment, World

DESK = """
import datetime, os, random, sys
from dataclasses import dataclass, field

@dataclass(slots=True)
class Ticket:
    id: int
    title: str
    opened: datetime.date = datetime.date(2020, 1, 1)
    _note: str = "private"

class Desk:
    def __init__(self):
        self.tickets = []
        self._secret = object()

    def _load_scenario(self, state, long_context=False):
        self.next = state.get("next", 1)

    def open_ticket(self, title):
        self.tickets.append(Ticket(self.next, title))
        self.next += 1
        return {"id": self.next - 1}

    def titles(self):
        return [ticket.title for ticket in self.tickets]

    def join(self, parts, by=" "):
        return by.join(parts)

    def fail(self):
        raise ValueError("no such ticket")

    def leave(self):
        sys.exit("bye")

    def die(self):
        os._exit(3)

    def hang(self):
        while True:
            pass

    def long(self):
        return "x" * 2_000_000

    def loop(self):
        self.me = self
        return None

    def dice(self):
        return random.random()

    def now(self):
        return datetime.datetime.now().isoformat()

    def noise(self):
        return os.urandom(8).hex()

    def write(self, path):
        with open(path, "w") as file:
            file.write("x")

    def read(self, path):
        with open(path) as file:
            return file.read()
"""
KEYWORDS = "class Counter:\n    def __init__(self, n=0):\n        self.n = n\n    def up(self):\n        self.n += 1\n"


def one(name: str, *args: Any, **kwargs: Any) -> Chain:
    return [(name, args, kwargs)]


def desk(state: dict[str, Any] | None = None) -> World:
    return World([Environment("desk.py", DESK, ("Desk",))], {"Desk": state or {}})


def test_calls_change_a_state_that_can_be_looked_at():
    world = desk({"next": 7})
    assert {"open_ticket", "titles"} <= set(world.methods())
    assert world.carry_out([one("open_ticket", "Lamp"), None]) == [
        '{"id": 7}',
        {
            "Desk": {
                "tickets": [{"<Ticket>": {"id": 7, "title": "Lamp", "opened": {"<date>": "2020-01-01"}}}],
                "next": 8,
            }
        },
    ]
    assert world.carry_out([one("open_ticket", title="Door"), one("titles")]) == ['{"id": 8}', "['Lamp', 'Door']"]


def test_a_chain_hands_results_on():
    world = desk()
    chain = [("open_ticket", ("a",), {}), ("titles", (), {}), ("join", ((..., 1),), {"by": "-"})]
    assert world.carry_out([chain, [("titles", (), {}), ("join", (), {"parts": [(..., 0)][0]})]]) == ["a", "a"]


def test_classes_of_two_files_and_a_state_as_arguments():
    files = [Environment("desk.py", DESK, ("Desk",)), Environment("counter.py", KEYWORDS, ("Counter",))]
    world = World(files, {"Counter": {"n": 4}})
    assert world.carry_out([one("up"), None])[1]["Counter"] == {"n": 5}


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (one("fail"), "Error during execution: no such ticket"),
        (one("leave"), "Error during execution: bye"),
        (one("join"), "Error during execution: Desk.join() missing 1 required positional argument: 'parts'"),
        (one("long"), "Error during execution: the result has 2000000 characters"),
        (one("die"), "Error during execution: the process ended"),
        ([("fail", (), {}), ("join", ([],), {})], "Error during execution: no such ticket"),
    ],
)
def test_a_call_that_fails_says_so_and_the_world_goes_on(call: Chain, result: str):
    world = desk()
    answers = world.carry_out([one("open_ticket", "a"), call, one("titles")])
    assert answers[1].startswith(result)
    assert answers[2] == "['a']"
    assert world.carry_out([one("titles")]) == ["['a']"]


def test_a_call_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worlds, "CALL_SECONDS", 0.2)
    assert desk().carry_out([one("hang"), one("titles")]) == ["Error during execution: it took too long", "[]"]


def test_calls_after_too_many_that_ended_their_program_are_not_carried_out():
    answers = desk().carry_out([one("die")] * (worlds.MOST_ENDED + 2) + [one("titles"), None])
    assert answers[-2].startswith("Error during execution: nothing more is carried out")
    assert answers[-1]["Desk"] == {"tickets": [], "next": 1}


def test_chance_and_clock_are_the_same_each_time():
    once, again = desk(), desk()
    first = once.carry_out([one("dice"), one("now")])
    assert first + once.carry_out([one("dice")]) == again.carry_out([one("dice"), one("now"), one("dice")])


def test_a_state_that_holds_itself_ends():
    assert desk().carry_out([one("loop"), None])[1]["Desk"]["me"] == "<Desk above>"


def test_a_class_that_gives_other_results_is_named():
    world = desk()
    world.carry_out([one("noise")])
    with pytest.raises(BrokenEnvironment, match=r"desk\.py: noise gave another result"):
        world.carry_out([one("titles")])


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("class Desk:\n  def x(self:\n    pass", r"desk\.py:2: SyntaxError"),
        ("import no_such_package\nclass Desk: ...", r"desk\.py:1: ModuleNotFoundError"),
        ("class Other: ...", r"AttributeError: .*Desk"),
        ("class Desk:\n    def _load_scenario(self, state):\n        state['rows']", r"desk\.py:3: KeyError: 'rows'"),
        (
            "class Desk:\n    def __init__(self):\n        import os; os._exit(1)",
            r"its objects cannot be made: the process",
        ),
        ("class Desk: ...\nimport sys\nsys.exit(2)", r"desk\.py:3: SystemExit: 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(code: str, problem: str):
    with pytest.raises(BrokenEnvironment, match=problem):
        World([Environment("desk.py", code, ("Desk",))], {}).methods()


def test_nothing_of_a_class_runs_here(tmp_path: Path):
    (tmp_path / "secret").write_text("s3cret")
    before = set(sys.modules)
    world = desk()
    read, wrote = world.carry_out([one("read", str(tmp_path / "secret")), one("write", str(tmp_path / "out"))])
    assert read.startswith("Error during execution:")
    assert "s3cret" not in read
    assert wrote.startswith("Error during execution:")
    assert not (tmp_path / "out").exists()
    assert not [name for name in set(sys.modules) - before if name.startswith("environment")]

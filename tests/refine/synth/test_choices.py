"""Which of several values of a result a user must say, and how a message says it."""

from __future__ import annotations

import json

import pytest

from harness.types import FunctionCall
from refine.synth.choices import Choice, choice_problem, choices
from refine.synth.types import Plan, Source, Step, Trace, Turn

BOOKS = [{"book_id": "B-1", "title": "Moraine"}, {"book_id": "B-2", "title": "Slow Rivers"}]


def chosen(result, *taken):
    """What is chosen where one call returns a result and the next takes some of its values."""
    sources = tuple(Source((name,), "result", 0, path) for name, path in taken)
    steps = (
        Step(0, FunctionCall("list", {}), json.dumps(result), ()),
        Step(1, FunctionCall("take", {}), "", (), sources),
    )
    turn = Turn("plain", ("take",), ((steps[0],), (steps[1],)))
    return choices(turn, Trace(Plan("e", "d", 0, 0, 0, (), ()), (turn,)))


@pytest.mark.parametrize(
    ("result", "path", "expected"),
    [
        (BOOKS, (1, "book_id"), [Choice("id", 2, 2, (("title", "Slow Rivers"),))]),
        (["clocks", "moths"], (0,), [Choice("id", 1, 2, (("", "clocks"),))]),
        ({"found": BOOKS}, ("found", 0, "book_id"), [Choice("id", 1, 2, (("title", "Moraine"),))]),
        (BOOKS[:1], (0, "book_id"), []),
        ([{"shelf": "L1", "n": 1}, {"shelf": "L1", "n": 2}], (1, "shelf"), []),
        ({"book_id": "B-1"}, ("book_id",), []),
    ],
)
def test_one_of_several_is_a_choice(result, path, expected):
    assert chosen(result, ("id", path)) == expected


def test_all_of_them_are_no_choice():
    assert chosen([3, 5], ("numbers", (0,)), ("numbers", (1,))) == []
    assert len(chosen([3, 5, 7], ("numbers", (0,)), ("numbers", (1,)))) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the second one", True),
        ("the 2nd, please", True),
        ("take number 2", True),
        ("the last of them", True),
        ("I mean Slow Rivers", True),
        ("lend me a book", False),
        ("I have 2 wishes", False),
        ("the first one", False),
    ],
)
def test_a_choice_is_said_by_place_or_by_what_tells_it_apart(text, said):
    (choice,) = chosen(BOOKS, ("id", (1, "book_id")))
    assert choice.is_said(text) is said
    problem = choice_problem(text, [{"role": "tool", "content": "the second one"}], [choice])
    assert problem == (None if said else "it does not say which id of 2 is meant")

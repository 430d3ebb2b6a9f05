"""Items of every benchmark are refused as training data, and what has nothing to do with them is not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from harness.benchmarks.bfcl import data as bfcl
from harness.data import datasets
from harness.errors import DataError, UsageProblem
from harness.types import Example, Message
from refine.questions import SOURCES, Question, benchmark_questions, user_turns
from refine.similar import PHRASE, Contamination, words

PROGRAMS = {
    "humaneval": ("HUMANEVAL_OVERRIDE_PATH", "HumanEvalPlus.jsonl.gz"),
    "mbpp": ("MBPP_OVERRIDE_PATH", "MbppPlus.jsonl.gz"),
}


@cache
def questions(name: str, shared: Path) -> list[Question]:
    try:
        with pytest.MonkeyPatch.context() as patch:
            if name in PROGRAMS:
                variable, file = PROGRAMS[name]
                patch.setenv(variable, str(shared / "evalplus" / file))
            else:
                datasets.fetch(name, None if name == "bfcl" else shared / name, offline=name != "bfcl")
            return benchmark_questions([name])[name]
    except DataError as error:
        pytest.skip(f"no data: {error}")


@cache
def known(name: str, shared: Path) -> Contamination:
    return Contamination({name: questions(name, shared)})


def asking(*turns: str, form: str = "messages") -> Example:
    """A conversation as most data sets write it, or as one message that holds the whole dialogue."""
    if form == "dialogue":
        text = "\n".join(f"User: {turn}\nAssistant: Done." for turn in turns)
        return Example("x", ({"role": "user", "content": text},), (), None, "[f()]")
    messages: list[Message] = []
    for turn in turns:
        messages += [{"role": "user", "content": turn}, {"role": "assistant", "content": "Done."}]
    return Example("x", tuple(messages[:-1]), (), None, "[f()]")


def reworded(text: str) -> str:
    """The same words with other white space and case."""
    return "  " + "\n".join(text.upper().split(" ")) + "\t"


@pytest.mark.parametrize("name", SOURCES)
def test_items_of_a_benchmark_are_refused_in_other_white_space_and_case(name: str, shared_data: Path) -> None:
    items = questions(name, shared_data)
    contamination = known(name, shared_data)
    assert len(items) > 100
    for turns in items:
        if any(words(turn) for turn in turns):
            assert contamination.objection(asking(*map(reworded, turns))), turns


def test_multi_turn_items_are_refused_whole_turn_by_turn_and_as_one_text(shared_data: Path) -> None:
    contamination = known("bfcl", shared_data)
    checked = 0
    for category in bfcl.MULTI_TURN:
        for record in bfcl.questions(category):
            turns = user_turns(message for turn in record["question"] for message in turn)
            assert contamination.objection(asking(*turns))
            assert contamination.objection(asking(*map(reworded, turns), form="dialogue"))
            for turn in filter(words, turns):
                assert contamination.objection(asking(reworded(turn))), turn
                if len(words(turn)) >= PHRASE:
                    assert contamination.objection(asking("Hello there.", turn, "Thanks!")), turn
            checked += 1
    assert checked == 800


def test_the_announcement_of_added_functions_belongs_to_the_test(shared_data: Path) -> None:
    from harness.benchmarks.bfcl.prompts import constants

    announcement = constants()["DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC"]
    contamination = known("bfcl", shared_data)
    assert contamination.objection(asking("Book me a table.", announcement)) == "a user turn is a question of bfcl"


def conversations(count: int) -> Iterator[Example]:
    """Requests at desks that no benchmark knows, of one to four turns, closing phrases among them."""
    draw = random.Random(7)
    openings = ("Please extend my loan of {}", "Where is parcel {} now", "Water bed {} in the greenhouse", "Who has {}")
    details = (", card {}", ", the one from shelf {}", " before {} o'clock", " and tell Ms {}", "")
    closings = ("Thank you for your help!", "Yes, that's correct.", "No, that is all.", "What else can you do?")
    for _ in range(count):
        turns = [
            draw.choice(openings).format(f"K{draw.randrange(10**6)}") + draw.choice(details).format(draw.randrange(99))
            for _ in range(draw.randint(1, 3))
        ]
        yield asking(*turns, *draw.sample(closings, draw.randint(0, 1)))


def test_unrelated_conversations_are_not_refused(shared_data: Path) -> None:
    benchmarks = [known(name, shared_data) for name in ("bfcl", "acebench", "apibank")]
    assert [objection for each in conversations(600) for one in benchmarks if (objection := one.objection(each))] == []


def test_dialogues_of_one_benchmark_are_not_those_of_another(shared_data: Path) -> None:
    contamination = known("bfcl", shared_data)
    found = [turns for turns in questions("apibank", shared_data) if contamination.objection(asking(*turns))]
    assert found == []


def test_a_dialogue_in_one_message_has_its_turns() -> None:
    text = "User: Find a\nbook.\nAI: Which one?\nUSER: Emma.\nGenerate API Request:\n"
    assert user_turns(({"role": "user", "content": text},)) == ("Find a\nbook.\n", "Emma.\n")
    quoted = "Summarise this log:\nUser: hi\nAI: hello"
    assert user_turns(({"role": "user", "content": quoted}, {"role": "tool", "content": "x"})) == (quoted,)


def test_an_unknown_benchmark_is_refused_with_a_near_name() -> None:
    with pytest.raises(UsageProblem, match="Did you mean acebench"):
        benchmark_questions(["acebnch"])

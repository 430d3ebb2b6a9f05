"""Duplicates and overlap with benchmarks, at their thresholds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.types import Example
from refine.similar import NGRAM, Contamination, Duplicates, NearDuplicates, words
from tests.refine.test_pipeline import example


def asking(text: str) -> Example:
    return replace(example(0), messages=({"role": "user", "content": text},))


@pytest.mark.parametrize(
    ("change", "repeats"),
    [
        ({}, True),
        ({"think": "another"}, True),
        ({"id": "x"}, True),
        ({"messages": ({"role": "user", "content": "  WEATHER in Oslo; request 0"},)}, True),
        ({"answer": "[get_weather(city='Rome')]"}, False),
        ({"messages": ({"role": "user", "content": "Weather in Rome, request 0?"},)}, False),
        ({"tools": ()}, False),
    ],
)
def test_a_duplicate_has_the_words_of_query_tools_and_answer(change, repeats):
    seen = Duplicates()
    assert seen.objection(example(0)) is None
    assert bool(seen.objection(replace(example(0), **change))) == repeats


def sentence(start: int, count: int) -> str:
    return " ".join(f"w{number}" for number in range(start, start + count))


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (sentence(0, 20).upper() + "!", "is a question of b"),
        ("so " + sentence(3, NGRAM) + " so", f"shares {NGRAM} words in a row with b"),
        ("so " + sentence(3, NGRAM - 1) + " so", None),
        ("short one?", "is a question of b"),
        ("a short one", None),
        ("", None),
    ],
)
def test_a_query_overlaps_by_thirteen_words_in_a_row_or_as_a_whole(query, why):
    found = Contamination({"b": [(sentence(0, 20),), ("Short one",)]}).objection(asking(query))
    assert found is None if why is None else why in found


@given(st.lists(st.sampled_from("abc"), min_size=NGRAM, max_size=40), st.integers(0, 27), st.text())
def test_whatever_stands_around_it_a_run_of_thirteen_words_is_found(tokens, start, around):
    start = min(start, len(tokens) - NGRAM)
    query = f"{around} {' '.join(tokens[start : start + NGRAM])} {around}"
    assert Contamination({"b": [(" ".join(tokens),)]}).objection(asking(query))


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        (("two short", "turns"), "the query is a question of b"),
        (("two short turns",), "the query is a question of b"),
        (("turns",), "the query is a question of b"),
        (("hello", "turns"), None),
        (("hello", "a turn of six whole words"), "a user turn is a question of b"),
        (("hello", "a turn of five words"), None),
        (("", " "), None),
    ],
)
def test_a_conversation_overlaps_by_all_turns_or_by_one_that_is_no_phrase(turns, why):
    items = [("Two  SHORT", "turns."), ("A turn of six whole words?", "next"), ("a turn of five words", "then")]
    messages = tuple({"role": "user", "content": turn} for turn in turns)
    assert Contamination({"b": items}).objection(replace(example(0), messages=messages)) == why


def test_words_are_letters_and_digits_without_case():
    assert words("Straße".upper()) == words("Straße")
    assert words("Was kostet's, 3.5 Übel?") == ["was", "kostet", "s", "3", "5", "übel"]


def test_characters_are_words_where_no_spaces_part_them():
    assert words("识别码为WXZ123,6月") == [*"识别码为", "wxz123", "6", "月"]
    question = "我需要计划下月的汽车保养并检查轮胎"
    contamination = Contamination({"b": [(question,)]})
    assert "shares 13 words" in contamination.objection(asking(f"你好，{question[2:15]}。"))
    assert contamination.objection(asking(f"你好，{question[2:14]}。")) is None


def test_a_near_duplicate_names_the_first_that_it_repeats():
    pytest.importorskip("datasketch", reason="datasketch is an extra")
    near = NearDuplicates(0.5)
    text = sentence(0, 60)
    assert near.objection(replace(asking(text), id="first")) is None
    assert near.objection(replace(asking(sentence(100, 60)), id="other")) is None
    assert near.objection(asking(text + " more")) == "nearly repeats example 'first'"

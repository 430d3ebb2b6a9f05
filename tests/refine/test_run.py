"""Settings, estimates and what one session of a run does."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.errors import DataError
from refine.run import Settings, estimate, usable
from tests.refine.test_pipeline import example

ATTEMPTS = 3


def settings(folder: Path, *examples, **more) -> Settings:
    source = folder / "source.jsonl"
    source.write_text("".join(json.dumps(asdict(each)) + "\n" for each in examples) + "not json\n")
    given = {"judges": ("j",), "engine": "scripted", "max_attempts": ATTEMPTS} | more
    return Settings(str(source), folder / "out", **given)


@pytest.mark.parametrize(
    ("think", "more", "fewest", "most"),
    [
        ("Oslo.", {}, 5, 5 + 2 * 2 * ATTEMPTS),
        (None, {}, 4, 4 + 2 * 2 * ATTEMPTS),  # no chain of thought: stage 3 asks nothing
        (None, {"write_cot": True}, 6, 6 + 2 * 2 * ATTEMPTS),
        ("Oslo.", {"write_cot": True}, 5, 5 + 2 * 2 * ATTEMPTS),
        ("Oslo.", {"threshold": 5.0}, 6, 6 + 2 * 2 * ATTEMPTS),
        ("Oslo.", {"decide": ("decode",)}, 4, 5 + 2 * 2 * ATTEMPTS),  # stage 1 is decided without the judge
        ("Oslo.", {"stages": "1-3"}, 3, 3),
    ],
)
def test_calls_are_counted_from_what_the_stages_ask(tmp_path, think, more, fewest, most):
    found = estimate(settings(tmp_path, example(0, think=think), example(1, think=think), **more))
    assert (found.examples, found.calls) == (2, (2 * fewest, 2 * most))
    assert not (tmp_path / "out").exists()


def test_verdicts_are_counted_once_a_vote_and_new_answers_once(tmp_path):
    asked = settings(tmp_path, example(0), votes=3, judges=("a", "b", "c"))
    assert estimate(asked).calls == (15, 3 * (5 + 2 * ATTEMPTS) + 2 * ATTEMPTS)


@pytest.mark.parametrize(("stage", "tokens"), [("cot", 100), ("query", 0)])
def test_tokens_are_those_of_what_a_question_sees(tmp_path, stage, tokens):
    short, long = (
        estimate(settings(tmp_path, example(0, think="x" * size), stages=stage)).prompt_tokens[0] for size in (40, 440)
    )
    assert long - short == tokens


def test_an_estimate_is_a_bound_of_what_is_asked(tmp_path):
    from refine.run import run

    reply = json.dumps({"reason": "so", "verdict": "no"})
    asked = settings(tmp_path, example(0), example(1), engine_options={"default": reply})
    run(asked)
    calls = (tmp_path / "out" / "calls.jsonl").read_text().splitlines()
    assert 0 < len(calls) <= estimate(asked).calls[1]


def test_unusable_rows_are_handed_on_and_keep_their_number(tmp_path):
    rejected = []
    asked = settings(tmp_path, example(0), example(1))
    assert [number for number, _ in usable(asked, rejected.append)] == [0, 1]
    assert [row.line for row in rejected] == [3]
    assert [number for number, _ in usable(replace(asked, limit=1), rejected.append)] == [0]


def test_what_changes_the_outcome_is_part_of_the_identity(tmp_path):
    one = settings(tmp_path, example(0))
    assert one.identity() == replace(one, concurrency=9, limit=3, output=tmp_path / "x").identity()
    for change in ({"votes": 2, "judges": ("a", "b")}, {"stages": "1-3"}, {"threshold": 3.0}, {"write_cot": True}):
        assert replace(one, **change).identity() != one.identity(), change
    before = one.identity()
    assert settings(tmp_path, example(1)).identity() != before


def test_a_folder_is_no_data_set(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        replace(settings(tmp_path), input=str(tmp_path)).identity()

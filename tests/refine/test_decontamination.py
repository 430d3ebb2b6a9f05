"""Training examples that repeat a benchmark's dialogues are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.benchmarks.acebench import data as acebench
from harness.benchmarks.apibank import data
from harness.data import datasets
from harness.errors import DataError
from harness.types import Example
from refine.questions import benchmark_questions
from refine.similar import NGRAM, Contamination, words


@pytest.fixture(autouse=True)
def benchmark_data(shared_data: Path) -> None:
    try:
        for name in ("acebench", "apibank"):
            datasets.fetch(name, shared_data / name, offline=True)
    except DataError as error:
        pytest.skip(f"no data: {error}")


def example(text: str) -> Example:
    return Example("x", ({"role": "user", "content": text},), (), None, "[f()]")


def test_api_bank_is_known() -> None:
    contamination = Contamination(benchmark_questions(["apibank"]))
    for item in (*list(data.items(1).values())[:20], *list(data.items(3).values())[:20]):
        assert "apibank" in str(contamination.objection(example(item.input)))
    assert contamination.objection(example("What is the weather in Bern on the first Monday of May this year?")) is None


@pytest.mark.parametrize("language", acebench.LANGUAGES)
def test_acebench_is_known_in_both_languages(language: str) -> None:
    contamination = Contamination(benchmark_questions(["acebench"]))
    questions = [record["question"] for record in acebench.questions(language, "normal_atom_bool").values()][:20]
    for question in questions:
        opening = question.strip().removeprefix("user: ").split("\n")[0]
        for text in (question, opening, f"- {opening} -"):
            assert "acebench" in str(contamination.objection(example(text))), text


def test_a_short_opening_of_a_dialogue_is_a_question_by_itself() -> None:
    contamination = Contamination(benchmark_questions(["apibank"]))
    item = next(item for item in data.items(1).values() if len(words(item.input.split("\n")[0])) < NGRAM)
    opening = item.input.split("\n")[0].removeprefix("User: ")
    assert contamination.objection(example(opening)) == "the query is a question of apibank"

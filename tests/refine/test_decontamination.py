"""Training examples that repeat a benchmark's dialogues are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.benchmarks.apibank import data
from harness.data import datasets
from harness.errors import DataError
from harness.types import Example
from refine.similar import Contamination, benchmark_questions


@pytest.fixture(autouse=True)
def apibank_data(shared_data: Path) -> None:
    try:
        datasets.fetch("apibank", shared_data / "apibank", offline=True)
    except DataError as error:
        pytest.skip(f"no API-Bank data: {error}")


def example(text: str) -> Example:
    return Example("x", ({"role": "user", "content": text},), (), None, "[f()]")


def test_api_bank_is_known() -> None:
    contamination = Contamination(benchmark_questions(["apibank"]))
    for item in (*list(data.items(1).values())[:20], *list(data.items(3).values())[:20]):
        assert "apibank" in str(contamination.objection(example(item.input)))
    assert contamination.objection(example("What is the weather in Bern on the first Monday of May this year?")) is None

"""Retelling recorded samples: the whole conversation where it can be played again, what is stored where not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness import plugins
from harness.results import store
from harness.running import retelling
from harness.types import BenchmarkInfo, Generation, Query, Reply, Sample
from tests import synthetic_runs


class Asking:
    """A benchmark of one question a sample, or of two turns where the id says so."""

    name, version, data, check_workers = "asking", "1", "none", 0

    def __init__(self) -> None:
        self.played: list[str] = []

    def load(self, categories: Any) -> list[Sample[Any]]:
        tool = ({"name": "f", "description": "", "parameters": {}},)
        one = [Sample(f"one_{i}", "one", (({"role": "user", "content": f"q{i}"},),), tool, None) for i in range(5)]
        turns = (({"role": "user", "content": "first"},), ({"role": "user", "content": "second"},))
        return [*one, Sample("two_0", "two", turns, tool, None)]

    def play(self, sample: Sample[Any], before: Any) -> Any:
        self.played.append(sample.id)
        talk: tuple[Any, ...] = ()
        for number, turn in enumerate(sample.turns):
            reply = yield Query((*talk, *turn), sample.tools, turn=number)
            talk = (
                *talk,
                *turn,
                {"role": "assistant", "content": reply.text},
                {"role": "tool", "content": "42", "name": "f"},
            )


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Asking:
    made, real = Asking(), plugins.load
    monkeypatch.setattr(plugins, "load", lambda kind, name: made if name == "asking" else real(kind, name))
    return made


def retold(tmp_path: Path, sizes: dict[str, int], steps: int = 1, text: str = "[f()]") -> dict[Any, retelling.Retold]:
    benchmark = BenchmarkInfo("asking", "1")
    folder = synthetic_runs.write(tmp_path, "m", sizes, text=text, benchmark=benchmark, handler="funreason")
    lines = {line.key: line for line in store.read_samples(folder)}
    if steps > 1:
        lines = {key: synthetic_runs.repeated(line, steps) for key, line in lines.items()}
    return retelling.retell(store.read_run(folder), lines)


def test_single_turn_is_told_from_the_sample_after_one_play(asking: Asking, tmp_path: Path) -> None:
    told = retold(tmp_path, {"one": 5}, text="because\n</think>\n\n[f()]")
    assert asking.played == ["one_0"]
    assert [told[f"one_{i}", 0].question for i in range(5)] == [f"q{i}" for i in range(5)]
    last = told["one_4", 0].talk[-1]
    assert (last["role"], last["think"], last["text"]) == ("reply", "because", "[f()]")


def test_multi_turn_is_told_turn_by_turn_without_repeating(asking: Asking, tmp_path: Path) -> None:
    told = retold(tmp_path, {"two": 1}, steps=2)["two_0", 0]
    assert [(entry["turn"], entry["role"]) for entry in told.talk] == [
        (0, "user"),
        (0, "reply"),
        (1, "tool"),
        (1, "user"),
        (1, "reply"),
    ]
    assert told.problem is None


def test_what_the_data_lacks_is_told_from_what_is_stored(asking: Asking, tmp_path: Path) -> None:
    told = retold(tmp_path, {"gone": 1}, text="[f(x=1)]")["gone_0", 0]
    assert told.problem == "the installed data has no sample gone_0"
    assert told.talk[0]["text"] == "[f(x=1)]"


def test_a_benchmark_that_is_not_installed_costs_the_questions_only(tmp_path: Path) -> None:
    told = retold(tmp_path, {"one": 1})["one_0", 0]
    assert told.problem is not None
    assert "asking" in told.problem
    assert told.replies == (Reply(None, "[f()]"),)


def test_native_calls_are_told_where_nothing_can_be_parsed() -> None:
    from harness.results.lines import RecordedStep, SampleLine
    from harness.types import NativeCall

    generation = Generation("", tool_calls=(NativeCall("f", '{"a": 1}'),))
    line = SampleLine("x_0", 0, "x", (RecordedStep(0, generation),))
    record = synthetic_runs.record(benchmark=BenchmarkInfo("missing", categories=("x",)))
    assert retelling.retell(record, {line.key: line})[line.key].talk[0]["text"] == 'f({"a": 1})'

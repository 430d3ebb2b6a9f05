"""A set-up that does not fit the model is said, not scored in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.entries import entries, load
from harness.analysis.leaderboard import build
from harness.benchmarks.bfcl import data
from harness.handlers import dialects
from harness.reports import boards, overview, runs, trials
from harness.results import store
from harness.results.tally import Unread
from harness.running import rejudging
from harness.running.plan import RunSpec, SharedEngine
from harness.running.readings import readings, warning, warnings
from harness.running.runner import run
from harness.running.trial import trial
from harness.stats.views import load_view
from harness.types import EngineSettings, FunctionCall, Reading, RunRecord

pytestmark = pytest.mark.usefixtures("bfcl_data")
N = 10


def spec_of(folder: Path, dialect: str, category: str = "simple_python", wrong: int = N) -> RunSpec:
    """A model that answers `wrong` items rightly in another dialect than the one it is read by, `hermes`."""
    entries = []
    for number, record in enumerate(data.questions(category)[:N]):
        expected = data.answer(record["id"]) or [{record["function"][0]["name"]: {}}]
        ((name, given),) = expected[0].items()
        call = FunctionCall(name, {key: values[0] for key, values in given.items() if values[0] != ""})
        writer = dialects.load(dialect if number < wrong else "hermes")
        entries.append({"id": record["id"], "text": writer.write([call])})
    script = folder / "script.jsonl"
    script.write_text("\n".join(map(json.dumps, entries)))
    settings = EngineSettings("model", options={"script": str(script)})
    return RunSpec(
        settings, "bfcl", (category,), engine="scripted", handler="fc", limit=str(N), output=folder / "results"
    )


@pytest.fixture
def misread(tmp_path: Path) -> tuple[Path, RunRecord]:
    record = run(replace(spec_of(tmp_path, "qwen3_coder"), handler_options={"dialect": "hermes"}))
    return store.path_of(tmp_path / "results", record), record


def test_the_record_says_what_replies_are_written_in(misread: tuple[Path, RunRecord]) -> None:
    _, record = misread
    reading = record.readings["simple_python"]
    assert (reading.asked, reading.unread, reading.readable, reading.sampled) == (N, N, 0.0, N)
    assert reading.beginnings == {"<tool_call>": N}
    assert reading.dialects["qwen3_coder"] == N
    (said,) = warnings(record.readings, "hermes")
    assert said.startswith(f"simple_python: {N} of {N} replies that should be calls hold no readable call")
    assert said.endswith("100 % of them read as qwen3_coder: --dialect qwen3_coder")


def test_it_is_kept_judged_again_and_shown(misread: tuple[Path, RunRecord]) -> None:
    folder, record = misread
    assert store.read_run(folder).readings == record.readings
    assert rejudging.rejudged(folder, "upstream", lambda _: None)[0].readings == record.readings
    (said,) = warnings(record.readings, "hermes")
    assert f"warning: {said}" in runs.records_text([record], folder.parents[2])
    assert said.partition(": ")[2] in overview.about(overview.read_side(folder))["facts"].values()
    board = build(load_view("v4"), entries(load([folder], lambda _: None)))
    row = board.blocks[0].rows[0]
    assert row.unread == (said,)
    assert "--dialect" in boards.terminal([board])
    for write in boards.WRITERS.values():
        assert "read as qwen3" in write([board])


def test_a_model_that_is_understood_gets_no_warning(tmp_path: Path) -> None:
    record = run(spec_of(tmp_path, "qwen3_coder", wrong=2))
    assert record.readings["simple_python"].unread == 2
    assert warnings(record.readings) == []
    assert record.readings["simple_python"].dialects == {}


def test_abstaining_is_no_reply_that_should_be_a_call(tmp_path: Path) -> None:
    assert run(spec_of(tmp_path, "qwen3_coder", "irrelevance")).readings == {}


def test_the_dialect_in_use_is_not_recommended_and_nothing_unknown_is() -> None:
    assert "--dialect" not in str(warning("c", Reading(10, 9, {"x": 9}, {"hermes": 9}, 9), "hermes"))
    assert "--dialect" not in str(warning("c", Reading(10, 9, {"x": 9}, {"hermes": 2}, 9)))
    assert warning("c", Reading(10, 2)) is None
    assert warning("c", Reading(0, 0)) is None
    found = readings({"c": Unread(4, 4, ["I cannot do that."] * 4)})["c"]
    assert (found.dialects, found.beginnings) == ({}, {"I cannot do": 4})


def test_a_check_plays_a_few_items_keeps_nothing_and_says_what_does_not_fit(tmp_path: Path) -> None:
    spec = replace(spec_of(tmp_path, "qwen3_coder"), handler_options={"dialect": "hermes"})
    found = trial(spec, SharedEngine("scripted", spec.settings), 5)
    assert not (tmp_path / "results").exists()
    assert found.record.readings["simple_python"].asked == 5
    assert "--dialect qwen3_coder" in found.problems[0]
    text = trials.text([found])
    assert "calculate_triangle_area" in text
    assert "what does not fit:" in text
    (shown,) = trials.as_json([found])[0]["items"]
    assert shown["id"] == "simple_python_0"


def test_a_check_tells_of_cut_replies_and_open_thoughts(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(json.dumps({"id": "simple_python_0", "text": "<think>\nwell", "finish": "length"}))
    settings = EngineSettings("model", options={"script": str(script), "default": "[f(a=1)]"})
    spec = RunSpec(settings, "bfcl", ("simple_python",), engine="scripted", handler="prompt")
    _, cut, opened = trial(spec, SharedEngine("scripted", settings), 2).problems
    assert cut.startswith("1 of 2 replies are cut off")
    assert opened.startswith("1 of 2 replies never close their thinking")
    fine = replace(settings, options={"default": "[f(a=1)]"})
    assert trial(replace(spec, settings=fine), SharedEngine("scripted", fine), 2).problems == ()

"""The plug-in: what is asked, what counts where, and one run of everything with the recorded replies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.benchmarks.apibank import PLUGIN, data
from harness.benchmarks.apibank.benchmark import SCENES, call_text
from harness.results import store
from harness.results.lines import RecordedStep, SampleLine
from harness.running.retelling import retell
from harness.stats.averages import evaluate
from harness.stats.views import load_published, load_view
from harness.types import BenchmarkInfo, Episode, FunctionCall, Generation, Reply, Step
from tests import synthetic_runs

pytestmark = pytest.mark.usefixtures("apibank_data")
LEAVES = tuple(dict.fromkeys(leaf for group in PLUGIN.tasks().values() for leaf in group))


def answers(sample) -> list[str]:
    target = sample.target
    if isinstance(target, list):
        return [item.expected for item in target]
    return [json.dumps(target) if isinstance(target, dict) else target.expected]


def episode(sample, texts: list[str]) -> Episode:
    steps = [Step(turn, Generation(text), Reply(None, text)) for turn, text in enumerate(texts)]
    return Episode(sample.id, tuple(steps))


def test_sizes_are_those_of_the_view() -> None:
    samples = list(PLUGIN.load(LEAVES))
    assert len({sample.id for sample in samples}) == len(samples) == 399 + 135 + 50 + 528 + 597
    view = load_view("apibank")
    counts: dict[str, int] = {}
    for sample in samples:
        for category in PLUGIN.check(sample, episode(sample, ["" for _ in sample.turns])):
            counts[category] = counts.get(category, 0) + 1
    assert counts == view.sizes


def test_a_scene_is_asked_call_by_call_with_the_recorded_history() -> None:
    sample = next(iter(PLUGIN.load(tuple(SCENES))))
    play = PLUGIN.play(sample, {})
    queries = [next(play), *(play.send(Reply(None, "nonsense")) for _ in sample.target[1:])]
    with pytest.raises(StopIteration):
        play.send(Reply(None, "nonsense"))
    assert [query.turn for query in queries] == list(range(len(sample.target)))
    for query, before in zip(queries[1:], sample.target, strict=False):
        assert before.expected in str(query.messages[-1]["content"])


def test_a_scene_is_told_without_what_was_told_before() -> None:
    sample = next(iter(PLUGIN.load(tuple(SCENES))))
    steps = tuple(RecordedStep(turn, Generation(text)) for turn, text in enumerate(answers(sample)))
    line = SampleLine(sample.id, 0, sample.category, steps)
    record = synthetic_runs.record(benchmark=BenchmarkInfo("apibank", categories=tuple(SCENES)), handler="prompt")
    (told,) = retell(record, {line.key: line}).values()
    assert told.problem is None
    questions = [entry["text"] for entry in told.talk if entry["role"] == "user"]
    assert len(questions) == len(sample.target)
    assert "\nUser: " in questions[0]
    for question, before in zip(questions[1:], sample.target, strict=False):
        assert question.startswith(before.expected), "the call that was recorded, and its result"
        assert "User: " not in question


def test_one_wrong_call_costs_the_scene_and_itself() -> None:
    sample = next(iter(PLUGIN.load(tuple(SCENES))))
    texts = answers(sample)
    verdicts = PLUGIN.check(sample, episode(sample, ["", *texts[1:]]))
    assert verdicts["apibank_level3"].outcome == verdicts["apibank_level3_call1"].outcome == "fail"
    assert verdicts["apibank_level3_call2"].outcome == "pass"


def test_native_calls_are_read_as_the_benchmarks_own() -> None:
    item = data.item(1, "Calculator-level-1-1.jsonl#0")
    sample = next(sample for sample in PLUGIN.load(("apibank_level1",)) if sample.id == item.id)
    reply = Reply(None, "", (FunctionCall("Calculator", {"formula": "(5+6)*3"}),))
    assert call_text(reply) == "[Calculator(formula='(5+6)*3')]"
    steps = (Step(0, Generation(""), reply),)
    assert PLUGIN.check(sample, Episode(sample.id, steps))["apibank_level1"].outcome == "pass"


def test_a_run_of_the_recorded_replies_reaches_the_ceilings(tmp_path: Path) -> None:
    from harness import run

    script = tmp_path / "replies.jsonl"
    with script.open("w") as file:
        for sample in PLUGIN.load(LEAVES):
            for step, text in enumerate(answers(sample)):
                file.write(json.dumps({"id": sample.id, "step": step, "text": text}) + "\n")
    (made,) = run(
        model="truth",
        tasks="apibank,apibank_exact",
        engine="scripted",
        model_args={"script": str(script)},
        output=str(tmp_path / "runs"),
    )
    record = store.read_run(Path(made.folder))
    cells = evaluate(load_view("apibank"), record.scores)
    (published,) = load_published("apibank")
    for column, value in published.rows["recorded replies"].items():
        assert cells[column].value == pytest.approx(value, abs=5e-5)
    assert cells["level3_calls"].n == 245
    assert cells["exact"].value == 1.0
    assert cells["responses1"].value == pytest.approx(1.0, abs=1e-4)

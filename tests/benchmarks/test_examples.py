"""Graded scores of replies against a file of examples."""

from __future__ import annotations

import json

import pytest

from harness.benchmarks.examples import GRADES, PLUGIN
from harness.errors import DataError
from harness.types import Episode, FunctionCall, Generation, Reply, Step

ROW = {
    "id": "one",
    "messages": [{"role": "user", "content": "Weather in Oslo for 3 days?"}],
    "tools": [{"name": "weather", "description": "", "parameters": {"type": "dict", "properties": {}, "required": []}}],
    "think": None,
    "answer": "[weather(city='Oslo', days=3)]",
}


@pytest.fixture
def sample(tmp_path, monkeypatch):
    (tmp_path / "set.jsonl").write_text(json.dumps(ROW) + "\n")
    monkeypatch.setenv("HARNESS_EXAMPLES", str(tmp_path / "set.jsonl"))
    (only,) = PLUGIN.load(["examples"])
    return only


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        ("[weather(city='Oslo', days=3)]", GRADES),
        ("[weather(days=3, city='Oslo')]", GRADES),
        ("[forecast(city='Oslo', days=3)]", ("examples_format", "examples_arguments")),
        ("[weather(city='Oslo', days='3')]", ("examples_format", "examples_name")),
        ("[weather(city='Oslo', days=3.0)]", ("examples_format", "examples_name")),
        ("[weather(city='Oslo', days=3), weather(city='Oslo', days=3)]", ("examples_format",)),
        ("It rains.", ()),
        ("[]", ()),
    ],
)
def test_a_reply_is_graded_from_lenient_to_strict(sample, answer, passed):
    verdicts = PLUGIN.check(sample, Episode("one", (Step(0, Generation(answer), Reply(None, answer)),)))
    assert {grade for grade, verdict in verdicts.items() if verdict.outcome == "pass"} == set(passed)


def test_native_calls_are_graded_alike(sample):
    reply = Reply(None, "", (FunctionCall("weather", {"city": "Oslo", "days": 3}),))
    verdicts = PLUGIN.check(sample, Episode("one", (Step(0, Generation(""), reply),)))
    assert {verdict.outcome for verdict in verdicts.values()} == {"pass"}


def test_the_file_must_be_named_and_its_ids_unique(tmp_path, monkeypatch):
    monkeypatch.delenv("HARNESS_EXAMPLES", raising=False)
    with pytest.raises(DataError, match="HARNESS_EXAMPLES"):
        PLUGIN.load(["examples"])
    (tmp_path / "twice.jsonl").write_text(2 * (json.dumps(ROW) + "\n"))
    monkeypatch.setenv("HARNESS_EXAMPLES", str(tmp_path / "twice.jsonl"))
    with pytest.raises(DataError, match="more than once"):
        PLUGIN.load(["examples"])

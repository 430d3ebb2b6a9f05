"""Prompts that do not fit: what servers say of them, and what becomes of the item."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.engines._overflow import overflows
from harness.reports import runs
from harness.results import store
from harness.running import rejudging
from harness.running.plan import RunSpec
from harness.running.runner import run
from harness.types import EngineSettings
from tests.servers import Answer, Asked, loopback

LONG = "This model's maximum context length is 4096 tokens. However, your request has 5120 input tokens."
TOO_LONG = (
    LONG,
    "This model's maximum context length is 4096 tokens. However, you requested 9216 tokens (5120 in the messages, 4096"
    " in the completion). Please reduce the length of the messages or completion.",
    "The input (5120 tokens) is longer than the model's context length (4096 tokens).",
    "the request exceeds the available context size, try increasing it",
    "prompt is too long: 210000 tokens > 200000 maximum",
    '{"error": {"code": "context_length_exceeded", "message": "Your input exceeds the context window of this model."}}',
)
WRONG_SETUP = (
    "max_tokens is too large: 4096. This model's maximum context length is 4096 tokens and your request has 700 input"
    " tokens (4096 > 4096 - 700).",
    "This model's maximum context length is 4096 tokens. However, you requested 4796 tokens (700 in the messages, 4096"
    " in the completion).",
    "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 4796"
    " tokens: 700 tokens from the input messages and 4096 tokens for the completion.",
    "Missing parameter 'tool_call_id'",
    "model not found",
)


@pytest.mark.parametrize("message", TOO_LONG)
def test_a_prompt_that_is_too_long_is_told(message: str) -> None:
    assert overflows(400, message)
    assert not overflows(500, message)
    assert not overflows(429, message)


@pytest.mark.parametrize("message", WRONG_SETUP)
def test_a_wrong_setup_is_none(message: str) -> None:
    assert not overflows(400, message)


@pytest.mark.usefixtures("bfcl_data")
def test_an_item_that_does_not_fit_counts_as_wrong_and_is_counted_apart(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        if "triangle" in str(asked.body["messages"]):
            return Answer({"error": {"message": LONG}}, status=400)
        reply = {"role": "assistant", "content": "[math.factorial(number=5)]"}
        return Answer({"choices": [{"message": reply, "finish_reason": "stop"}]})

    with loopback(answer) as server:
        spec = RunSpec(
            EngineSettings("m", base_urls=(server.url,)),
            "bfcl",
            ("simple_python",),
            handler="prompt",
            limit="2",
            output=tmp_path,
        )
        record = run(spec)
        assert run(spec).run_id == record.run_id  # finished: nothing is played again
        assert len(server.asked) == 2
    score = record.scores["simple_python"]
    assert (record.status, score.judged, score.passed, score.unscored, score.overflowed) == ("complete", 2, 1, 0, 1)
    folder = store.path_of(tmp_path, record)
    verdicts = {line.id: line.verdicts["simple_python"] for line in store.read_samples(folder)}
    assert verdicts["simple_python_0"].code == "context_overflow"
    assert "maximum context length" in verdicts["simple_python_0"].message
    assert "1 of 2 items do not fit" in runs.records_text([record], tmp_path)
    assert rejudging.rejudged(folder, "strict", lambda _: None)[0].scores["simple_python"].overflowed == 1
    assert record.readings["simple_python"].asked == 1  # what was not answered could not be read


@pytest.mark.usefixtures("bfcl_data")
def test_a_dialogue_ends_where_it_no_longer_fits(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        if len(asked.body["messages"]) > 2:
            return Answer({"error": {"message": LONG}}, status=400)
        return Answer({"choices": [{"message": {"role": "assistant", "content": "[ls()]"}, "finish_reason": "stop"}]})

    with loopback(answer) as server:
        spec = RunSpec(
            EngineSettings("m", base_urls=(server.url,)),
            "bfcl",
            ("multi_turn_base",),
            handler="prompt",
            limit="1",
            output=tmp_path,
        )
        record = run(replace(spec, predict_only=False))
        assert len(server.asked) == 2
    assert record.scores["multi_turn_base"].overflowed == 1


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize(("rules", "passed"), [("upstream", 1), ("strict", 0)])
def test_where_no_call_is_wanted_the_official_evaluator_takes_the_error_for_none(
    rules: str, passed: int, tmp_path: Path
) -> None:
    with loopback(lambda _: Answer({"error": {"message": LONG}}, status=400)) as server:
        settings = EngineSettings("m", base_urls=(server.url,))
        categories = ("irrelevance", "live_relevance", "simple_python")
        spec = RunSpec(settings, "bfcl", categories, handler="prompt", limit="1", output=tmp_path, rules=rules)
        record = run(spec)
    scores = record.scores
    assert [scores[name].passed for name in categories] == [passed, 0, 0]
    assert [scores[name].overflowed for name in categories] == [1, 1, 1]

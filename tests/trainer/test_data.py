"""Regions, edge cases and what is counted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import handlers, plugins
from harness.data.shapes import HALF
from harness.errors import DataError
from harness.types import Example, ModelInfo
from tests.tinymodels import tiny_tokenizer
from tests.trainer.worlds import TOOL, rows, write
from trainer.data import Encoder, Record, ask, end_of_turn
from trainer.losses import RESULT, THINK

TOKENIZER = tiny_tokenizer()
FUNREASON = plugins.load("handlers", "funreason")


def _row(**fields: Any) -> dict[str, Any]:
    return rows(1)[0] | fields


def _corpus(tmp_path, lines, **settings):
    return Encoder(TOKENIZER, plugins.load("handlers", settings.pop("handler", "funreason")), **settings).corpus(
        write(tmp_path / "data.jsonl", lines)
    )


def _text(record: Record, region: int) -> str:
    return TOKENIZER.decode([token for token, label in zip(record.ids, record.regions, strict=True) if label == region])


def test_regions_are_prompt_think_and_result(tmp_path):
    (record,) = _corpus(tmp_path, [_row(think="It asks.", answer="[f(a=1)]")]).records
    assert _text(record, 0).endswith("<|im_start|>assistant\n")
    assert _text(record, THINK) == "<think>\nIt asks.\n</think>"
    assert _text(record, RESULT) == "\n\n[f(a=1)]<|im_end|>"


def test_a_reply_without_thinking_is_an_empty_block_and_a_result(tmp_path):
    (record,) = _corpus(tmp_path, [_row(think=None)]).records
    assert _text(record, THINK) == "<think>\n</think>"
    assert RESULT in record.regions


def test_a_handler_without_a_forced_block_leaves_the_think_region_empty_and_counts_it(tmp_path):
    corpus = _corpus(tmp_path, [_row(think=None, answer="[f(a=1)]")], handler="prompt")
    assert THINK not in corpus.records[0].regions
    assert corpus.counts["without think"] == 1
    assert _text(corpus.records[0], RESULT) == "[f(a=1)]<|im_end|>"


def test_a_plain_answer_without_calls_is_a_result(tmp_path):
    (record,) = _corpus(tmp_path, [_row(answer="No function fits.")]).records
    assert _text(record, RESULT) == "\n\nNo function fits.<|im_end|>"


def test_overlong_records_are_dropped_or_cut_and_counted(tmp_path):
    lines = [_row(think="short"), _row(think="word " * 300)]
    dropped = _corpus(tmp_path, lines, max_length=100)
    assert [len(dropped.records), dropped.counts["dropped: too long"]] == [1, 1]
    cut = _corpus(tmp_path, lines, max_length=100, overlong="truncate")
    assert [len(cut.records), cut.counts["truncated"], cut.counts["without result"]] == [2, 1, 1]
    assert len(cut.records[1]) == 100
    assert set(cut.records[1].regions) == {0, THINK}


def test_a_prompt_that_fills_the_length_leaves_nothing_to_learn(tmp_path):
    lines = [_row(), _row(messages=[{"role": "user", "content": "word " * 300}])]
    corpus = _corpus(tmp_path, lines, max_length=200, overlong="truncate")
    assert corpus.counts["dropped: prompt fills the length"] == 1
    assert len(corpus.records) == 1


def test_what_cannot_be_used_is_counted_with_its_reason_and_ends_nothing(tmp_path):
    path = write(tmp_path / "data.jsonl", [_row(), _row(think="a </think> b"), {"messages": []}])
    with path.open("a") as file:
        file.write("{broken\n")
    corpus = Encoder(TOKENIZER, FUNREASON).corpus(path)
    assert len(corpus.records) == 1
    assert corpus.counts["rows"] == 4
    unusable = [name for name, count in corpus.counts.items() if name.startswith("unusable") and count]
    assert len(unusable) == 3
    assert any("</think>" in name for name in unusable)


def test_data_without_any_usable_row_is_an_error_that_says_why(tmp_path):
    with pytest.raises(DataError, match="no row can be trained on"):
        _corpus(tmp_path, [_row(think="</think>")])


def test_every_assistant_turn_is_learnt_with_what_stood_before_it(tmp_path):
    messages = [
        {"role": "user", "content": "First?"},
        {"role": "assistant", "content": "[f(a=1)]", "reasoning_content": "Once."},
        {"role": "tool", "content": "sunny"},
        {"role": "user", "content": "Second?"},
    ]
    corpus = _corpus(tmp_path, [_row(messages=messages, think="Twice.", answer="[g(b=2)]")])
    first, second = corpus.records
    assert [_text(first, THINK), _text(first, RESULT)] == ["<think>\nOnce.\n</think>", "\n\n[f(a=1)]<|im_end|>"]
    assert "Second?" not in _text(first, 0)
    assert _text(second, THINK) == "<think>\nTwice.\n</think>"
    for told in ("First?", "[f(a=1)]", "sunny", "Second?"):
        assert told in _text(second, 0)
    assert "Once." not in TOKENIZER.decode(second.ids)
    assert len(_corpus(tmp_path, [_row(messages=messages)], turns="last").records) == 1


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ({"id": 1, "query": "Q?", "answers": '[{"name": "f", "arguments": {"a": 1}}]', "tools": "[]"}, "[f(a=1)]"),
        (
            {
                "messages": [
                    {"role": "user", "content": "Q?"},
                    {
                        "role": "assistant",
                        "content": "<think>\nHm.\n</think>\n\n",
                        "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}],
                    },
                ]
            },
            "[f(a=1)]",
        ),
        (
            {
                "conversations": [
                    {"from": "human", "value": "Q?"},
                    {"from": "function_call", "value": '{"name": "f", "arguments": {"a": 1}}'},
                ],
                "tools": "[]",
            },
            "[f(a=1)]",
        ),
    ],
)
def test_other_formats_give_the_same_result_region(tmp_path, line, answer):
    (record,) = _corpus(tmp_path, [line]).records
    assert _text(record, RESULT) == f"\n\n{answer}<|im_end|>"


def test_thinking_and_calls_of_one_openai_turn_are_both_learnt(tmp_path):
    call = {"function": {"name": "f", "arguments": "{}"}}
    turn = {"role": "assistant", "content": "<think>\nHm.\n</think>", "tool_calls": [call]}
    (record,) = _corpus(tmp_path, [{"messages": [{"role": "user", "content": "Q?"}, turn]}]).records
    assert _text(record, THINK) == "<think>\nHm.\n</think>"


@pytest.mark.usefixtures("bfcl_data")
def test_the_native_handler_learns_the_call_as_it_is_sent():
    example = Example("0", ({"role": "user", "content": "Q?"},), (TOOL,), None, "[weather.get(city='Bern')]")
    prompt, reply = ask(plugins.load("handlers", "fc"), example)
    assert prompt.tools
    assert [call.name for call in reply.calls or ()] == ["weather.get"]
    assert reply.text == ""


def test_the_end_of_turn_is_what_the_template_writes():
    assert end_of_turn(TOKENIZER) == "<|im_end|>"


@given(
    think=st.text(st.characters(codec="utf-8"), max_size=40), answer=st.text(st.characters(codec="utf-8"), max_size=40)
)
def test_the_joined_text_is_tokenised_once_and_split_where_it_should_be(think, answer):
    """Regions partition the reply; the text of all tokens is the text that the handler wrote, plus the end of turn."""
    from collections import Counter

    encoder = Encoder(TOKENIZER, FUNREASON)
    example = Example("0", ({"role": "user", "content": "Q?"},), (), think, answer)
    try:
        text = encoder._text(example, Counter())
    except ValueError:
        return
    (record,) = encoder._encode([text], Counter())
    assert TOKENIZER.decode(record.ids) == text.text
    regions = list(record.regions)
    assert regions == sorted(regions)
    assert regions[-1] == RESULT


TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}"
    "[TOOL_CALLS]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}{% endif %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def test_native_calls_are_learnt_in_the_models_own_dialect(tmp_path):
    handler, options, _ = handlers.fitted("fc", {}, "upstream", ModelInfo("m", chat_template=TEMPLATE))
    assert options["dialect"] == "mistral11"
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = TEMPLATE
    data = write(tmp_path / "data.jsonl", [_row(think=None, answer="[f(a=1)]", tools=[TOOL])])
    (record,) = Encoder(tokenizer, handler).corpus(data).records
    assert _text(record, RESULT) == '[TOOL_CALLS]f[ARGS]{"a": 1}<|im_end|>'
    assert "[AVAILABLE_TOOLS]" in _text(record, 0)
    # A template that shows no tools: they are told in the system message, and the calls are calls all the same.
    silent = TEMPLATE.replace(
        "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}{% endif %}", "{# [AVAILABLE_TOOLS] #}"
    )
    tokenizer.chat_template = silent
    handler, _, why = handlers.fitted("fc", {}, "upstream", ModelInfo("m", chat_template=silent))
    assert "tools" in why
    (record,) = Encoder(tokenizer, handler).corpus(data).records
    assert _text(record, RESULT) == '[TOOL_CALLS]f[ARGS]{"a": 1}<|im_end|>'
    assert "[TOOL_CALLS]function_name[ARGS]" in _text(record, 0)


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize("handler", ["funreason", "fc"])
@pytest.mark.parametrize("place", ["history", "answer"])
def test_half_a_character_that_is_escaped_in_a_call_costs_its_record_only(tmp_path, handler, place):
    call = {"function": {"name": "weather.get", "arguments": '{"city": "\\ud83d"}'}}
    asked, called = {"role": "user", "content": "Oslo?"}, {"role": "assistant", "tool_calls": [call]}
    messages = [asked, called] + [{"role": "assistant", "content": "3."}] * (place == "history")
    bad = {"messages": messages, "tools": [TOOL]}
    corpus = _corpus(tmp_path, [_row(id="before"), bad, _row(id="after")], handler=handler)
    names = [record.id for record in corpus.records]
    assert {"before", "after"} < set(names) if handler == "funreason" else names == ["before", "after"]
    counted = corpus.counts[f"unusable: {HALF}"]
    assert counted == (0 if handler == "funreason" else 2 if place == "history" else 1)

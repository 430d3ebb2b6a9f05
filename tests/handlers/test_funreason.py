from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.handlers.funreason import PLUGIN
from harness.types import Generation, ModelInfo, Query, Reply

CALLS = Query(({"role": "user", "content": "Weather?"},), instruction="Tools: ...")
TEXT = replace(CALLS, expects="text")


def parse(text: str, query: Query = CALLS, finish: Literal["stop", "length"] = "stop") -> Reply:
    return PLUGIN.parse(Generation(text, finish), query)


def test_the_reply_is_forced_to_think_first() -> None:
    prompt = PLUGIN.render(CALLS)
    assert prompt.prefix == "<think>\n"
    assert prompt.tools == ()
    assert [message["role"] for message in prompt.messages] == ["system", "user"]


@pytest.mark.parametrize(
    ("text", "think", "answer"),
    [
        ("Rain?\n</think>\n\n[f(a=1)]", "Rain?", "[f(a=1)]"),
        ("Rain?\n</think>\n\n[f(a=1)]\n", "Rain?", "[f(a=1)]"),
        ("Rain?</think>[f(a=1)]", "Rain?", "[f(a=1)]"),
        ("Rain?\n</think>\n\nI call:\n[f(a=1)]", "Rain?", "[f(a=1)]"),
        ("Rain?\n</think>\n\n[f(a='</think>')]", "Rain?", "[f(a='</think>')]"),
        ("a\n\nb\n</think>\n\n[f()]", "a\n\nb", "[f()]"),
        ("\n</think>\n\n[f()]", "", "[f()]"),
        ("</think>\n\n[f()]", None, "[f()]"),
        ("Rain?\n</think>\n\n", "Rain?", ""),
        ("Rain?\n</think>", "Rain?", ""),
    ],
)
def test_the_answer_is_the_last_line(text: str, think: str | None, answer: str) -> None:
    assert parse(text) == Reply(think, answer)


def test_a_block_that_never_closes_is_a_problem_and_its_last_line_the_answer() -> None:
    assert parse("I wonder\n[f(a=1)]") == Reply("I wonder\n[f(a=1)]", "[f(a=1)]", problem="unclosed_think")


def test_a_truncated_answer_is_a_problem() -> None:
    assert parse("a\n</think>\n\n[f(a=", finish="length") == Reply("a", "[f(a=", problem="truncated")


def test_a_program_is_everything_after_the_block() -> None:
    program = "def f():\n    return 1\n"
    assert parse(f"a\n</think>\n\n{program}", TEXT) == Reply("a", program)


def test_thinking_that_a_server_took_off_is_kept() -> None:
    generation = Generation("I call:\n[f(a=1)]", reasoning="Rain?")
    assert PLUGIN.parse(generation, CALLS) == Reply("Rain?", "[f(a=1)]")


def test_without_a_prefix_a_plain_reply_has_no_thinking() -> None:
    handler = replace(PLUGIN, think_prefix="")
    assert handler.parse(Generation("Sure:\n[f(a=1)]"), CALLS) == Reply(None, "[f(a=1)]")
    assert handler.parse(Generation("<think>\na\n</think>\n\n[f(a=1)]"), CALLS) == Reply("a", "[f(a=1)]")
    assert handler.render(CALLS).prefix == ""


def test_another_delimiter() -> None:
    handler = replace(PLUGIN, answer_delimiter="Answer:")
    assert handler.parse(Generation("a\n</think>\nSo\nAnswer:\n[f(a=1),\ng()]"), CALLS).text == "[f(a=1),\ng()]"


@pytest.mark.parametrize(
    ("model", "fits"),
    [
        (ModelInfo("x", chat_template="{% if think %}<think>{% endif %}"), False),
        (ModelInfo("org/QwQ-32B"), False),
        (ModelInfo("org/FunReason-7B"), True),
        (ModelInfo("tiny"), True),
        (ModelInfo("Qwen2.5-Coder-7B", adapter="/out/funreason-lora"), True),
        (ModelInfo("Qwen2.5-7B-Instruct", chat_template="{{ tools }}"), False),
        (ModelInfo("destiny"), False),
    ],
)
def test_it_fits_checkpoints_that_were_trained_so(model: ModelInfo, fits: bool) -> None:
    assert bool(PLUGIN.matches(model)) is fits


@pytest.mark.parametrize(
    "reply",
    [
        Reply("a</think>b", "[f()]"),
        Reply("a", "\n[f()]"),
        Reply("a", "[f()]", problem="truncated"),
        Reply("a", "", calls=()),
        Reply("\n<think>a", "[f()]"),
    ],
)
def test_what_would_not_read_back_is_refused(reply: Reply) -> None:
    with pytest.raises(ValueError, match="reads back"):
        PLUGIN.write(reply)


fragments = st.lists(st.sampled_from(["a", "\n", " ", "<think>", "\r", "\ud800"])).map("".join)
thoughts = st.none() | (fragments | st.text()).filter(
    lambda think: "</think>" not in think and not think.lstrip().startswith("<think>")
)
pieces = st.text() | st.lists(st.sampled_from(["[f(a='x')]", "\n", "</think>", "<think>", " ", "ß"])).map("".join)


@given(think=thoughts, answer=pieces.filter(lambda text: "\n" not in text))
def test_what_is_written_reads_back_as_calls(think: str | None, answer: str) -> None:
    reads_back(Reply(think, answer), CALLS)


@given(think=thoughts, answer=pieces.filter(lambda text: not text.startswith("\n")))
def test_what_is_written_reads_back_as_text(think: str | None, answer: str) -> None:
    reads_back(Reply(think, answer), TEXT)


def reads_back(reply: Reply, query: Query) -> None:
    written = PLUGIN.write(reply)
    assert PLUGIN.parse(Generation(written.text.removeprefix(PLUGIN.think_prefix)), query) == reply
    think, answer = (written.text[start:end] for start, end in (written.think, written.answer))
    assert think.startswith("<think>")
    assert think.endswith("</think>")
    assert think + answer == written.text
    assert answer == f"\n\n{reply.text}"


@given(text=st.text() | pieces, finish=st.sampled_from(["stop", "length"]), expects=st.sampled_from(["calls", "text"]))
def test_parsing_never_raises(text: str, finish: Literal["stop", "length"], expects: Literal["calls", "text"]) -> None:
    parse(text, replace(CALLS, expects=expects), finish)


@pytest.mark.parametrize("text", ["<think>\na\n</think>\n\n[f()]", "\n<think>a</think>[f()]", "a\n</think>\n\n[f()]"])
def test_a_block_that_the_model_opens_again_has_one_opening(text: str) -> None:
    assert parse(text) == Reply("a", "[f()]")

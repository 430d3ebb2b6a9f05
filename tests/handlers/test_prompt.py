import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.handlers.prompt import PLUGIN
from harness.types import Generation, Query, Reply

QUERY = Query(({"role": "user", "content": "Weather?"},), instruction="Tools: ...")


@pytest.mark.parametrize(
    ("messages", "merged"),
    [
        ([("user", "hi")], [("system", "Tools: ..."), ("user", "hi")]),
        ([("system", "Be brief."), ("user", "hi")], [("system", "Tools: ...\n\nBe brief."), ("user", "hi")]),
        ([("user", "hi"), ("system", "x")], [("system", "Tools: ..."), ("user", "hi"), ("system", "x")]),
        ([], [("system", "Tools: ...")]),
    ],
)
def test_the_instruction_comes_before_what_the_system_says(
    messages: list[tuple[str, str]], merged: list[tuple[str, str]]
) -> None:
    query = Query(tuple({"role": role, "content": content} for role, content in messages), instruction="Tools: ...")
    prompt = PLUGIN.render(query)
    assert [(message["role"], message["content"]) for message in prompt.messages] == merged
    assert (prompt.tools, prompt.prefix) == ((), "")


def test_without_an_instruction_nothing_is_merged() -> None:
    assert PLUGIN.render(Query(QUERY.messages)).messages == QUERY.messages


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("[f(a=1)]", Reply(None, "[f(a=1)]")),
        ("<think>\na\n</think>\n\n [f(a=1)]\n", Reply("a", " [f(a=1)]\n")),
        ("a</think>[f()]</think>\n[g()]", Reply("a", "[g()]")),
        ("<think>a<think>\nb</think>[g()]", Reply("b", "[g()]")),
        ("<think>\nnever ends", Reply(None, "<think>\nnever ends", problem="unclosed_think")),
        ("I'm <think>ing", Reply(None, "I'm <think>ing")),
        ("", Reply(None, "")),
    ],
)
def test_thinking_is_stripped_as_the_official_qwen_handler_does(text: str, reply: Reply) -> None:
    assert PLUGIN.parse(Generation(text), QUERY) == reply


def test_truncation_and_server_side_thinking() -> None:
    assert PLUGIN.parse(Generation("[f(", "length", reasoning="a"), QUERY) == Reply("a", "[f(", problem="truncated")


tagless = st.text() | st.lists(st.sampled_from(["a", "\n", " ", "[f(a='x')]", "<", "think>", "\ud800"])).map("".join)
answers = tagless | st.just("use <think> here")


@given(think=st.none() | tagless, answer=answers)
def test_what_is_written_reads_back(think: str | None, answer: str) -> None:
    reply = Reply(think, answer)
    try:
        written = PLUGIN.write(reply)
    except ValueError:
        assert unwritable(reply)
        return
    assert PLUGIN.parse(Generation(written.text), QUERY) == reply
    assert written.think == (0, written.answer[0])
    assert written.text[slice(*written.answer)].lstrip("\n") == answer.lstrip("\n")
    assert bool(written.text[slice(*written.think)]) is (think is not None)


def unwritable(reply: Reply) -> bool:
    """Where a tag or a line break stands at the seam."""
    if reply.think is None:
        return "</think>" in reply.text or reply.text.lstrip().startswith("<think>")
    tags = any(tag in reply.think for tag in ("<think>", "</think>")) or "</think>" in reply.text
    return tags or reply.think != reply.think.strip("\n") or reply.text.startswith("\n")


@given(st.text() | tagless)
def test_parsing_never_raises(text: str) -> None:
    PLUGIN.parse(Generation(text), QUERY)

"""What benchmarks of other packages get of BFCL."""

from __future__ import annotations

from typing import Any

import pytest

from harness.benchmarks.bfcl import checking, data, judge
from harness.benchmarks.bfcl.checking import Undecodable, ask, check_calls, decode_calls, was_called
from harness.errors import UsageProblem
from harness.types import FunctionCall, Reply

pytestmark = pytest.mark.usefixtures("bfcl_data")
BOOK: dict[str, Any] = {
    "name": "table.book",
    "description": "Books.",
    "parameters": {
        "type": "dict",
        "properties": {"people": {"type": "integer", "description": "n"}},
        "required": ["people"],
    },
}
FOUR: list[Any] = [{"table.book": {"people": [4]}}]


def test_a_query_has_the_functions_and_the_instruction() -> None:
    query = ask([{"role": "user", "content": "Four."}], [BOOK])
    assert query.tools == checking.offered([BOOK])
    assert query.tools[0]["description"].startswith("Books.")
    assert query.tools[0] != BOOK
    assert "table.book" in query.instruction
    assert BOOK["description"] == "Books."


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(None, "[table.book(people=4)]"), None),
        (Reply(None, "", (FunctionCall("table.book", {"people": 4}),)), None),
        (Reply(None, "[table.book(people=5)]"), "value_error:others"),
        (Reply(None, "Four."), "ast_decoder:decoder_failed"),
        (Reply(None, "x", (), "bad_tool_call"), "ast_decoder:decoder_failed"),
    ],
)
def test_text_and_native_calls_are_judged(reply: Reply, code: str | None) -> None:
    verdict = check_calls(reply, [BOOK], FOUR)
    assert (verdict.outcome == "pass", verdict.code) == (code is None, code)
    assert was_called(verdict) == (not str(code).startswith("ast_decoder"))


def test_no_call_or_any_call_can_be_wanted() -> None:
    call, words = Reply(None, "[table.book(people=4)]"), Reply(None, "No.")
    assert [check_calls(reply, [BOOK], []).outcome for reply in (call, words)] == ["fail", "pass"]
    assert [check_calls(reply, [BOOK], [], wants_call=True).outcome for reply in (call, words)] == ["pass", "fail"]
    assert was_called(check_calls(words, [BOOK], [])) is None


def test_calls_are_read_and_nothing_else() -> None:
    assert decode_calls("[table.book(people=2 + 2)]") == [{"table.book": {"people": 4}}]
    assert decode_calls("Maps.find(x=5L)", "java") == [{"Maps.find": {"x": "5L"}}]
    assert decode_calls("[f(a=open('x'))]") == [{"f": {"a": "open('x')"}}]
    assert decode_calls("[f(+1)]", rules="strict") != decode_calls("[f(+1)]")
    for text in ("Four.", "[1, 2]", "[f(a=1", "<a>"):
        with pytest.raises(Undecodable):
            decode_calls(text)
    with pytest.raises(UsageProblem, match="language"):
        decode_calls("[f()]", "ada")
    with pytest.raises(UsageProblem, match="rule set"):
        decode_calls("[f()]", rules="lax")


@pytest.mark.parametrize("category", ["multiple", "parallel", "simple_java", "irrelevance"])
def test_items_of_bfcl_are_judged_as_by_their_own_judge(category: str) -> None:
    language = "java" if category == "simple_java" else "python"
    for item, expected in list(zip(data.questions(category), data.answers(category), strict=True))[:40]:
        for text in ("I do not know.", f"[{item['function'][0]['name']}(a=1)]"):
            ours = check_calls(Reply(None, text), item["function"], expected, language=language)
            theirs = judge(item["id"], text)
            assert (ours.outcome, ours.code) == (theirs.outcome, theirs.code)

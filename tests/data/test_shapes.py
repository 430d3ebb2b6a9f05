"""Every shape that data sets come in: what is read from it, and what is refused with a reason rather than lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data import thinking
from harness.data.calls import Unreadable, read_answer
from harness.data.examples import Unusable, read
from harness.data.shapes import AFTER, TOOL_TEXT
from harness.data.turns import normal, shown, tools_of, turns
from harness.types import Example

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "get_weather", "description": "W", "parameters": PARAMETERS}
ASKED = {"role": "user", "content": "Oslo?"}
CALL = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
WRITTEN = "[get_weather(city='Oslo')]"


def one(tmp_path: Path, row: Any, **reading: Any) -> Example:
    (found,) = rows(tmp_path, row, **reading)
    assert isinstance(found, Example), found
    return found


def rows(tmp_path: Path, *lines: Any, **reading: Any) -> list[Example | Unusable]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return list(read(path, **reading))


def said(answer: dict[str, Any], **row: Any) -> dict[str, Any]:
    return {"messages": [ASKED, {"role": "assistant", **answer}], "tools": [TOOL], **row}


@pytest.mark.parametrize(
    "answer",
    [
        {"tool_calls": [{"type": "function", "function": CALL}]},
        {"tool_calls": [CALL], "content": None},
        {"tool_calls": json.dumps([{"function": CALL}])},
        {"function_call": CALL, "content": None},
        {"function_call": CALL, "content": ""},
        {"content": WRITTEN},
        {"content": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'},
        {"content": "<tool_call>\n{'arguments': {'city': 'Oslo'}, 'name': 'get_weather'}\n</tool_call>"},
        {"content": [{"type": "text", "text": ""}], "tool_calls": [{"function": CALL}]},
        {"content": [], "tool_calls": repr([{"function": CALL}])},
        {"content": '{"name": "get_weather", "parameters": {"city": "Oslo"}}'},
        {"content": '[{"name": "get_weather", "arguments": {"city": "Oslo"}}]'},
        {"content": '[get_weather( city = "Oslo" )]'},
        {"tool_calls": [CALL | {"arguments": json.dumps(json.dumps({"city": "Oslo"}))}]},
    ],
    ids=str,
)
def test_calls_are_calls_however_they_are_written(tmp_path, answer):
    assert one(tmp_path, said(answer)).answer == WRITTEN


@pytest.mark.parametrize(
    "answer",
    [
        {"reasoning_content": "It is Oslo.", "content": WRITTEN},
        {"thinking": "It is Oslo.", "content": WRITTEN},
        {"reasoning": "It is Oslo.", "function_call": CALL},
        {"content": f"<think>\nIt is Oslo.\n</think>\n\n{WRITTEN}"},
        {"content": f"It is Oslo.\n</think>\n\n{WRITTEN}"},
        {"content": "<think>\nIt is Oslo.", "tool_calls": [{"function": CALL}]},
        {"content": [{"type": "thinking", "thinking": "It is Oslo."}, {"type": "text", "text": WRITTEN}]},
        {"reasoning_content": "It is Oslo.", "content": f"<think>\nIt is Oslo.\n</think>\n\n{WRITTEN}"},
        *({field: "It is Oslo.", "content": WRITTEN} for field in thinking.FIELDS),
        {"reasoning": {"content": "It is Oslo."}, "content": WRITTEN},
        {"reasoning": "It is Oslo.", "reasoning_details": [{"text": "It is Oslo."}, {"type": "reasoning.encrypted"}]}
        | {"content": WRITTEN},
        {"thinking_blocks": [{"type": "thinking", "thinking": "It is Oslo."}], "content": WRITTEN},
        *({"content": f"{opening}It is Oslo.{closing}\n{WRITTEN}"} for opening, closing in thinking.TAGS.items()),
        *({"content": f"It is Oslo.{closing}{WRITTEN}"} for closing in thinking.TAGS.values()),
        {"content": f"<Think>\nIt is Oslo.\n</THINK>\n{WRITTEN}"},
    ],
    ids=str,
)
def test_thinking_is_thinking_wherever_it_stands(tmp_path, answer):
    found = one(tmp_path, said(answer))
    assert (found.think, found.answer, found.said) == ("It is Oslo.", WRITTEN, "")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (said({"content": "<think>\nIt is Oslo."}), "thinking does not close"),
        (said({"content": "<think>\nA.\n</think>\n\nB.", "thinking": "C."}), "thinking is given twice"),
        (said({"content": "<thinking>\nIt is Oslo."}), "thinking does not close"),
        (said({"content": "So. <think>Oslo.</think> Oslo."}), "thinking stands in the middle"),
        (said({"content": "<think>A.</think> B. [THINK]C.[/THINK] D."}), "thinking stands in the middle"),
        (said({"content": "a"}, think="b", cot="c"), "thinking is given twice"),
        (said({"content": "[get_weather(city=Oslo)]"}), "a list of calls cannot be read"),
        (said({"tool_calls": [{"function": CALL | {"arguments": '{"city": NaN}'}}]}), "are not JSON"),
        (said({"content": None}), "says nothing"),
        (said({"content": "", "tool_calls": []}), "says nothing"),
        (said({"tool_calls": [{"function": {"name": "f", "arguments": "{city"}}]}), "is not JSON"),
        (said({"tool_calls": [{"function": {"arguments": "{}"}}]}), "a call has no name"),
        (said({"content": "<tool_call>get_weather</tool_call>"}), "a <tool_call> block is not JSON"),
        (said({"content": [{"type": "image_url", "image_url": {"url": "u"}}]}), "a part that is not text (image_url)"),
        (said({"content": 3}), "is int, not text"),
        (said({"content": "a\ud83d"}), "a lone surrogate"),
        (said({"content": "a\ud83d", "tool_calls": [CALL]}), "a lone surrogate"),
        (said({"content": "a"}, id="\udc00"), "a lone surrogate"),
        (said({"content": "a", "weight": 0}), "no assistant turn to learn"),
        (said({"content": "a", "weight": 2}), "weight 2 of message 1 is not a number from 0 to 1"),
        (said({"content": "a", "learn": "no"}), "learn 'no' of message 1 is not a number"),
        (said({"content": "a"}, tools=[{"description": "no name"}]), "tool 0 has no name"),
        (said({"content": "a"}, tools="[{"), "tools is not JSON"),
        ({"messages": [{"content": "x"}, {"role": "assistant", "content": "a"}]}, "message 0 has no role"),
        ({"messages": [{"role": "user", "content": None}, {"role": "assistant", "content": "a"}]}, "has no content"),
        ({"messages": [{"role": "judge", "content": "x"}, {"role": "assistant", "content": "a"}]}, "'judge'"),
        ({"messages": "[{", "tools": []}, "messages is not JSON"),
        ({"messages": [ASKED], "answer": " "}, "the answer is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_be_lost_is_a_reason(tmp_path, row, reason):
    (found,) = rows(tmp_path, row)
    assert isinstance(found, Unusable)
    assert reason in found.reason


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]},
        {"messages": json.dumps([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}])},
        {"prompt": "Hi", "completion": "Ho"},
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]},
        {"query": "Hi", "answers": [CALL], "tools": [TOOL]},
        {"instruction": "Hi", "output": "Ho"},
        {
            "messages": [
                {"role": role, "content": text}
                for role, text in zip(("system", "user", "assistant"), ("Be brief.", "Hi", "Ho"), strict=True)
            ]
        },
    ],
    ids=str,
)
def test_a_system_text_beside_the_messages_is_shown_once(tmp_path, row):
    found = one(tmp_path, {**row, "system": "Be brief."})
    assert [(each["role"], each["content"]) for each in found.messages] == [("system", "Be brief."), ("user", "Hi")]


def test_text_beside_calls_is_kept(tmp_path):
    found = one(tmp_path, said({"content": "Let me look.", "tool_calls": [{"function": CALL}]}))
    assert (found.answer, found.said) == (WRITTEN, "Let me look.")
    talk = [ASKED, {"role": "assistant", "content": "Let me look.", "tool_calls": [{"function": CALL}]}]
    found = one(
        tmp_path, {"messages": [*talk, {"role": "tool", "content": "3"}, {"role": "assistant", "content": "3."}]}
    )
    (_, first), (_, last) = turns(found)
    assert (first.answer, first.said, last.answer) == (WRITTEN, "Let me look.", "3.")
    assert found.messages[2]["tool_call_id"] == found.messages[1]["tool_calls"][0]["id"]


@pytest.mark.parametrize("off", [{"learn": False}, {"weight": 0}, {"train": False}, {"training": False}], ids=str)
def test_turns_without_loss_are_shown_and_not_learnt(tmp_path, off):
    talk = [ASKED, {"role": "assistant", "content": "WRONG", **off}, {"role": "user", "content": "No."}]
    found = one(tmp_path, {"messages": [*talk, {"role": "assistant", "content": WRITTEN}], "tools": [TOOL]})
    assert [turn.answer for _, turn in turns(found)] == [WRITTEN]
    assert found.messages[1]["content"] == "WRONG"
    after = [*talk[:1], {"role": "assistant", "content": WRITTEN}, *talk[2:], {**talk[1], "content": "WRONG"}]
    found = one(tmp_path, {"messages": after, "tools": [TOOL]})
    assert (found.answer, found.source["left_out"]) == (WRITTEN, [AFTER])


LISTED = json.dumps([TOOL])
FORMATS = {
    "toucan": {
        "uuid": "u",
        "messages": json.dumps([ASKED, {"role": "assistant", "content": "", "function_call": CALL}]),
        "tools": json.dumps([{"type": "function", "function": TOOL}]),
    },
    "openai fine-tuning": {"messages": [ASKED, {"role": "assistant", "function_call": CALL}], "functions": [TOOL]},
    "hermes v1": {
        "conversations": [
            {"from": "system", "value": f"You call functions. <tools> {LISTED} </tools>"},
            {"from": "human", "value": "Oslo?"},
            {
                "from": "gpt",
                "value": "<tool_call>\n{'arguments': {'city': 'Oslo'}, 'name': 'get_weather'}\n</tool_call>",
            },
        ]
    },
    "apigen-mt": {
        "conversations": [
            {"from": "human", "value": "Oslo?"},
            {"from": "function_call", "value": json.dumps({"name": "get_weather", "arguments": {"city": "Oslo"}})},
        ],
        "tools": LISTED,
        "system": "Follow the policy.",
    },
    "toolace": {
        "system": f"Here is a list of functions that you can invoke:\n{LISTED}. Put it in the format of [f(a=b)]",
        "conversations": [
            {"from": "user", "value": "Oslo?"},
            {"from": "assistant", "value": '[get_weather(city="Oslo")]'},
        ],
    },
    "glaive v2": {
        "system": f"SYSTEM: You have access to the following functions -\n{json.dumps(TOOL, indent=4)}\n",
        "chat": 'USER: Oslo?\n\n\nASSISTANT: <functioncall> {"name": "get_weather", "arguments": \'{"city": "Oslo"}\'} '
        "<|endoftext|>\n\n\n",
    },
    "trl": {
        "prompt": [ASKED],
        "completion": [{"role": "assistant", "tool_calls": [{"function": CALL}]}],
        "tools": [TOOL],
    },
    "tool_call role in python": {
        "messages": [ASKED, {"role": "Tool_Call", "content": repr(CALL)}],
        "tools": repr([TOOL]),
    },
    "mcp tools": {
        "messages": [ASKED, {"role": "assistant", "tool_calls": [CALL]}],
        "tools": [{"inputSchema" if key == "parameters" else key: value for key, value in TOOL.items()}],
    },
    "tool_call role": {"messages": [ASKED, {"role": "tool_call", "content": json.dumps(CALL)}], "tools": [TOOL]},
    "xlam": {
        "query": "Oslo?",
        "answers": json.dumps([{"name": "get_weather", "arguments": {"city": "Oslo"}}]),
        "tools": LISTED,
    },
}


@pytest.mark.parametrize("name", FORMATS)
def test_published_formats_give_the_same_question_tools_and_calls(tmp_path, name):
    found = one(tmp_path, FORMATS[name])
    assert found.messages[-1] == ASKED
    assert found.tools == (TOOL,)
    assert found.answer == WRITTEN
    told = name in ("hermes v1", "toolace", "glaive v2")
    assert found.source.get("left_out", []) == ([TOOL_TEXT] if told else [])


def test_a_file_of_several_formats_is_read_row_by_row(tmp_path):
    found = rows(tmp_path, *FORMATS.values(), {"foo": 1})
    assert [row.answer for row in found[:-1] if isinstance(row, Example)] == [WRITTEN] * len(FORMATS)
    assert isinstance(found[-1], Unusable)
    assert "no known format: foo" in found[-1].reason


def test_a_whole_conversation_of_glaive_is_read(tmp_path):
    chat = (
        "USER: Hi\n\n\nASSISTANT: Hello! <|endoftext|>\n\n\nUSER: Oslo?\n\n\nASSISTANT: <functioncall> "
        '{"name": "get_weather", "arguments": \'{"city": "Oslo"}\'} <|endoftext|>\n\n\n'
        'FUNCTION RESPONSE: {"t": 3}\n\n\nASSISTANT: 3 degrees. <|endoftext|>'
    )
    found = one(tmp_path, {"system": "SYSTEM: Be brief.", "chat": chat})
    assert [turn.answer for _, turn in turns(found)] == ["Hello!", WRITTEN, "3 degrees."]
    assert found.messages[0] == {"role": "system", "content": "Be brief."}
    assert found.messages[-1]["content"] == '{"t": 3}'


@pytest.mark.parametrize("name", ["get-weather", "Market Trends API", "import", "a/b.c"])
def test_names_that_python_forbids_are_read_where_json_allows_them(tmp_path, name):
    call = {"name": name, "arguments": {"from": "Oslo", "x-y": [1, {"z": None}]}}
    found = one(tmp_path, said({"tool_calls": [{"function": call}]}, tools=[TOOL | {"name": name}]))
    (read,) = read_answer(found.answer) or []
    assert (read.name, read.arguments) == (name, call["arguments"])


def test_toolace_calls_functions_whose_names_have_spaces(tmp_path):
    tools = [TOOL | {"name": "Market Trends API"}]
    answer = {"content": '[Market Trends API(city="us", note="Market Trends API(x)"), Market Trends API(city="de")]'}
    found = one(tmp_path, said(answer, tools=tools))
    calls = read_answer(found.answer) or []
    assert [(call.name, call.arguments["city"]) for call in calls] == [
        (tools[0]["name"], "us"),
        (tools[0]["name"], "de"),
    ]
    assert calls[0].arguments["note"] == "Market Trends API(x)"


def test_json_text_that_is_no_call_of_ours_stays_text():
    assert read_answer('[{"name": "get_weather", "arguments": {"city": "Oslo"}}]') is None
    assert read_answer("[f(1)]") is None
    assert read_answer("f(a=1)") is None


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("[get_weather(city=true, x=null, y=[false])]", {"city": True, "x": None, "y": [False]}),
        ('[get_weather(from="from=1, user-id=2", user-id=3)]', {"from": "from=1, user-id=2", "user-id": 3}),
    ],
)
def test_toolace_mixes_notations(tmp_path, text, arguments):
    names = ("city", "x", "y", "from", "user-id")
    tool = TOOL | {"parameters": {"type": "dict", "properties": {name: {"type": "string"} for name in names}}}
    (call,) = read_answer(one(tmp_path, said({"content": text}, tools=[tool])).answer) or []
    assert call.arguments == arguments


def test_glaive_puts_arguments_between_quotes_that_they_hold(tmp_path):
    call = """<functioncall> {"name": "get_weather", "arguments": '{"city": "L'Aquila"}'} <|endoftext|>"""
    found = one(tmp_path, {"system": "SYSTEM: Be brief.", "chat": f"USER: Oslo?\n\n\nASSISTANT: {call}"})
    assert found.answer == '[get_weather(city="L\'Aquila")]'


@pytest.mark.parametrize("role", ["tool", "user"])
def test_results_that_stand_in_one_message_are_taken_apart(tmp_path, role):
    results = "".join(f"<tool_response>\n{temperature}\n</tool_response>\n" for temperature in (3, 9))
    called = {"role": "assistant", "tool_calls": [CALL, CALL]}
    talk = [ASKED, called, {"role": role, "content": results}, {"role": "assistant", "content": "3 and 9."}]
    found = one(tmp_path, {"messages": talk, "tools": [TOOL]})
    assert [(message["role"], message["content"]) for message in found.messages[2:]] == [("tool", "3"), ("tool", "9")]
    ids = [call["id"] for call in found.messages[1]["tool_calls"]]
    assert [message["tool_call_id"] for message in found.messages[2:]] == ids


def test_a_result_may_be_an_object(tmp_path):
    for content in ({"t": [3]}, [{"t": 3}], []):
        talk = [ASKED, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": content}]
        found = one(tmp_path, {"messages": [*talk, {"role": "assistant", "content": "3."}], "tools": [TOOL]})
        assert json.loads(found.messages[-1]["content"]) == content


def test_fields_of_messages_that_are_not_read_are_told(tmp_path):
    found = one(tmp_path, said({"content": "a", "analysis": "Hm.", "logprobs": None, "index": 3}))
    assert found.source["left_out"] == ["field 'analysis' of a message"]


def test_thinking_of_a_row_belongs_to_its_answer(tmp_path):
    alpaca = {"instruction": "Oslo?", "output": WRITTEN, "cot": "It is Oslo."}
    assert one(tmp_path, alpaca).think == "It is Oslo."
    assert one(tmp_path, said({"content": WRITTEN}, reasoning="on")).think is None


def test_fields_and_speakers_of_other_names_are_mapped(tmp_path):
    row = {"dialog": [{"from": "customer", "value": "Oslo?"}, {"from": "agent", "value": WRITTEN}], "fns": [TOOL]}
    columns, roles = {"conversations": "dialog", "tools": "fns"}, {"customer": "user", "agent": "assistant"}
    found = one(tmp_path, row, columns=columns, roles=roles)
    assert (found.answer, found.tools, found.messages) == (WRITTEN, (TOOL,), (ASKED,))


def test_tools_that_a_message_brings_are_there_from_then_on():
    come = {"role": "user", "content": "There is one more now.", "tools": [{"name": "renew", "parameters": {}}]}
    messages = normal([{"role": "user", "content": "Hello."}, come], [], {})
    tools = ({"name": "lend", "parameters": {}},)
    assert [tool["name"] for tool in tools_of(tools, messages[:1])] == ["lend"]
    assert [tool["name"] for tool in tools_of(tools, messages)] == ["lend", "renew"]
    assert shown(messages)[1] == {"role": "user", "content": "There is one more now."}
    for wrong in ("renew", [{"title": "renew"}], {"name": "renew"}):
        with pytest.raises(Unreadable, match="the tools of message 0 are not a list of documents"):
            normal([{**come, "tools": wrong}], [], {})

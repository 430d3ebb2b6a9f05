"""Rows of any shape, and chat templates: no traceback, and no text of a row that is lost without a word."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import handlers
from harness.data.examples import Unusable, read
from harness.errors import DataError
from harness.types import Example, ModelInfo
from tests.tinymodels import tiny_tokenizer
from trainer.data import Encoder

SHARED = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")) / "chat-templates"
STRICT = (
    "{{ raise_exception('no system') if messages[0].role == 'system' }}"
    "{% for m in messages %}{{ m.content }}\n{% endfor %}"
)
TEMPLATES = {"own": None, "strict": STRICT} | {path.stem: path.read_text() for path in sorted(SHARED.glob("*.jinja"))}
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

MARKS = st.integers(0, 10**6).map(lambda number: f"w{number}z")
WORDS = (
    st.sampled_from(
        [
            "",
            "Oslo",
            "<think>",
            "</think>",
            "<tool_call>",
            "</tool_call>",
            "\ud83d",
            "\x00",
            "[f(a=1)]",
            "\n",
            "😀",
            "{",
            "[INST]",
        ]
    )
    | MARKS
)
TEXT = st.lists(WORDS, max_size=4).map(" ".join)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
CALL = (
    st.fixed_dictionaries(
        {
            "function": st.fixed_dictionaries(
                {"name": st.sampled_from(["f", "a.b", "get-x", "", "import"]), "arguments": JUNK}
            )
        }
    )
    | JUNK
)
PARTS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url"]), "text": TEXT}), max_size=2)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "assistant", "system", "tool", "function", "developer", "judge"]) | JUNK,
        "from": st.sampled_from(["human", "gpt", "function_call", "observation"]),
        "content": TEXT | PARTS | JUNK,
        "value": TEXT,
        "tool_calls": st.lists(CALL, max_size=2) | JUNK,
        "function_call": CALL,
        "reasoning_content": TEXT | JUNK,
        "weight": st.sampled_from([0, 1, 0.5, "0"]),
        "train": st.booleans(),
    },
)
TALK = st.lists(MESSAGE, max_size=5)
TOOL = st.fixed_dictionaries({"name": st.sampled_from(["f", "a.b", "get-x"]), "description": TEXT, "parameters": JUNK})
ROW = st.fixed_dictionaries(
    {},
    optional={
        "messages": TALK | TALK.map(json.dumps) | JUNK,
        "conversations": TALK,
        "tools": st.lists(TOOL, max_size=2) | JUNK,
        "functions": st.lists(TOOL, max_size=2),
        "answer": TEXT | JUNK,
        "think": TEXT | JUNK,
        "query": TEXT,
        "answers": st.lists(CALL, max_size=2).map(json.dumps) | JUNK,
        "prompt": TEXT | TALK,
        "completion": TEXT | TALK,
        "system": TEXT,
        "chat": TEXT.map("USER: {}\n\n\nASSISTANT: <functioncall>".format),
        "source": JUNK,
        "id": JUNK,
    },
)


def _read(*rows: Any) -> list[Example | Unusable]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        try:
            return list(read(path))
        except DataError:
            return []


def _encoder(handler: str, template: str | None) -> Encoder:
    tokenizer = tiny_tokenizer()
    if template is not None:
        tokenizer.chat_template, tokenizer.bos_token = template, "<|endoftext|>"
    model = ModelInfo("m", chat_template=tokenizer.chat_template)
    return Encoder(tokenizer, handlers.fitted(handler, {}, "upstream", model)[0], 100_000)


@QUICK
@given(st.lists(ROW, min_size=1, max_size=3))
def test_any_row_is_an_example_or_unusable_with_a_reason(rows):
    found = _read(*rows)
    assert len(found) in (0, len(rows))
    for row in found:
        assert isinstance(row, Example) or row.reason
        if isinstance(row, Example):
            assert row.answer.strip()
            json.dumps([row.messages, row.tools, row.think, row.answer], ensure_ascii=False).encode()


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize("handler", ["funreason", "fc", "prompt"])
@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ROW, min_size=1, max_size=3))
def test_any_row_is_trained_on_or_counted(handler, template, rows):
    encoder, counts = _encoder(handler, TEMPLATES[template]), Counter()
    found = _read(*rows)
    if texts := list(encoder._texts(found, counts)):
        list(encoder._encode(texts, counts))
    assert counts["rows"] == len(found)


CLEAN = st.fixed_dictionaries(
    {
        "system": st.none() | MARKS,
        "user": MARKS | st.lists(MARKS, min_size=1, max_size=3),
        "think": st.none() | MARKS,
        "where": st.sampled_from(["reasoning_content", "thinking", "tags", "unopened"]),
        "said": st.just("") | MARKS,
        "city": MARKS,
        "legacy": st.booleans(),
        "result": MARKS,
        "last": MARKS,
    }
)


def _turn(parts: dict[str, Any]) -> dict[str, Any]:
    call = {"name": "weather", "arguments": json.dumps({"city": parts["city"]})}
    turn: dict[str, Any] = {"role": "assistant", "content": parts["said"] or None}
    turn |= {"function_call": call} if parts["legacy"] else {"tool_calls": [{"function": call}]}
    if parts["think"]:
        tags = {"tags": "<think>\n{}\n</think>\n\n", "unopened": "{}\n</think>\n\n"}
        if parts["where"] in tags:
            turn["content"] = tags[parts["where"]].format(parts["think"]) + parts["said"]
        else:
            turn[parts["where"]] = parts["think"]
    return turn


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize("handler", ["funreason", "fc", "prompt"])
@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(parts=CLEAN)
def test_no_text_is_lost_without_a_word(handler, template, parts):
    user = parts["user"]
    messages = [
        *([{"role": "system", "content": parts["system"]}] if parts["system"] else []),
        {
            "role": "user",
            "content": user if isinstance(user, str) else [{"type": "text", "text": word} for word in user],
        },
        _turn(parts),
        {"role": "tool", "content": parts["result"]},
        {"role": "assistant", "content": parts["last"]},
    ]
    tools = [{"type": "function", "function": {"name": "weather", "description": "F.", "parameters": {}}}]
    found = _read({"messages": messages, "tools": tools})
    assert isinstance(found[0], Example), found
    encoder, counts = _encoder(handler, TEMPLATES[template]), Counter()
    texts = list(encoder._texts(found, counts))
    lost = [name for name in counts if name.startswith(("left out", "unusable"))]
    if lost:
        assert all(counts[name] for name in lost)
        return
    call, answer = texts
    words = [
        parts["system"],
        *([user] if isinstance(user, str) else user),
        parts["think"],
        parts["said"],
        parts["city"],
    ]
    assert all(word in call.text for word in words if word)
    shown = [*words[:-3], parts["said"], parts["city"], parts["result"], parts["last"]]
    assert all(word in answer.text for word in shown if word)
    assert parts["think"] is None or parts["think"] in call.text[call.think[0] : call.think[1]]

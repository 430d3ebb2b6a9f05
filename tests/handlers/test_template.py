"""Real chat templates (`SHARED_DATA/chat-templates`): what each takes, and conversations as the handlers send them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness import chat, handlers
from harness.handlers import dialects
from harness.handlers._messages import adapt, told
from harness.handlers._template import abilities
from harness.types import FunctionCall, Message, ModelInfo, Query
from tests.tinymodels import tiny_tokenizer

NO_BOS = {"bos_token": ""}
"""The tiny tokenizer has none."""
DIALECTS = {
    "apertus": "apertus",
    "deepseek-r1-distill-qwen": "deepseek_v3",
    "deepseek-v3.1": "deepseek_v31",
    "deepseek-v3.2": "deepseek_v32",
    "functionary-v3.1": "functionary31",
    "functionary-v3.2": "functionary32",
    "glm-4.6": "glm45",
    "glm-4.7-flash": "glm47",
    "gpt-oss": "gpt_oss",
    "granite-3.3": "granite3",
    "granite-4.0": "granite4",
    "kimi-k2": "kimi_k2",
    "minimax-m2": "minimax_m2",
    "mistral-nemo-v3": "mistral",
    "mistral-small-3.2-v11": "mistral11",
    "qwen2.5": "hermes",
    "qwen3": "hermes",
    "qwen3-coder": "qwen3_coder",
    "qwen3.5": "qwen3_coder",
    "seed-oss": "seed_oss",
    "smollm3": "hermes",
    "step3.5-flash": "qwen3_coder",
}
LACKS = {  # of what is tested: found by rendering, as the data's README reports it
    "deepseek-r1-distill-qwen": {"tools"},
    "deepseek-v3.1": {"tools"},
    "smollm3": {"tools", "calls"},
    "granite-3.3": {"calls"},
    "kimi-k2": {"calls"},
    "gpt-oss": {"calls"},
    "mistral-nemo-v3": {"turns"},
    "mistral-small-3.2-v11": {"turns"},
}
TOOL = {
    "name": "weather.get",
    "description": "Tells the weather.",
    "parameters": {
        "type": "dict",
        "properties": {"city": {"type": "string", "description": "Where."}},
        "required": ["city"],
    },
}
CALLS = [FunctionCall("weather.get", {"city": city}) for city in ("Bern", "Oslo")]


def conversation() -> tuple[Message, ...]:
    made = [
        {
            "id": f"call_1_{n}",
            "type": "function",
            "function": {"name": c.name, "arguments": f'{{"city": "{c.arguments["city"]}"}}'},
        }
        for n, c in enumerate(CALLS)
    ]
    results = [
        {"role": "tool", "name": "weather.get", "tool_call_id": f"call_1_{n}", "content": f'{{"sky": "s{n}y"}}'}
        for n in range(2)
    ]
    return (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where does it rain?"},
        {"role": "assistant", "content": "", "tool_calls": made},
        *results,
        {"role": "assistant", "content": "In Bern."},
        {"role": "user", "content": "And tomorrow?"},
    )


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


def source(shared_data: Path, name: str) -> str:
    return (shared_data / "chat-templates" / f"{name}.jinja").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_the_dialect_and_the_abilities_are_told_from_the_template(shared_data: Path, name: str) -> None:
    template = source(shared_data, name)
    assert dialects.choose(ModelInfo("m", chat_template=template))[0] == DIALECTS[name]
    lacking = {"tools", "calls", "results", "system", "turns"} - set(abilities(template))
    assert lacking == LACKS.get(name, set())
    chosen, _ = handlers.choose(ModelInfo("m", chat_template=template))
    assert chosen == ("prompt" if "tools" in lacking else "fc")


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_tools_calls_and_results_are_in_the_prompt(shared_data: Path, tokenizer: Any, name: str) -> None:
    template = source(shared_data, name)
    handler, _, why = handlers.fitted("fc", {}, "upstream", ModelInfo("m", chat_template=template))
    prompt = handler.render(Query(conversation(), (TOOL,)))
    text = chat.render(prompt, tokenizer, chat_template=template, kwargs=NO_BOS)
    sent = "weather_get" if dialects.load(DIALECTS[name]).underscore_names else "weather.get"
    for word in (
        sent,
        "Tells the weather.",
        "Be brief.",
        "Where does it rain?",
        "Bern",
        "Oslo",
        "s0y",
        "s1y",
        "In Bern.",
        "And tomorrow?",
    ):
        assert word in text, word
    assert text.index("Bern") < text.index("s0y") < text.index("s1y")
    assert DIALECTS[name] in why


READ_AS_WRITTEN = sorted(set(DIALECTS) - {"functionary-v3.2", "gpt-oss"})
"""The other two write a call partly in the header of the turn, which is not a part of a reply."""


@pytest.mark.parametrize("name", READ_AS_WRITTEN)
def test_earlier_calls_stand_in_the_prompt_as_the_dialect_reads_them(
    shared_data: Path, tokenizer: Any, name: str
) -> None:
    template = source(shared_data, name)
    handler, _, _ = handlers.fitted("fc", {}, "strict", ModelInfo("m", chat_template=template))

    def text(end: int) -> str:
        return chat.render(
            handler.render(Query(conversation()[:end])), tokenizer, chat_template=template, kwargs=NO_BOS
        )

    asked, answered = text(2), text(5)
    shared = next(n for n, (a, b) in enumerate(zip(asked + "\0", answered + "\1", strict=False)) if a != b)
    made = (
        dialects.load(DIALECTS[name])
        .read(answered[min(shared, len(asked.removesuffix("<think>\n").removesuffix("<think></think>"))) :], (TOOL,))
        .calls
    )
    names = [c.name.replace(".", "_") for c in made or ()]
    assert names[:2] == ["weather_get"] * 2
    assert [dict(c.arguments) for c in made or ()][:2] == [dict(c.arguments) for c in CALLS]


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_prompting_mode_shows_results_in_every_template(shared_data: Path, tokenizer: Any, name: str) -> None:
    template = source(shared_data, name)
    handler, _, _ = handlers.fitted("prompt", {}, "upstream", ModelInfo("m", chat_template=template))
    messages = (
        {"role": "user", "content": "Where does it rain?"},
        {"role": "assistant", "content": "[weather.get(city='Bern')]"},
        {"role": "tool", "name": "weather.get(city='Bern')", "content": "s0y"},
        {"role": "tool", "name": "weather.get(city='Oslo')", "content": "s1y"},
    )
    text = chat.render(
        handler.render(Query(messages, (TOOL,), "Tools: ...")), tokenizer, chat_template=template, kwargs=NO_BOS
    )
    for word in ("Tools: ...", "Where does it rain?", "city='Bern'", "s0y", "s1y"):
        assert word in text, word


GEMMA = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/...') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}"
)
"""Refuses a system message, the role `tool`, and two messages of one role, as Gemma's templates do."""


def test_a_template_that_refuses_is_met_by_words_it_takes(tokenizer: Any) -> None:
    assert abilities(GEMMA) == ()
    model = ModelInfo("m", chat_template=GEMMA)
    for name in ("fc", "prompt", "funreason"):
        handler, _, why = handlers.fitted(name, {}, "upstream", model)
        text = chat.render(handler.render(Query(conversation(), (TOOL,), "Tools: ...")), tokenizer, chat_template=GEMMA)
        assert text.startswith("<user>")
        assert "Be brief.\n\nWhere does it rain?" in text
        assert "results" in why
        assert '<tool_response>\n{"sky": "s0y"}\n</tool_response>\n<tool_response>' in text
        assert ("Tools: ..." in text) == (name != "fc")
    fc = chat.render(
        handlers.fitted("fc", {}, "upstream", model)[0].render(Query(conversation(), (TOOL,))),
        tokenizer,
        chat_template=GEMMA,
    )
    assert "Tells the weather." in fc
    assert '<tool_call>\n{"name": "weather.get", "arguments": {"city": "Oslo"}}\n</tool_call>' in fc


def test_a_template_that_cannot_be_read_takes_nothing() -> None:
    for broken in ("", "{% for", "{{ raise_exception('no') }}", "{{ messages[99].content }}", "{{ 1 / 0 }}"):
        assert abilities(broken) == ()


def test_servers_get_results_as_the_official_api_handlers_send_them() -> None:
    messages = (
        {"role": "assistant", "content": "[ls()]"},
        {"role": "tool", "name": "ls()", "content": '{"a": 1}'},
        {"role": "tool", "name": "pwd()", "content": "x"},
        {"role": "user", "content": "And?"},
    )
    assert told(messages) == (
        messages[0],
        {
            "role": "user",
            "content": "[{'role': 'tool', 'name': 'ls()', 'content': '{\"a\": 1}'}, "
            "{'role': 'tool', 'name': 'pwd()', 'content': 'x'}]",
        },
        messages[3],
    )
    handler, options, _ = handlers.fitted("prompt", {}, "upstream", ModelInfo("gpt", remote=True))
    assert options == {"takes": "api"}
    assert handler.render(Query(messages)).messages == told(messages)


def test_ids_have_nine_letters_and_calls_keep_their_results() -> None:
    adapted = adapt(conversation(), ("call", "results", "system", "turns"), None)
    assert [message["role"] for message in adapted] == [
        "system",
        "user",
        *["assistant", "tool"] * 2,
        "assistant",
        "user",
    ]
    ids = [message["tool_calls"][0]["id"] for message in adapted if "tool_calls" in message]
    assert ids == [message["tool_call_id"] for message in adapted if message["role"] == "tool"]
    assert all(len(name) == 9 and name.isalnum() for name in ids)

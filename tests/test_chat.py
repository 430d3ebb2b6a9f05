"""Rendering: what a model reads, to the character."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import jinja2
import pytest

from harness.chat import encode, render
from harness.types import Prompt
from tests.tinymodels import tiny_tokenizer

ASK = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi [x]"})
TOOL = MappingProxyType({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}})
OPENS = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}{{ '<assistant>' }}"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


def test_chatml_where_a_model_has_no_template(tokenizer: Any) -> None:
    assert render(Prompt(ASK, prefix="<think>\n"), tokenizer) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi [x]<|im_end|>\n<|im_start|>assistant\n<think>\n"
    )


def test_no_system_block_unless_there_is_something_to_say(tokenizer: Any) -> None:
    assert render(Prompt(ASK[1:]), tokenizer) == "<|im_start|>user\nHi [x]<|im_end|>\n<|im_start|>assistant\n"


def test_a_later_system_message_keeps_its_place(tokenizer: Any) -> None:
    text = render(Prompt((ASK[1], ASK[0])), tokenizer)
    assert text.index("user\nHi") < text.index("system\nBe brief.")


def test_tools_join_the_system_block(tokenizer: Any) -> None:
    text = render(Prompt(ASK, tools=(TOOL,)), tokenizer)
    assert text.startswith("<|im_start|>system\nBe brief.\n\n# Tools\n")
    assert (
        '\n<tools>\n{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}\n</tools>' in text
    )
    assert render(Prompt(ASK[1:], tools=(TOOL,)), tokenizer).startswith("<|im_start|>system\n# Tools\n")


def test_consecutive_tool_results_share_one_user_block(tokenizer: Any) -> None:
    messages = (
        ASK[1],
        {"role": "assistant", "content": "[f()]"},
        {"role": "tool", "name": "f()", "content": "1"},
        {"role": "tool", "name": "f()", "content": "2"},
        {"role": "user", "content": "And?"},
    )
    assert render(Prompt(messages), tokenizer) == (
        "<|im_start|>user\nHi [x]<|im_end|>\n<|im_start|>assistant\n[f()]<|im_end|>\n"
        "<|im_start|>user\n<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response><|im_end|>\n"
        "<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_call_arguments_are_objects_even_if_given_as_json_text(tokenizer: Any) -> None:
    calls = [{"type": "function", "function": {"name": "f", "arguments": '{"a": "ä"}'}}]
    text = render(Prompt((ASK[1], {"role": "assistant", "content": None, "tool_calls": calls})), tokenizer)
    assert 'assistant\n<tool_call>\n{"name": "f", "arguments": {"a": "ä"}}\n</tool_call><|im_end|>' in text
    assert calls[0]["function"]["arguments"] == '{"a": "ä"}'


@pytest.mark.parametrize("arguments", ["{broken", "[1]", "7"])
def test_arguments_that_are_no_object_stay_text(tokenizer: Any, arguments: str) -> None:
    calls = [{"type": "function", "function": {"name": "f", "arguments": arguments}}]
    text = render(Prompt((ASK[1], {"role": "assistant", "content": "x", "tool_calls": calls})), tokenizer)
    assert f'x\n<tool_call>\n{{"name": "f", "arguments": "{arguments}"}}' in text


@pytest.mark.parametrize(
    ("opening", "prefix", "end"),
    [
        ("<think>\n", "", "<think>\n"),
        ("<think>\n", "<think>\n", "<think>\n"),
        ("<think>", "<think>\n", "<think>\n"),
        ("<think>\n", "<think>\nFirst,", "<think>\nFirst,"),
        ("", "<think>\n", "<think>\n"),
        ("<think>\n", "[", "<think>\n["),
    ],
)
def test_the_think_block_opens_once(tokenizer: Any, opening: str, prefix: str, end: str) -> None:
    template = OPENS + "{{ '" + opening.replace("\n", "\\n") + "' }}"
    text = render(Prompt(ASK, prefix=prefix), tokenizer, chat_template=template)
    assert text == "<system>Be brief.<user>Hi [x]<assistant>" + end


def test_template_variables_and_refusals_pass_through(tokenizer: Any) -> None:
    assert render(Prompt(ASK), tokenizer, chat_template="{{ mood }}", kwargs={"mood": "calm"}) == "calm"
    with pytest.raises(jinja2.TemplateError, match="no tools"):
        render(Prompt(ASK), tokenizer, chat_template="{{ raise_exception('no tools') }}")


def test_a_raw_prompt_is_its_text_and_the_tokenizer_adds_its_own_tokens(tokenizer: Any) -> None:
    from tokenizers.processors import TemplateProcessing

    prompt = Prompt(({"role": "user", "content": "def f():\n"},), prefix="    ", raw=True)
    assert render(prompt, tokenizer, chat_template="{{ messages }}") == "def f():\n    "
    plain = tokenizer.encode("def f():\n    ")
    assert encode(prompt, tokenizer) == plain
    begins = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    tokenizer._tokenizer.post_processor = TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", begins)]
    )
    assert encode(prompt, tokenizer) == [begins, *plain]
    assert encode(Prompt(ASK), tokenizer)[0] != begins  # a template writes them itself

"""The tokenizer and its chat template, those of the recipe and those that ship."""

from __future__ import annotations

import json
import unicodedata
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import chat, plugins
from harness.models import TINY
from harness.types import Query
from trainer.recipes.tiny.synth import instruction, item
from trainer.recipes.tiny.tokenizer import TEMPLATE, build


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(TINY)


def test_the_template_keeps_what_matters_of_a_document(tokenizer):
    documents = [
        {
            "name": "shapes.area",
            "description": "Area of a shape. Note that this sentence goes.",
            "parameters": {
                "type": "dict",
                "properties": {
                    "sides": {
                        "type": "array",
                        "items": {"type": "float"},
                        "description": "Lengths of sides. Positive.",
                    },
                    "unit": {"type": "string", "enum": ["cm", "m"], "description": "Unit, default 'm'."},
                },
                "required": ["sides"],
            },
        },
        {"name": "now", "description": "Time", "parameters": {"type": "dict", "properties": {}, "required": []}},
    ]
    prompt = plugins.load("handlers", "funreason").render(
        Query(({"role": "user", "content": "Go."},), tuple(documents), "Rules first.\n" + instruction(documents))
    )
    assert chat.render(prompt, tokenizer) == (
        "<|im_start|>system\n"
        "shapes.area Area of a shape\n"
        "sides:array/float Lengths of sides\n"
        "unit?string [cm, m] Unit, default 'm'\n"
        "now Time<|im_end|>\n"
        "<|im_start|>user\nGo.<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n"
    )


def test_the_template_leaves_other_conversations_as_they_are(tokenizer):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "1"},
        {"role": "tool", "content": "[1]"},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    assert text == "".join(f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n" for message in messages)


def test_the_benchmark_asks_in_the_form_that_was_trained(tokenizer, bfcl_data):
    """BFCL's whole system prompt gives the same text as the bare documents that training used."""
    from harness.benchmarks.bfcl.prompts import instruction as bfcl_instruction

    handler = plugins.load("handlers", "funreason")
    for seed in range(20):
        made = item(Random(seed), 4)
        asked = [
            chat.render(handler.render(Query(({"role": "user", "content": made.query},), made.docs, text)), tokenizer)
            for text in (bfcl_instruction(made.docs), instruction(made.docs))
        ]
        assert asked[0] == asked[1]


def test_words_are_the_same_tokens_wherever_they_stand(tokenizer):
    for word in ("base", "triangle", "Paris", "zorthamp"):
        alone = tokenizer(word).input_ids
        for around in ("the {} of", "a_{}_b", '"{}"', "get_{}(", "{}=5"):
            ids = tokenizer(around.format(word)).input_ids
            assert any(ids[start : start + len(alone)] == alone for start in range(len(ids))), around


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8"), max_size=60))
def test_the_tokenizer_loses_nothing_but_the_unicode_form(tokenizer, text):
    assert tokenizer.decode(tokenizer(text).input_ids) == unicodedata.normalize("NFC", text)


def test_the_shipped_tokenizer_is_the_recipe_s(tokenizer):
    """`AutoTokenizer` picks the class by the model's architecture: what it loads must cut text as training did."""
    built = build()
    assert built.get_vocab() == tokenizer.get_vocab()
    for seed in range(50):
        text = item(Random(seed), 4).query
        assert built(text).input_ids == tokenizer(text).input_ids


def test_the_shipped_model_is_small_ordinary_and_has_a_card():
    files = {path.name: path.stat().st_size for path in TINY.iterdir()}
    assert sum(files.values()) <= 12 * 10**6
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= set(files)
    described = json.loads((TINY / "config.json").read_text())
    assert described["architectures"] == ["Qwen2ForCausalLM"]
    assert (TINY / "chat_template.jinja").read_text() == TEMPLATE.read_text()

"""The recipe of the embedded model, and the model that ships."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import chat, plugins
from harness.benchmarks.bfcl.decode import read_calls
from harness.types import Query
from trainer.recipes.tiny.__main__ import example
from trainer.recipes.tiny.synth import instruction, item, unseen
from trainer.recipes.tiny.tokenizer import TEMPLATE, build

ASSETS = Path(__file__).parents[3] / "harness" / "assets" / "tiny"
LEVELS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(ASSETS)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), level=st.sampled_from(LEVELS), split=st.sampled_from(("train", "unseen")))
def test_an_item_uses_names_of_its_split_only_and_its_answer_fits_its_documents(seed, level, split):
    made = item(Random(seed), level, split)
    documents = {document["name"]: document["parameters"] for document in made.docs}
    for document in made.docs:
        for name in (document["name"], *document["parameters"]["properties"]):
            assert unseen(name) == (split == "unseen"), name
    calls = read_calls(made.answer) or []
    assert len(calls) == len(made.calls)
    for call in calls:
        parameters = documents[call.name]
        assert set(parameters["required"]) <= set(call.arguments) <= set(parameters["properties"])
        for name, value in call.arguments.items():
            kinds = {"string": str, "integer": int, "float": (int, float), "boolean": bool, "array": list}
            assert isinstance(value, kinds[parameters["properties"][name]["type"]])
            allowed = parameters["properties"][name].get("enum")
            assert not allowed or value in allowed


def test_equal_seeds_give_equal_items():
    assert [item(Random(3), level) for level in LEVELS] == [item(Random(3), level) for level in LEVELS]


def test_levels_get_harder():
    sizes = [sum(len(item(Random(seed), level).answer) for seed in range(200)) for level in LEVELS[:3]]
    assert sizes == sorted(sizes)


def test_items_are_examples_that_the_funreason_handler_can_write():
    handler = plugins.load("handlers", "funreason")
    from harness.types import Reply

    for level in LEVELS:
        made = example(item(Random(level), level), "0")
        text = handler.write(Reply(made.think, made.answer)).text
        assert text.endswith(f"\n</think>\n\n{made.answer}")


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
    files = {path.name: path.stat().st_size for path in ASSETS.iterdir()}
    assert sum(files.values()) <= 12 * 10**6
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= set(files)
    described = json.loads((ASSETS / "config.json").read_text())
    assert described["architectures"] == ["Qwen2ForCausalLM"]
    assert (ASSETS / "chat_template.jinja").read_text() == TEMPLATE.read_text()


def test_the_shipped_model_answers_in_form_and_often_right(tokenizer):
    """The floor is below what the card states: it is there to notice a broken file, not to measure."""
    from transformers import AutoModelForCausalLM

    from trainer.recipes.tiny.pretrain import exact

    model = AutoModelForCausalLM.from_pretrained(ASSETS, dtype="float32")
    assert exact(model, tokenizer, level=1, count=16, seed=5) >= 0.25


def test_a_killed_pretraining_ends_as_an_undisturbed_one(tmp_path, monkeypatch):
    import torch

    from trainer.recipes.tiny import pretrain

    size = {"steps": 4, "every": 2, "items": 1, "tokens": 400, "hidden": 64, "layers": 3, "heads": 4}
    monkeypatch.setattr(pretrain, "exact", lambda *_, **__: 0.0)  # an untrained model never ends its reply
    tokenizer = build()
    whole = pretrain.pretrain(pretrain.Plan(tmp_path / "whole", **size), tokenizer)
    plain, calls = pretrain.loss_of, iter(range(100))

    def failing(*arguments):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(pretrain, "loss_of", failing)
    plan = pretrain.Plan(tmp_path / "killed", **size)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(plan, tokenizer)
    monkeypatch.setattr(pretrain, "loss_of", plain)
    continued = pretrain.pretrain(plan, tokenizer)
    for mine, theirs in zip(whole.parameters(), continued.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_the_induction_circuit_looks_back_and_copies():
    """Untrained, of random tokens said twice, many of the second time are predicted; chance is one in thousands."""
    import torch

    from trainer.recipes.tiny.pretrain import Plan, new_model

    tokenizer = build()
    model = new_model(Plan(Path("unused")), tokenizer).eval()
    said = torch.randint(300, 6000, (4, 30), generator=torch.Generator().manual_seed(0))
    ids = torch.cat([said, said], 1)
    with torch.no_grad():
        predicted = model(input_ids=ids).logits[:, 30:-1].argmax(-1)
    assert (predicted == ids[:, 31:]).float().mean() > 0.2

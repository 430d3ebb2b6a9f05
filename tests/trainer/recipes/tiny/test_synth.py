"""Synthetic items: names of their split, answers that fit their documents."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins
from harness.benchmarks.bfcl.decode import read_calls
from trainer.recipes.tiny.synth import item, unseen

LEVELS = (1, 2, 3, 4)


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
        made = item(Random(level), level).example("0")
        text = handler.write(Reply(made.think, made.answer)).text
        assert text.endswith(f"\n</think>\n\n{made.answer}")

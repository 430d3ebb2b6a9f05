"""What a question sees of an example."""

from __future__ import annotations

import json
from dataclasses import replace

from refine import material
from tests.refine.test_pipeline import example


def test_only_the_parts_asked_for_in_their_order():
    found = material.of(example(1), "answer", "query")
    assert list(found.items()) == [
        ("Reference answer", "[get_weather(city='Oslo')]"),
        ("Conversation", "Weather in Oslo, request 1?"),
    ]
    assert material.of(replace(example(1), think=None), "cot") == {"Chain of thought": ""}
    assert json.loads(material.of(example(1), "tools")["Tools"]) == list(example(1).tools)


def test_a_longer_conversation_is_a_line_a_message():
    said = ({"role": "user", "content": "Wo?\nÜber"}, {"role": "assistant", "content": "Bern"})
    lines = material.of(replace(example(1), messages=said), "query")["Conversation"].splitlines()
    assert [json.loads(line) for line in lines] == list(said)
    assert "Über" in lines[0]

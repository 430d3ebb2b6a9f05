"""The value writer: asked once for a parameter, read with care, kept."""

from __future__ import annotations

import json

import pytest

from harness.types import Sampling
from refine.judge import Judge
from refine.synth import values
from refine.synth.values import write_values
from tests.refine.judges import KnownJudge

TOOL = {
    "name": "book",
    "description": "Book a room.",
    "parameters": {
        "type": "object",
        "properties": {
            "guest": {"type": "string"},
            "view": {"type": "string", "enum": ["sea", "yard"]},
            "nights": {"type": "integer"},
            "town": {"type": "string"},
        },
        "required": ["guest"],
    },
}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('["Ada Byron", "Ada Byron", " ", 3, "Kofi Mensah"]', ["Ada Byron", "Kofi Mensah"]),
        ('{"guest": "Ada"}', None),
        ("Ada, Kofi", None),
    ],
)
def test_free_texts_get_values_and_others_none(tmp_path, said, kept):
    judge = KnownJudge(lambda key, prompt: json.dumps({"values": said}))
    written = write_values(tmp_path, [TOOL], {"town": ["Bern"]}, {}, Judge("w", judge), Sampling())
    assert written == ({"book.guest": kept} if kept else {})
    assert len(judge.asked) == 1, "an enum, a number and what the environment brings need no writer"
    again = write_values(tmp_path, [TOOL], {}, {}, None, Sampling())
    assert again == written, "they are never written again: walks stay as they were"


def test_without_a_writer_there_are_the_values_that_were_given(tmp_path):
    assert values.read_values(tmp_path) == {}
    assert write_values(tmp_path, [TOOL], {}, {"nights": [2]}, None, Sampling()) == {"nights": [2]}


def test_a_writer_that_is_stopped_goes_on_where_it_was(tmp_path):
    judge = KnownJudge(lambda key, prompt: json.dumps({"values": '["Ada"]'}))
    judge.slots = 1
    asked = [tool | {"name": name} for tool in [TOOL] for name in ("book", "hold", "cancel")]

    def write(stop):
        return write_values(tmp_path, asked, {"town": ["Bern"]}, {}, Judge("w", judge), Sampling(), stop)

    assert write(lambda tally: sum(tally.outcomes.values()) >= 1) is None
    assert not (tmp_path / values.FILE).exists(), "walks wait until all values are there"
    before = len(judge.asked)
    assert 1 <= before < 3
    assert write(lambda tally: False) == {f"{name}.guest": ["Ada"] for name in ("book", "hold", "cancel")}
    assert len(judge.asked) == 3, "nothing is asked twice"

"""Thinking that is empty or always the same is told of, where the loss weighs it."""

from __future__ import annotations

import json

import pytest

from tests.trainer.test_config import invoke
from tests.trainer.worlds import config, rows, write
from trainer.monotony import warning
from trainer.run import encode, load_tokenizer

XLAM = {
    "query": "Weather in Oslo?",
    "tools": json.dumps([{"name": "weather", "description": "W.", "parameters": {"city": {"type": "str"}}}]),
    "answers": json.dumps([{"name": "weather", "arguments": {"city": "Oslo"}}]),
}


def _warning(tmp_path, lines, **settings):
    made = config(tmp_path, data=str(write(tmp_path / "rows.jsonl", lines)), **settings)
    tokenizer = load_tokenizer(made)
    return warning(encode(made, tokenizer)[0].records, tokenizer, made.loss)


@pytest.mark.parametrize("think", [None, "No function fits."])
def test_equal_thinking_is_told_of_with_its_share(tmp_path, think):
    lines = rows(20)
    for line in lines[:5]:
        line["think"] = think
    assert str(_warning(tmp_path, lines)).startswith("25% of the records think the same ")


def test_nothing_is_told_where_thinking_differs_or_is_not_weighed(tmp_path):
    assert _warning(tmp_path, rows(20)) is None
    assert _warning(tmp_path, [row | {"think": None} for row in rows(20)], loss="sft") is None
    assert _warning(tmp_path, [row | {"think": None} for row in rows(20)], handler="prompt") is None


@pytest.mark.usefixtures("bfcl_data")
def test_xlam_rows_show_their_parameters_and_are_told_of(tmp_path):
    data = str(write(tmp_path / "xlam.jsonl", [XLAM, XLAM]))
    peeked = invoke("peek", "--model", "tiny", "--data", data)
    assert "city" in peeked.output.partition("[weather(city")[0]
    assert "100% of the records think the same" in " ".join(peeked.output.split())
    assert "think the same" in json.loads(invoke("plan", "--model", "tiny", "--data", data, "--json").output)["warning"]

"""The experiment's data: known shares of records that are wrong in known ways."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.benchmarks.bfcl.decode import read_calls
from harness.models import TINY
from trainer.recipes.demo import judge, source


@pytest.fixture(scope="module")
def pairs():
    return list(source.records(200, seed=1, level=2))


def test_a_source_set_has_the_known_share_of_each_kind(pairs):
    counts = Counter(truth.kind for _, truth in pairs)
    assert {kind: counts[kind] / 200 for kind in source.SHARES} == dict(source.SHARES)
    assert len({record.id for record, _ in pairs}) == len({truth.query for _, truth in pairs}) == 200
    assert pairs == list(source.records(200, seed=1, level=2))
    assert pairs != list(source.records(200, seed=2, level=2))


def test_each_kind_is_wrong_in_its_own_way_only(pairs):
    for record, truth in pairs:
        names = {tool["name"] for tool in record.tools}
        calls = read_calls(record.answer)
        leads = judge.concludes(record.think, record.answer)
        match truth.kind:
            case "clean":
                assert record.answer == truth.answer
                assert leads
            case "query":
                assert calls[0].name not in names
                assert truth.answer is None
            case "cot":
                assert record.answer == truth.answer
                assert not leads
            case "arguments":
                assert not judge.same(record.answer, truth.answer)
                assert leads
            case "format":
                assert calls is None
                assert source.words(record.answer) == source.words(truth.answer)
                assert leads
            case "statement":
                assert record.answer == source.STATEMENT


def test_a_record_does_not_tell_its_kind(pairs):
    for record, truth in pairs:
        assert record.source == {}
        assert truth.kind not in record.id


def test_thinking_is_three_to_five_times_as_long_as_the_answer():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(TINY)
    made = source.items(100, "length", 2)
    think, text = (
        sum(len(tokenizer(line).input_ids) for line in lines)
        for lines in ([source.think(each) for each in made], [source.answer(each.calls) for each in made])
    )
    assert 3 <= think / text <= 5

"""Packing and padding change nothing but the shape."""

from __future__ import annotations

from array import array
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tinymodels import make_tiny_qwen2
from trainer.collate import Collator, labels, pack
from trainer.data import Record


def _record(length: int, seed: int = 0) -> Record:
    rng = Random(seed)
    regions = array("b", [0, *(rng.choice((0, 1, 2)) for _ in range(length - 1))])
    return Record(str(seed), array("i", (rng.randrange(3, 300) for _ in range(length))), regions)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_packing_keeps_every_record_once_within_the_length(lengths):
    records = [_record(length, seed) for seed, length in enumerate(lengths)]
    packed = pack(records, 40)
    assert sorted(record.id for row in packed for record in row) == sorted(record.id for record in records)
    assert all(sum(map(len, row)) <= 40 for row in packed)
    # Best fit leaves at most one row half empty: the records of two such rows would have been put together.
    assert sum(sum(map(len, row)) <= 20 for row in packed) <= 1


def test_packing_fills_rows_tightly():
    assert len(pack([_record(10, seed) for seed in range(8)], 40)) == 2


def test_labels_are_those_of_the_predicted_tokens():
    record = Record("a", array("i", [5, 6, 7, 8]), array("b", [0, 1, 2, 0]))
    batch = Collator(pad=0)([(record,), (_record(6),)])
    marked, targets, before = labels(batch)
    assert before[:2].tolist() == [0, 1]
    assert marked.regions[:2].tolist() == [1, 2]
    assert targets[:2].tolist() == [6, 7]
    assert (before[2:] >= 6).all(), "indices run on over the rows"


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_records_packed_into_a_row_do_not_see_each_other(tmp_path, attention):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        make_tiny_qwen2(tmp_path), attn_implementation=attention, dtype=torch.float32
    ).eval()
    records = [_record(length, seed) for seed, length in enumerate((7, 12, 5, 9))]
    packed = Collator(pad=0)([tuple(records[:2]), tuple(records[2:])])
    with torch.no_grad():
        logits = model(input_ids=packed["input_ids"], position_ids=packed["position_ids"], use_cache=False).logits
        for row, members in ((0, records[:2]), (1, records[2:])):
            start = 0
            for record in members:
                alone = model(input_ids=torch.tensor([list(record.ids)])).logits[0]
                torch.testing.assert_close(logits[row, start : start + len(record)], alone, atol=1e-5, rtol=1e-5)
                start += len(record)

"""Several data sets: what each gives, and that a run of them is one run."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.errors import UsageProblem
from tests.trainer.test_config import invoke
from tests.trainer.worlds import config, log, rows, write
from trainer.mix import source
from trainer.run import encode, load_tokenizer, train


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.jsonl", ("a.jsonl", 1)),
        ("a.jsonl:2", ("a.jsonl", 2)),
        ("a.jsonl:0.5", ("a.jsonl", 0.5)),
        ("org/name:train", ("org/name:train", 1)),
        ("org/name:train:3", ("org/name:train", 3)),
    ],
)
def test_a_weight_stands_behind_the_last_colon(text, expected):
    assert source(text) == expected


@pytest.mark.parametrize("text", ["a.jsonl:0", "a.jsonl:-1", "a.jsonl:nan", "a.jsonl:inf"])
def test_a_weight_is_above_zero(text):
    with pytest.raises(UsageProblem, match="weight"):
        source(text)


def test_a_weight_is_how_often_an_epoch_sees_a_record(tmp_path):
    for name, count in (("a", 4), ("b", 8)):
        write(tmp_path / f"{name}.jsonl", [row | {"id": f"{name}{row['id']}"} for row in rows(count)])
    data = (f"{tmp_path}/a.jsonl:2", f"{tmp_path}/b.jsonl:1.5")
    settings = config(tmp_path, data=data)
    corpus, _ = encode(settings, load_tokenizer(settings))
    seen = Counter(record.id for record in corpus.records)
    assert all(seen[f"a{number}"] == 2 for number in range(4))
    assert sorted(seen[f"b{number}"] for number in range(8)) == [1] * 4 + [2] * 4
    assert (corpus.counts["rows"], corpus.counts["records"]) == (12, 20)
    again, _ = encode(settings, load_tokenizer(settings))
    assert [record.id for record in again.records] == [record.id for record in corpus.records]


def test_two_files_train_as_the_same_rows_in_one(tmp_path):
    lines = rows(24)
    write(tmp_path / "all.jsonl", lines)
    write(tmp_path / "a.jsonl", lines[:10])
    write(tmp_path / "b.jsonl", lines[10:])
    one = config(tmp_path, data=str(tmp_path / "all.jsonl"), output_dir=str(tmp_path / "one"), max_steps=3)
    two = config(tmp_path, data=(f"{tmp_path}/a.jsonl", f"{tmp_path}/b.jsonl:1"), max_steps=3)
    for mine, theirs in zip(log(train(one)), log(train(two)), strict=True):
        assert mine["loss"] == theirs["loss"]
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (
        tmp_path / "out" / "model.safetensors"
    ).read_bytes()
    train(two)  # finished: the same command is no other run
    with pytest.raises(UsageProblem, match="data"):
        train(config(tmp_path, data=(f"{tmp_path}/a.jsonl:2", f"{tmp_path}/b.jsonl"), max_steps=3))


def test_the_flag_is_repeated(tmp_path):
    settings = config(tmp_path)
    result = invoke("peek", "--model", settings.model, "--data", f"{settings.data}:2", "--data", settings.data)
    assert result.exit_code == 0, result.output
    assert "records: 144" in result.output

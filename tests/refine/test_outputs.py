"""Output files follow from the outcomes: the last one of each example, in the order of the source."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from refine.outputs import FILES, last_outcomes, write_outputs
from tests.refine.test_pipeline import example


def write_book(folder: Path, *outcomes: tuple[int, str], torn: bytes = b"") -> None:
    folder.mkdir(exist_ok=True)
    rest = {"stage": "cot", "reason": "so", "repairs": 1, "findings": []}
    lines = [{"index": n, "outcome": what, **rest, "example": asdict(example(n))} for n, what in outcomes]
    (folder / "outcomes.jsonl").write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines) + torn)


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def test_the_last_outcome_counts_and_the_order_is_that_of_the_source(tmp_path):
    write_book(tmp_path, (7, "kept"), (2, "unjudged"), (0, "dropped"), (2, "kept"), torn=b'{"index": 9, "outc')
    assert write_outputs(tmp_path) == {"kept": 2, "dropped": 1, "hard": 0, "unjudged": 0}
    assert {name: ids(tmp_path / file) for name, file in FILES.items()} == {
        "kept": ["2", "7"],
        "dropped": ["0"],
        "hard": [],
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*FILES.values(), "outcomes.jsonl"))


def test_shards_are_merged_in_the_order_of_the_source(tmp_path):
    write_book(tmp_path / "shard-000", (4, "kept"), (0, "kept"))
    write_book(tmp_path / "shard-001", (1, "kept"), (5, "hard"), (3, "kept"))
    assert [line["index"] for line in last_outcomes(tmp_path)] == [0, 1, 3, 4, 5]
    write_outputs(tmp_path)
    assert ids(tmp_path / "kept.jsonl") == ["0", "1", "3", "4"]


def test_a_line_says_what_happened_to_the_example(tmp_path):
    write_book(tmp_path, (0, "kept"), (1, "dropped"))
    write_outputs(tmp_path)
    kept, dropped = (json.loads((tmp_path / name).read_text()) for name in ("kept.jsonl", "dropped.jsonl"))
    assert kept["source"]["refined"] == {"stage": "cot", "repairs": 1, "findings": []}
    assert "reason" not in kept
    assert (dropped["stage"], dropped["reason"]) == ("cot", "so")


def test_a_damaged_book_leaves_the_old_outputs(tmp_path):
    write_book(tmp_path, (0, "kept"))
    write_outputs(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES.values()}
    write_book(tmp_path, (1, "kept"), (2, "lost"))
    with pytest.raises(KeyError):
        write_outputs(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES.values()} == before

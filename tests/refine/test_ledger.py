"""The books: what is written stays, what is torn does not count, and one process writes."""

from __future__ import annotations

import json

import pytest

from harness.errors import DataError, UsageProblem
from refine.jobs import budget
from refine.ledger import Ledger, read_claim, read_lines, write_lines
from refine.pipeline import Tally


def call(index: int, step: int = 0, read: object = None, model: str = "j") -> dict[str, object]:
    tokens = {"prompt_tokens": 10, "completion_tokens": 3}
    return {"index": index, "step": step, "vote": 0, "model": model, "read": read, **tokens}


def outcome(index: int, what: str) -> dict[str, object]:
    return {"index": index, "outcome": what}


def test_a_folder_of_another_run_is_refused(tmp_path):
    with Ledger(tmp_path, {"test": 1, "same": 0}):
        pass
    with pytest.raises(UsageProblem, match="holds a run with another test"):
        Ledger(tmp_path, {"test": 2, "same": 0})
    with Ledger(tmp_path, {"test": 1, "same": 0}):  # the refusal let go of the lock
        pass


def test_a_folder_has_one_writer(tmp_path):
    with Ledger(tmp_path, {}), pytest.raises(UsageProblem, match="another process"):
        Ledger(tmp_path, {})


def test_a_line_torn_by_a_kill_is_cut_off_before_the_next(tmp_path):
    with Ledger(tmp_path, {}) as ledger:
        ledger.append(ledger.calls, call(0))
    whole = (tmp_path / "calls.jsonl").read_bytes()
    (tmp_path / "calls.jsonl").write_bytes(whole + b'{"index": 1, "st' + b"x" * 100_000)
    assert len(list(read_lines(tmp_path / "calls.jsonl"))) == 1
    with Ledger(tmp_path, {}) as ledger:
        ledger.append(ledger.calls, call(2))
    assert [line["index"] for line in read_lines(tmp_path / "calls.jsonl")] == [0, 2]


def test_readable_calls_of_unfinished_examples_are_not_asked_again(tmp_path):
    with Ledger(tmp_path, {}) as ledger:
        for index, step, read in ((0, 0, {"a": 1}), (1, 0, {"a": 2}), (1, 1, None), (2, 0, {"a": 3})):
            ledger.append(ledger.calls, call(index, step, read))
        for index, what in ((0, "kept"), (1, "unjudged"), (2, "hard")):
            ledger.append(ledger.outcomes, outcome(index, what))
        ledger.sync()
        finished = ledger.finished()
        assert finished == {0, 2}
        assert {key: line["read"] for key, line in ledger.unfinished_calls(finished).items()} == {(1, 0, 0): {"a": 2}}


def test_a_budget_counts_the_calls_of_all_its_folders(tmp_path):
    folders = [tmp_path / "run", tmp_path / "values"]
    for folder, model in zip(folders, ("a", "b"), strict=True):
        with Ledger(folder, {}) as ledger:
            for _ in range(2):
                ledger.append(ledger.calls, call(0, model=model))
    prices = {"a": {"prompt": 1e6, "completion": 0.0}, "b": {"prompt": 0.0, "completion": 2e6}}
    one, both = 20.0, 20.0 + 12.0
    nothing = Tally()
    assert budget(one, prices, folders[0])(nothing)
    assert not budget(one + 1, prices, folders[0])(nothing)
    assert budget(both, prices, *folders)(nothing)
    assert not budget(both + 1, prices, *folders)(nothing)
    assert budget(both + 1, prices, *folders)(Tally(tokens={"a": (1, 0)}))
    assert not budget(None, {}, *folders)(nothing)


def test_lines_that_cannot_be_made_leave_the_old_file(tmp_path):
    path = tmp_path / "below" / "rows.jsonl"
    assert write_lines([{"a": "\u00e9"}, {"b": 2}], path) == 2

    def failing():
        yield {"a": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_lines(failing(), path)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"a": "\u00e9"}, {"b": 2}]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", ["{", "[1]", "\udcff", "3"])
def test_a_damaged_claim_is_named(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(DataError, match=r"run\.json is damaged"):
        read_claim(path)
    path.unlink()
    with pytest.raises(DataError, match="No such file"):
        read_claim(path)

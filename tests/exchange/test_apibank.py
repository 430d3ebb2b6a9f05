"""Prediction files of API-Bank's own programs: read in any order, judged in theirs, and counted as they count."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.benchmarks.apibank import data
from harness.cli import cli
from harness.data import datasets
from harness.errors import DataError, RunIncomplete, UsageProblem
from harness.exchange import apibank


@pytest.fixture(autouse=True)
def apibank_data(shared_data: Path) -> None:
    try:
        datasets.fetch("apibank", shared_data / "apibank", offline=True)
    except DataError as error:
        pytest.skip(f"no API-Bank data: {error}")


def lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def truth(level: int) -> list[dict[str, Any]]:
    return [{**item.source, "pred": item.expected} for item in data.items(level).values()]


@pytest.mark.parametrize(("level", "correct", "total"), [(1, 347, 399), (2, 95, 135)])
def test_the_truth(tmp_path: Path, level: int, correct: int, total: int) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text(lines(truth(level)))
    said: list[str] = []
    scored = apibank.score(file, said.append)
    assert scored.official_rows["upstream"][f"apibank_level{level}"] == {
        "Total API calls": total,
        "Correct API calls": correct,
        "Accuracy": correct / total,
    }
    assert scored.scores("upstream")[f"apibank_level{level}"].passed == correct
    assert said == []


def test_level_3_counts_the_files_own_predictions_and_fifty_scenes(tmp_path: Path) -> None:
    file = tmp_path / "predictions.json"
    file.write_text(json.dumps(truth(3)[:8]))
    said: list[str] = []
    row = apibank.score(file, said.append).official_rows["upstream"]["apibank_level3_calls"]
    assert row == {"Total API calls": 8, "Correct API calls": 8, "Accuracy": 1.0, "Sample Accuracy": 1.0}
    assert "237 of 245" in said[0]


def test_level_3_is_judged_in_the_files_order(tmp_path: Path) -> None:
    file = tmp_path / "predictions.jsonl"
    flight = next(row for row, item in zip(truth(3), data.items(3).values(), strict=True) if item.api == "FlightSearch")
    file.write_text(lines([flight, flight]))
    row = apibank.score(file, lambda _: None).official_rows["upstream"]["apibank_level3_calls"]
    assert (row["Total API calls"], row["Correct API calls"], row["Sample Accuracy"]) == (2, 1, 0.98)


def test_responses_are_told_from_calls(tmp_path: Path) -> None:
    file = tmp_path / "predictions.jsonl.gz"
    rows = []
    for item in data.responses().values():
        output = {"output": item.expected} if item.level == 3 else {}
        rows.append({**item.source, **output, "pred": item.expected if item.level < 3 else ""})
    file.write_bytes(gzip.compress(lines(rows).encode()))
    found = apibank.score(file, pytest.fail).official_rows["upstream"]
    assert {name: row["responses"] for name, row in found.items()} == {
        "apibank_responses_level1": 375,
        "apibank_responses_level2": 103,
        "apibank_responses_level3": 50,
    }
    assert found["apibank_responses_level1"]["Rouge-L"] == pytest.approx(1.0, abs=1e-4)
    assert found["apibank_responses_level3"]["Rouge-L"] == 0.0


def test_the_last_prediction_of_an_item_counts_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "predictions.jsonl"
    row = truth(1)[0]
    file.write_text(
        lines(
            [{**row, "pred": "no call"}, row, {"pred": "x"}, {"file": "F", "id": 0, "pred": "x"}, {"file": [], "id": 0}]
        )
        + "{broken\n[1]\n"
    )
    said: list[str] = []
    scored = apibank.score(file, said.append)
    assert scored.official_rows["upstream"]["apibank_level1"]["Correct API calls"] == 1
    assert [part.split(":")[1].split(",")[0] for part in said[:5]] == ["3", "4", "5", "6", "7"]


def test_where_the_official_program_would_end_is_said(tmp_path: Path) -> None:
    file = tmp_path / "predictions.jsonl"
    item = next(item for item in data.items(1).values() if item.api == "Calculator")
    file.write_text(lines([{**item.source, "pred": "[Calculator(formula='-1+2')]"}, {**truth(1)[0], "pred": None}]))
    said: list[str] = []
    assert apibank.score(file, said.append).official_rows["upstream"]["apibank_level1"]["Correct API calls"] == 0
    assert any("would end" in part and "2 such" in part for part in said)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1", b"{}\n"])
def test_a_file_without_predictions_is_an_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_bytes(content)
    with pytest.raises(UsageProblem, match=r"predictions\.jsonl"):
        apibank.score(file, lambda _: None)


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text(lines(truth(2)))
    done = CliRunner().invoke(cli, ["score", "--from-apibank", str(file)], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    assert "at most 70.37%" in done.stdout
    done = CliRunner().invoke(cli, ["score", "--from-apibank", str(file), "--json"])
    assert json.loads(done.stdout)["official_rows"]["upstream"]["apibank_level2"]["Correct API calls"] == 95


@pytest.mark.parametrize(
    ("flags", "error"), [((), RunIncomplete), (("--partial",), None), (("--write",), UsageProblem)]
)
def test_what_ends_the_command(tmp_path: Path, flags: tuple[str, ...], error: type[Exception] | None) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text(lines(truth(2)[:5]))
    done = CliRunner().invoke(cli, ["score", "--from-apibank", str(file), *flags])
    assert type(done.exception) is (error or type(None))

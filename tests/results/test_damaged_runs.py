"""Whatever is wrong with a run's files, every command that reads runs says so and ends with a code of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.errors import DataError, HarnessError
from harness.results import store
from harness.results.lines import decode, encode
from tests import synthetic_runs

pytestmark = pytest.mark.usefixtures("bfcl_data")

RECORDS: list[dict[str, Any]] = [
    {"benchmark": 3},
    {"benchmark": {}},
    {"benchmark": {"name": 3}},
    {"benchmark": {"name": "bfcl", "categories": None}},
    {"benchmark": {"name": "bfcl", "categories": [3]}},
    {"handler": 3},
    {"scores": {"simple_python": 3}},
    {"scores": {"simple_python": {"n": "a", "judged": 1, "passed": 1, "unscored": 0}}},
    {"repeats": "x"},
    {"repeats": 0},
    {"started": None},
    {"status": 3},
    {"model": {"name": 3}},
    {"sampling": {"temperature": "x"}},
    {"engine": []},
    {"seconds": "x"},
    {"machine": None},
    {"code": None},
]
"""Each with a field that a record cannot have."""
USABLE: list[dict[str, Any]] = [
    {"rules": "nope"},
    {"handler": "nope"},
    {"handler_options": {"zz": 1}},
    {"benchmark": {"name": "nope", "categories": []}},
    {"benchmark": {"name": "bfcl", "categories": ["nope"], "n": "12"}},
]
"""Records that can be read, of what is not here."""
LINES = [
    (b'"turn": 0', b'"turn": "a"'),
    (b'"prompt_tokens": 300', b'"prompt_tokens": "x"'),
    (b'"text": "', b'"text": 3, "was": "'),
    (b'"evidence": {}', b'"evidence": 3'),
    (b'"fault": null', b'"fault": 3'),
    (b'"seconds": 0.5}', b'"seconds": null}'),
    (b'"tool_calls": null', b'"tool_calls": [{"name": 3, "arguments": "{}"}]'),
    (b'"outcome": "pass"', b'"outcome": "won"'),
]
"""What is replaced in a line, and by what."""
ODD = [
    (b"simple_python_0", rb"simple_python_\u202e\ud800\u0000"),
    (b"simple_python_0", b"x" * 100_000),
    (b'"category": "simple_python"', b'"category": "nope"'),
    (b'"seconds": 0.5', b'"seconds": NaN'),
]
"""Replacements that leave a line readable."""


def made(folder: Path, record: dict[str, Any] | None = None, line: tuple[bytes, bytes] = (b"", b"")) -> Path:
    run = synthetic_runs.write(folder, "m", {"simple_python": 3}, lambda *_: "pass")
    if record:
        path = run / store.RUN
        path.write_text(json.dumps(json.loads(path.read_bytes()) | record))
    if line[0]:
        path = run / store.SAMPLES
        first, *others = path.read_bytes().splitlines(keepends=True)
        assert line[0] in first
        path.write_bytes(first.replace(*line, 1) + b"".join(others))
    return run


@pytest.mark.parametrize("record", RECORDS, ids=json.dumps)
def test_a_field_of_another_type_is_named(tmp_path: Path, record: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"run\.json is damaged"):
        store.read_run(made(tmp_path, record))


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_line_with_a_field_of_another_type_is_passed_over(tmp_path: Path, line: tuple[bytes, bytes]) -> None:
    run, problems = made(tmp_path, line=line), list[str]()
    assert [found.id for found in store.read_samples(run, problems.append)] == ["simple_python_1", "simple_python_2"]
    (problem,) = problems
    assert "samples.jsonl:1: not a sample line" in problem


def test_fields_of_a_later_version_are_no_damage(tmp_path: Path) -> None:
    run = made(tmp_path, {"colour": "green"}, (b'"fault": null', b'"fault": null, "colour": "green"'))
    assert store.read_run(run).run_id == run.name
    assert len(list(store.read_samples(run))) == 3


def test_whole_numbers_may_stand_for_fractions() -> None:
    line = encode(synthetic_runs.line("multiple", 0, 0, "pass"))
    assert decode(line.replace(b'"seconds": 0.5', b'"seconds": 1')).seconds == 1


def commands(run: Path, folder: Path) -> list[list[str]]:
    out = str(folder / "out")
    return [
        ["list", "runs", "--results", str(run)],
        ["show", str(run), "simple_python_0"],
        ["score", str(run), "--json"],
        ["compare", str(run), str(run), "--flips", "1"],
        ["gate", str(run), "--min", "simple_python=0.1", "--json"],
        ["leaderboard", str(run), "--usage"],
        ["view", "bundle", str(run), "-o", f"{out}.html"],
        ["export", str(run), out, "--to", "bfcl"],
        ["export", str(run), out, "--to", "lm-eval"],
    ]


def survives(arguments: list[str]) -> Result:
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, HarnessError | SystemExit | None), (arguments, result.exc_info)
    if "--json" in arguments and result.stdout:
        json.loads(result.stdout)
    return result


@pytest.mark.parametrize("record", [*RECORDS[:4], *USABLE], ids=json.dumps)
def test_no_command_trips_over_a_record(tmp_path: Path, record: dict[str, Any]) -> None:
    for arguments in commands(made(tmp_path, record), tmp_path):
        survives(arguments)


@pytest.mark.parametrize("line", [*LINES, *ODD], ids=lambda line: str(line)[:60])
def test_no_command_trips_over_a_line(tmp_path: Path, line: tuple[bytes, bytes]) -> None:
    for arguments in commands(made(tmp_path, line=line), tmp_path):
        survives(arguments)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe{}", b"[" * 100_000])
def test_a_record_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    run = made(tmp_path)
    (run / store.RUN).write_bytes(content)
    assert isinstance(survives(["score", str(run)]).exception, DataError)


@pytest.mark.parametrize("name", [store.RUN, store.SAMPLES])
def test_a_file_of_a_run_means_the_run(tmp_path: Path, name: str) -> None:
    run = made(tmp_path)
    for by_file, by_folder in zip(commands(run / name, tmp_path), commands(run, tmp_path), strict=True):
        assert survives(by_file).exit_code == survives(by_folder).exit_code
    assert store.find_run(str(run / name)) == run


def test_a_repeat_that_the_run_does_not_have_is_not_exported(tmp_path: Path) -> None:
    for form in ("bfcl", "lm-eval", "evalplus"):
        result = survives(["export", str(made(tmp_path)), str(tmp_path / "out"), "--to", form, "--repeat", "1"])
        assert "has no repeat 1" in str(result.exception)
    assert not (tmp_path / "out").exists()

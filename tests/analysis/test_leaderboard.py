"""Rows, blocks and every written format of the leaderboard."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.analysis.entries import entries, load
from harness.analysis.leaderboard import build
from harness.cli import cli
from harness.errors import RunIncomplete, UsageProblem
from harness.reports import boards
from harness.results import store
from harness.stats.views import load_view
from harness.types import BenchmarkInfo, ModelInfo, Sampling, Score
from tests import synthetic_runs
from tests.synthetic_runs import record


def rows(*records: object) -> list:
    return entries([(f"run{i}", r) for i, r in enumerate(records)])


def leaf(passed: int, n: int = 400, judged: int | None = None) -> dict[str, Score]:
    return {"simple_python": Score(n, n if judged is None else judged, passed, 0)}


def test_runs_of_one_configuration_share_a_row_over_benchmarks() -> None:
    code = BenchmarkInfo("humaneval", data_sha256="x", checker_sha256="y")
    found = rows(record(scores=leaf(1)), record(scores={"humaneval": Score(164, 164, 80, 0)}, benchmark=code))
    assert [entry.label for entry in found] == ["model"]
    assert set(found[0].scores) == {"simple_python", "humaneval"}


def test_labels_name_what_differs() -> None:
    found = rows(
        record(),
        record(handler="fc"),
        record(sampling=Sampling(temperature=0.7)),
        record("other", handler="fc"),
    )
    assert [entry.label for entry in found] == [
        "model (prompt, temperature 0.0)",
        "model (fc, temperature 0.0)",
        "model (prompt, temperature 0.7)",
        "other",
    ]


def test_new_weights_under_an_old_name_are_another_row() -> None:
    found = rows(record(), record(model=ModelInfo("model", sha256="cd" * 32)))
    assert [entry.label for entry in found] == ["model (weights abababab)", "model (weights cdcdcdcd)"]


def test_versions_of_data_never_mix_in_a_row() -> None:
    old = BenchmarkInfo("bfcl", data_sha256="old", checker_sha256="c")
    found = rows(
        record(scores=leaf(300), benchmark=old, started="2025"),
        record(scores={"multiple": Score(200, 200, 100, 0)}, started="2026"),
    )
    assert [sorted(entry.scores) for entry in found] == [["multiple"], ["simple_python"]]
    assert "old" in found[1].label


def test_the_better_covered_and_then_the_newer_score_counts() -> None:
    found = rows(
        record(scores=leaf(300), started="2026-01"),
        record(scores=leaf(1, judged=50), started="2026-03"),
        record(scores=leaf(200), started="2026-02"),
    )
    assert found[0].scores["simple_python"].passed == 200


def test_partial_rows_are_marked_and_missing_is_not_zero() -> None:
    board = build(load_view("v4"), rows(record(scores=leaf(7, judged=50), status="incomplete")))
    row = board.blocks[0].rows[0]
    assert row.partial == ("simple_python: 50 of 400",)
    assert row.cells["overall"].value is None
    text = boards.terminal([board])
    assert "model †" in text
    assert "N/A" in text
    assert "n=50 13%" in text


def test_rows_trained_in_the_benchmarks_environments_are_marked() -> None:
    trained = ModelInfo("tuned", sha256="ab" * 32, environments=("acebench", "bfcl"))
    scores = {name: Score(n, n, n // 2, 0) for name, n in synthetic_runs.ALL.items()}
    board = build(load_view("balancesft"), rows(record(scores=scores, model=trained), record("plain", scores=scores)))
    marks = {row.label: row.trained_in for block in board.blocks for row in block.rows}
    assert (marks["tuned"], marks["plain"]) == (("bfcl",), ())
    assert marks["FunReason-MT-4B (RL)"] == ("bfcl",)
    assert marks["Claude-Sonnet-4-20250514"] == ()
    for text in (boards.terminal([board]), boards.markdown([board])):
        assert "tuned §" in text
        assert "trained in the benchmark's environments" in text.replace("\n", " ")
    assert "trained in the environments of bfcl" in boards.html([board])
    assert json.loads(boards.as_json([board]))[0]["blocks"][0]["rows"][0]["trained_in"] in (["bfcl"], [])


def test_measured_and_published_never_share_a_block() -> None:
    scores = {name: Score(n, n, n // 2, 0) for name, n in synthetic_runs.ALL.items()}
    board = build(load_view("funreason"), rows(record(scores=scores)))
    assert [(block.measured, len(block.rows)) for block in board.blocks] == [(True, 1), (False, 18), (False, 14)]
    assert "arXiv 2505.20192v1" in board.blocks[1].title


@pytest.mark.parametrize(("passed", "winner"), [(300, "good"), (205, None)])
def test_best_is_marked_only_beyond_noise(passed: int, winner: str | None) -> None:
    board = build(load_view("v4"), rows(record("good", scores=leaf(passed)), record("base", scores=leaf(200))))
    assert board.blocks[0].best.get("simple_python") == winner
    assert ("**75.00**" in boards.markdown([board])) == (winner is not None)


def test_rows_are_sorted_with_missing_last() -> None:
    found = rows(
        record("a", scores=leaf(10)),
        record("b", scores=leaf(20)),
        record("c", scores={"multiple": Score(200, 200, 1, 0)}),
    )
    board = build(load_view("v4"), found, sort="simple_python")
    assert [row.label for row in board.blocks[0].rows] == ["b", "a", "c"]
    with pytest.raises(UsageProblem, match="Did you mean simple_python"):
        build(load_view("v4"), found, sort="simple_pyton")


def test_forgetting_is_measured_against_the_named_base() -> None:
    found = rows(
        record("base", scores={"humaneval": Score(164, 164, 142, 0)}),
        record("tuned", scores={"humaneval": Score(164, 164, 77, 0)}),
    )
    board = build(load_view("forgetting"), found, base="base")
    cells = {row.label: row.cells["humaneval_change"] for row in board.blocks[0].rows}
    assert cells["tuned"].value == pytest.approx(-65 / 164)
    assert (cells["base"].value, cells["base"].missing) == (None, ())
    published = {row.label: row.cells["humaneval_change"].value for row in board.blocks[1].rows}
    assert published["Qwen2.5-Coder-7B-Inst (SFT)"] == pytest.approx(-0.396)
    with pytest.raises(UsageProblem, match="Did you mean base"):
        build(load_view("forgetting"), found, base="bas")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_terminal_tables_fit_the_width(width: int) -> None:
    scores = {name: Score(n, n, n // 2, 0) for name, n in synthetic_runs.ALL.items()}
    found = rows(record("org/" + "long-name-" * 6, scores=scores))
    built = [build(load_view(name), found) for name in ("v4", "balancesft")]
    assert max(map(len, boards.terminal(built, width).split("\n"))) <= width


HOSTILE = "evil\x1b[31m|<script>alert(1)</script>`*_‮\n=1+1"


def test_hostile_names_stay_text() -> None:
    board = build(load_view("v4"), rows(record(HOSTILE, scores=leaf(10))))
    assert "\x1b" not in boards.terminal([board])
    for text in (boards.markdown([board]), boards.html([board])):
        assert "<script" not in text
        assert not re.search("[\x00-\x08\x0e-\x1f\u202e]", text)
    body = [line for line in boards.markdown([board]).split("\n") if "evil" in line and line.startswith("|")]
    assert len(body) == 1
    header = next(line for line in boards.markdown([board]).split("\n") if line.startswith("| model"))
    assert len(re.findall(r"(?<!\\)\|", body[0])) == header.count("|")
    assert next(csv.DictReader(io.StringIO(boards.comma_separated([board]))))["model"].startswith("evil")


def test_spreadsheets_get_no_formulas() -> None:
    board = build(load_view("v4"), rows(record("=cmd()", scores=leaf(10))))
    assert next(csv.DictReader(io.StringIO(boards.comma_separated([board]))))["model"] == "'=cmd()"


def test_json_carries_value_interval_n_and_coverage() -> None:
    board = build(load_view("v4"), rows(record(scores=leaf(7, judged=50))))
    cell = json.loads(boards.as_json([board]))[0]["blocks"][0]["rows"][0]["cells"]["simple_python"]
    assert cell["value"] == 0.14
    assert (cell["n"], cell["size"], cell["coverage"]) == (50, 400, 0.125)
    assert cell["low"] < 0.14 < cell["high"]


def test_command_prints_and_writes(tmp_path: Path) -> None:
    synthetic_runs.write(tmp_path / "results", "tiny", {"simple_python": 20})
    result = CliRunner().invoke(cli, ["leaderboard", str(tmp_path / "results"), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "Qwen2.5-Coder-7B-Inst" in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "leaderboard.csv",
        "leaderboard.html",
        "leaderboard.json",
        "leaderboard.md",
    ]


def test_command_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "tiny", {"simple_python": 20})
    for arguments, message in ((["--view", "v5"], "v5"), (["--format", "htm"], "Did you mean html")):
        error = CliRunner().invoke(cli, ["leaderboard", str(tmp_path), *arguments]).exception
        assert isinstance(error, UsageProblem)
        assert message in str(error)
    found = store.read_run(folder)
    partial = dataclasses.replace(
        found, scores={"simple_python": dataclasses.replace(found.scores["simple_python"], n=400)}
    )
    store.write_run(folder, partial)
    error = CliRunner().invoke(cli, ["leaderboard", str(tmp_path), "--require-complete"]).exception
    assert isinstance(error, RunIncomplete)


def test_usage_is_counted_from_the_samples(tmp_path: Path) -> None:
    synthetic_runs.write(tmp_path / "results", "tiny", {"simple_python": 20})
    synthetic_runs.write(tmp_path / "results", "tiny", {"multiple": 10})
    arguments = ["leaderboard", str(tmp_path / "results"), "--prices", "1,10", "-o", str(tmp_path)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    (row,) = csv.DictReader(io.StringIO((tmp_path / "usage.csv").read_text()))
    assert (row["samples"], row["steps"], row["tokens in"], row["tokens out"]) == ("30", "1.0", "9000", "1200")
    assert (row["latency mean"], row["std"], row["95 %"]) == ("0.5", "0.0", "0.5")
    assert float(row["cost"]) == pytest.approx((9000 + 12000) / 1e6)
    wrong = CliRunner().invoke(cli, [*arguments[:3], "a,b"]).exception
    assert isinstance(wrong, UsageProblem)


def test_columns_and_sort_apply_where_a_view_has_them(tmp_path: Path) -> None:
    synthetic_runs.write(tmp_path, "tiny", {"simple_python": 20})
    chosen = ["leaderboard", str(tmp_path), "--columns", "live_v3,simple_python", "--sort", "live_v3"]
    assert CliRunner().invoke(cli, chosen, catch_exceptions=False).exit_code == 0
    wrong = CliRunner().invoke(cli, ["leaderboard", str(tmp_path), "--columns", "live_v4x"]).exception
    assert "Did you mean live_v4" in str(wrong)


def test_a_damaged_record_is_reported_and_left_out(tmp_path: Path) -> None:
    synthetic_runs.write(tmp_path, "good", {"simple_python": 5})
    bad = synthetic_runs.write(tmp_path, "bad", {"simple_python": 5})
    (bad / store.RUN).write_text('{"run_id": 1')
    problems: list[str] = []
    assert [r.model.name for _, r in load([tmp_path], problems.append)] == ["good"]
    assert "damaged" in problems[0]
    with pytest.raises(UsageProblem, match="no runs in"):
        load([bad], problems.append)


def test_configurations_of_format_sensitivity_are_read_from_the_ids(tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"format_sensitivity": 4}, lambda c, i, r: "pass" if i < 3 else "fail")
    lines = (folder / store.SAMPLES).read_text().splitlines()
    names = [f"format_sensitivity_{i}:{'ab'[i % 2]}:simple_python_{i // 2}" for i in range(4)]
    (folder / store.SAMPLES).write_text(
        "".join(line.replace(f"format_sensitivity_{i}", names[i]) + "\n" for i, line in enumerate(lines))
    )
    board = build(load_view("v4"), entries(load([tmp_path], print)))
    assert board.blocks[0].rows[0].cells["max_delta"].value == pytest.approx(0.5)


def test_rows_that_a_view_cannot_place_are_named_with_the_reason_in_every_format() -> None:
    code = BenchmarkInfo("programs", data_sha256="x", checker_sha256="y")
    found = rows(
        record("good", scores=leaf(100)),
        record("coder", scores={"humaneval": Score(164, 164, 80, 0)}, benchmark=code),
        record("faulty", scores={"simple_python": Score(400, 0, 0, 400)}),
        record("new", status="running"),
    )
    board = build(load_view("v4"), found)
    assert [row.label for row in board.blocks[0].rows] == ["good"]
    assert dict(board.left) == {
        "coder": "ran only humaneval",
        "faulty": "nothing could be judged: simple_python (400 unscored)",
        "new": "no scores; the run is running",
    }
    for label, why in board.left:
        assert f"Not in this view: {label}: {why}" in boards.terminal([board])
        assert why in boards.html([board])
        assert label in boards.markdown([board])
        assert {"label": label, "why": why} in json.loads(boards.as_json([board]))[0]["left"]


def test_a_terminal_is_not_flooded_with_rows_that_have_no_value() -> None:
    board = build(load_view("v4"), rows(*(record(f"m{i}", scores={"humaneval": Score(1, 1, 1, 0)}) for i in range(25))))
    assert boards.terminal([board]).count("Not in this view") == 11
    assert "15 more" in boards.terminal([board])


def test_no_folder_of_a_machine_is_on_the_page() -> None:
    models = [ModelInfo("/home/ann/base", adapter=f"/home/ann/{part}/adapter", sha256=part * 64) for part in "ab"]
    page = boards.html([build(load_view("v4"), rows(*(record(model=model, scores=leaf(9)) for model in models)))])
    assert "base (adapter adapter" in page
    assert "/home" not in page

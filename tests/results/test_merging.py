"""Shards of a run joined: by items, categories, repeats, seeds and attempts; what does not belong is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness.analysis.sides import read
from harness.cli import cli
from harness.errors import UsageProblem
from harness.results import store
from harness.results.lines import encode
from harness.results.merging import merge
from harness.types import Generation, ModelInfo, Outcome, Reading, Sampling, Score
from tests import synthetic_runs
from tests.synthetic_runs import BENCHMARK

TOTAL = 40


def outcome(index: int) -> Outcome:
    return "fail" if index % 5 == 0 else "pass"


def shard(
    root: Path, items: range, category: str = "multiple", of: Callable[[int], Outcome] = outcome, **changes: Any
) -> Path:
    """A complete run of some items of a category that has 40."""
    about = replace(BENCHMARK, n=len(items), left=0, categories=(category,))
    fields = {"benchmark": about, "config_sha256": f"{category} {items}", "planned": {category: len(items)}, **changes}
    record = synthetic_runs.record("m", **fields)
    folder = store.new_run(root, record.model, "bfcl")
    verdicts = [of(index) for index in items]
    lines = [synthetic_runs.line(category, index, 0, verdict) for index, verdict in zip(items, verdicts, strict=True)]
    (folder / store.SAMPLES).write_bytes(b"".join(map(encode, lines)))
    scores = {category: Score(TOTAL, len(items), verdicts.count("pass"), 0)}
    store.write_run(folder, replace(record, run_id=folder.name, scores=scores, seconds=2.0))
    return folder


def quarters(root: Path, **changes: Any) -> list[Path]:
    return [shard(root, range(start, start + 10), **changes) for start in range(0, TOTAL, 10)]


def killed(folder: Path, count: int) -> Path:
    samples = (folder / store.SAMPLES).read_bytes().splitlines(keepends=True)
    (folder / store.SAMPLES).write_bytes(b"".join(samples[:count]))
    record = json.loads((folder / store.RUN).read_bytes())
    (folder / store.RUN).write_text(json.dumps(record | {"status": "running", "scores": {}}))
    return folder


def test_shards_by_items_are_the_run_that_was_not_split(tmp_path: Path) -> None:
    whole = read(shard(tmp_path / "whole", range(TOTAL)))
    folder = merge(quarters(tmp_path / "shards"), tmp_path / "out", expected=4)
    record, side = store.read_run(folder), read(folder)
    assert (record.status, record.benchmark.n, record.benchmark.left, record.repeats) == ("complete", TOTAL, 0, 1)
    assert record.scores["multiple"] == Score(TOTAL, TOTAL, 32, 0)
    assert side.results == whole.results
    assert (side.left, side.shards, side.scores) == ({}, {}, whole.scores)
    assert (record.seconds, record.tokens) == (8.0, {"prompt": 12_000, "completion": 1600})


def test_what_could_be_read_is_summed(tmp_path: Path) -> None:
    readings = (
        Reading(10, 4, {"Sure": 3, "I": 1}, {"json": 4}, 4),
        Reading(10, 2, {"I": 2}, {"json": 1, "xml": 1}, 2),
        Reading(10, 0),
    )
    runs = [
        shard(tmp_path, range(start, start + 10), readings={"multiple": reading})
        for start, reading in zip((0, 10, 20), readings, strict=True)
    ]
    folder = merge(runs, tmp_path / "out")
    expected = Reading(30, 6, {"Sure": 3, "I": 3}, {"json": 5, "xml": 1}, 6)
    assert store.read_run(folder).readings == {"multiple": expected}
    assert read(folder).readable == {"multiple": pytest.approx(0.8)}


def test_shards_by_category(tmp_path: Path) -> None:
    names = ("multiple", "parallel", "irrelevance")
    folder = merge([shard(tmp_path, range(TOTAL), name) for name in names], tmp_path / "out")
    record = store.read_run(folder)
    assert record.benchmark.categories == names
    assert record.planned == dict.fromkeys(names, TOTAL)
    assert {name: score.n for name, score in record.scores.items()} == dict.fromkeys(names, TOTAL)


def test_shards_with_a_seed_each_are_repeats(tmp_path: Path) -> None:
    runs = [
        shard(tmp_path, range(TOTAL), sampling=Sampling(1.0, seed=seed), config_sha256=str(seed)) for seed in range(3)
    ]
    record = store.read_run(folder := merge(runs, tmp_path / "out"))
    assert (record.repeats, record.sampling.seed, record.benchmark.n) == (3, None, 3 * TOTAL)
    assert record.scores["multiple"] == Score(3 * TOTAL, 3 * TOTAL, 96, 0)
    assert {repeat for _, repeat in read(folder).results["multiple"]} == {0, 1, 2}


def test_shards_by_items_and_seeds(tmp_path: Path) -> None:
    runs = [
        shard(tmp_path, items, sampling=Sampling(1.0, seed=seed), config_sha256=f"{seed} {items}")
        for seed in range(2)
        for items in (range(20), range(20, TOTAL))
    ]
    record = store.read_run(merge(runs, tmp_path / "out", expected=4))
    assert (record.status, record.repeats, record.scores["multiple"].judged) == ("complete", 2, 80)
    short = store.read_run(merge(runs[1:], tmp_path / "short", expected=4))
    assert short.status == "incomplete"


def test_item_shards_may_have_a_seed_each(tmp_path: Path) -> None:
    runs = [
        shard(tmp_path, items, sampling=Sampling(1.0, seed=seed)) for seed, items in enumerate((range(9), range(9, 40)))
    ]
    assert store.read_run(merge(runs, tmp_path / "out")).repeats == 1


def test_runs_of_one_configuration_are_repeats_where_that_is_said(tmp_path: Path) -> None:
    runs = [shard(tmp_path, range(TOTAL), sampling=Sampling(1.0)) for _ in range(2)]
    with pytest.raises(UsageProblem, match="each is complete"):
        merge(runs, tmp_path / "out")
    assert store.read_run(merge(runs, tmp_path / "out", repeats=True)).repeats == 2


@pytest.mark.parametrize("order", [1, -1])
def test_a_killed_attempt_is_replaced_by_its_second(tmp_path: Path, order: int) -> None:
    attempt = killed(shard(tmp_path, range(10), of=lambda index: "fail"), 4)
    told: list[str] = []
    runs = [attempt, *quarters(tmp_path)][::order]
    folder = merge(runs, tmp_path / "out", expected=4, report=told.append)
    assert store.read_run(folder).scores["multiple"] == Score(TOTAL, TOTAL, 32, 0)
    assert len(told) == 1
    assert f"run {attempt.name} is an attempt at" in told[0]


def test_two_attempts_fill_each_other(tmp_path: Path) -> None:
    one, two = killed(shard(tmp_path, range(10)), 6), shard(tmp_path, range(10))
    rest = (two / store.SAMPLES).read_bytes().splitlines(keepends=True)[5:]
    (two / store.SAMPLES).write_bytes(b"".join(rest))
    killed(two, 5)
    record = store.read_run(merge([one, two], tmp_path / "out"))
    assert (record.status, record.scores["multiple"].judged, record.benchmark.left) == ("complete", 10, 0)


def test_a_run_given_twice_counts_once(tmp_path: Path) -> None:
    folder = shard(tmp_path, range(10))
    assert store.read_run(merge([folder, folder], tmp_path / "out")).scores["multiple"].judged == 10


def test_missing_shards_are_told_everywhere(tmp_path: Path) -> None:
    folder = merge(quarters(tmp_path / "shards")[:2], tmp_path / "out", expected=4)
    assert store.read_run(folder).status == "incomplete"
    assert read(folder).shards == {folder.name: "2 of 4 shards"}
    other = shard(tmp_path / "whole", range(TOTAL))

    def told(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [*map(str, arguments)], env={"COLUMNS": "200", "GITHUB_ACTIONS": ""})

    gate = told("gate", folder, "--min", "multiple=0.1")
    assert gate.exit_code == 1
    assert "2 of 4 shards" in gate.output
    assert "2 of 4 shards" in told("gate", folder, "--min", "multiple=0.1", "--allow-incomplete").output
    assert "2 of 4 shards" in told("compare", other, folder).output
    board = told("leaderboard", folder, "--view", "v4", "-o", tmp_path / "board")
    assert "2 of 4 shards" in (tmp_path / "board" / "leaderboard.md").read_text(), board.output


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"model": ModelInfo("m", sha256="12" * 32)}, "model"),
        ({"benchmark": replace(BENCHMARK, data_sha256="x", n=10)}, "data_sha256"),
        ({"benchmark": replace(BENCHMARK, checker_sha256="x", n=10)}, "checker_sha256"),
        ({"rules": "strict"}, "rules"),
        ({"handler": "fc"}, "handler"),
        ({"handler_options": {"think_prefix": "x"}}, "handler"),
        ({"sampling": Sampling(0.7)}, "sampling"),
        ({"sampling": Sampling(max_tokens=9)}, "sampling"),
    ],
)
def test_runs_that_differ_are_no_shards(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    runs = [shard(tmp_path, range(10)), shard(tmp_path, range(10, 20), **changes)]
    with pytest.raises(UsageProblem, match=f"{what} differs"):
        merge(runs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seeds", [(None, None), (1, 2)])
def test_items_that_overlap_in_part_are_refused(tmp_path: Path, seeds: tuple[int | None, int | None]) -> None:
    runs = [
        shard(tmp_path, items, sampling=Sampling(1.0, seed=seed), config_sha256=str(items))
        for items, seed in zip((range(20), range(15, 30)), seeds, strict=True)
    ]
    with pytest.raises(UsageProblem, match="share some of their items"):
        merge(runs, tmp_path / "out")


def test_more_shards_than_there_should_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="4 shards, and there should be 3"):
        merge(quarters(tmp_path), tmp_path / "out", expected=3)


def test_lines_that_cannot_be_read_leave_the_run_incomplete(tmp_path: Path) -> None:
    runs = quarters(tmp_path)
    samples = (runs[0] / store.SAMPLES).read_bytes().splitlines(keepends=True)
    (runs[0] / store.SAMPLES).write_bytes(b"".join([*samples[:9], b"{\n"]))
    told: list[str] = []
    folder = merge(runs, tmp_path / "out", report=told.append)
    assert (store.read_run(folder).status, store.read_run(folder).benchmark.left) == ("incomplete", 1)
    assert "samples.jsonl:10" in told[0]


def test_the_command_says_what_is_there_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    quarters(tmp_path / "shards")
    arguments = ["merge", str(tmp_path / "shards"), "-o", str(tmp_path / "out"), "--of", "5"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "bfcl: 4 of 5 shards, 40 of 40 items, incomplete" in result.output
    assert "holds a run already" in str(CliRunner().invoke(cli, arguments).exception)
    again = CliRunner().invoke(cli, [*arguments, "--overwrite", "--require-complete"])
    assert "4 of 5 shards" in str(again.exception)
    assert len(store.find_runs(tmp_path / "out")) == 1
    measured = shard(tmp_path / "measured", range(10))
    refused = CliRunner().invoke(cli, ["merge", str(tmp_path / "shards"), "-o", str(measured), "--overwrite"])
    assert "holds a run already" in str(refused.exception)
    assert measured.exists()


def test_helpers_that_several_shards_played_are_kept_once(tmp_path: Path) -> None:
    runs = quarters(tmp_path)
    for run in runs:
        helper = synthetic_runs.line("multiple", 99, 0, "pass", verdicts={})
        with (run / store.SAMPLES).open("ab") as file:
            file.write(encode(replace(helper, steps=(replace(helper.steps[0], generation=Generation("x")),))))
        record = store.read_run(run)
        store.write_run(run, replace(record, benchmark=replace(record.benchmark, n=11), planned={"multiple": 11}))
    record = store.read_run(merge(runs, tmp_path / "out", expected=4))
    assert (record.status, record.benchmark.n, record.scores["multiple"].judged) == ("complete", 41, 40)

"""lm-evaluation-harness's files: what is written, and that it reads back as the same run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness import exchange
from harness.cli import cli
from harness.errors import DataError, UsageProblem
from harness.exchange import ExportRequest, lm_eval
from harness.results import store
from harness.results.lines import encode
from harness.types import BenchmarkInfo, Generation, NativeCall, Verdict
from tests import synthetic_runs
from tests.synthetic_runs import biased


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return synthetic_runs.write(
        tmp_path / "run", "org/m", {"simple_python": 20, "multiple": 10}, biased(1, 0.6), text="\ud800[f(a='<é')]"
    )


def results_of(output: Path) -> dict[str, Any]:
    (path,) = output.rglob("results_*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_what_is_written(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported = lm_eval.write(ExportRequest(run, out))
    assert exported.items == 30
    assert {path.parent.name for path in exported.files} == {"org__m"}
    found, scores = results_of(out), store.read_run(run).scores
    task = found["results"]["bfcl_multiple"]
    p = scores["multiple"].passed / 10
    assert task["acc,none"] == p
    assert task["acc_stderr,none"] == pytest.approx((p * (1 - p) / 9) ** 0.5)
    assert found["n-samples"]["bfcl_multiple"] == {"original": 10, "effective": 10}
    (path,) = out.rglob("samples_bfcl_simple_python_*.jsonl")
    samples = [json.loads(line) for line in path.read_text().splitlines()]
    assert [sample["doc_id"] for sample in samples] == list(range(20))
    assert sum(sample["acc"] for sample in samples) == scores["simple_python"].passed
    assert samples[0]["resps"] == [["\ud800[f(a='<é')]"]]


def test_averages_are_groups(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path, "m", dict.fromkeys(synthetic_runs.SINGLE_TURN, 4), biased(1, 0.5))
    lm_eval.write(ExportRequest(run, tmp_path / "out"))
    groups = results_of(tmp_path / "out")["groups"]
    assert "v4_live" in groups
    assert "v4_overall" not in groups
    assert groups["funreason_overall"]["acc,none"] == pytest.approx(
        (groups["funreason_non_live_ast"]["acc,none"] + groups["funreason_live_v3"]["acc,none"]) / 2
    )


def test_unscored_items_are_left_out_and_counted(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path, "m", {"multiple": 6}, lambda c, i, r: "unscored" if i < 2 else "pass")
    exported = lm_eval.write(ExportRequest(run, tmp_path / "out"))
    assert (exported.items, exported.notes) == (4, ("2 unscored verdicts are left out",))
    assert results_of(tmp_path / "out")["n-samples"]["bfcl_multiple"] == {"original": 6, "effective": 4}


def test_the_way_back_keeps_every_outcome(run: Path, tmp_path: Path) -> None:
    CliRunner().invoke(cli, ["export", str(run), str(tmp_path / "out"), "--to", "lm-eval"], catch_exceptions=False)
    result = CliRunner().invoke(
        cli, ["import", str(tmp_path / "out"), "--from", "lm-eval", "-o", str(tmp_path / "back")]
    )
    assert result.exit_code == 0, result.output
    (folder,) = store.find_runs(tmp_path / "back")
    before, after = store.read_run(run), store.read_run(folder)
    assert {name: (s.n, s.judged, s.passed) for name, s in after.scores.items()} == {
        name: (s.n, s.judged, s.passed) for name, s in before.scores.items()
    }
    assert after.benchmark.data_sha256 == before.benchmark.data_sha256
    outcomes = [{line.id: line.verdicts for line in store.read_samples(path)} for path in (run, folder)]
    assert outcomes[0].keys() == outcomes[1].keys()
    assert all(
        [v.code for v in outcomes[0][name].values()] == [v.code for v in outcomes[1][name].values()]
        for name in outcomes[0]
    )
    compared = CliRunner().invoke(cli, ["compare", str(run), str(folder)], catch_exceptions=False)
    assert "lost 0, gained 0" in compared.output


def test_a_program_in_two_categories_comes_back_as_one_sample(tmp_path: Path) -> None:
    code = BenchmarkInfo("humaneval", "1")
    run = synthetic_runs.write(tmp_path, "m", {"humaneval": 1}, benchmark=code)
    line = synthetic_runs.line("humaneval", 0, 0, "pass")
    both = replace(line, verdicts={"humaneval": Verdict("pass"), "humaneval_plus": Verdict("fail", "x")})
    (run / store.SAMPLES).write_bytes(encode(both))
    lm_eval.write(ExportRequest(run, tmp_path / "out"))
    folder = exchange.read("lm_eval", tmp_path / "out", tmp_path / "back")
    (after,) = store.read_samples(folder)
    assert {name: verdict.outcome for name, verdict in after.verdicts.items()} == {
        "humaneval": "pass",
        "humaneval_plus": "fail",
    }


def test_native_calls_are_written_as_text(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path, "m", {"multiple": 1}, handler="fc")
    (line,) = store.read_samples(run)
    generation = Generation("", tool_calls=(NativeCall("f", '{"a": 1}'),))
    changed = replace(line, steps=(replace(line.steps[0], generation=generation),))
    (run / store.SAMPLES).write_bytes(encode(changed))
    lm_eval.write(ExportRequest(run, tmp_path / "out"))
    (path,) = (tmp_path / "out").rglob("samples_*.jsonl")
    assert json.loads(path.read_text())["resps"] == [['[{"f": "{\\"a\\": 1}"}]']]


def foreign(folder: Path, samples: list[dict[str, Any]]) -> Path:
    """A log as the other tool writes it."""
    folder.mkdir()
    stamp = "2026-01-02T03-04-05.678901"
    results = {
        "results": {"gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.5}},
        "n-samples": {"gsm8k": {"original": 1319, "effective": 2}},
        "versions": {"gsm8k": 3.0},
        "config": {"model": "hf", "model_args": "pretrained=x", "gen_kwargs": None},
        "model_name": "org/x",
        "date": 1767322000.5,
        "lm_eval_version": "0.4.13",
    }
    (folder / f"results_{stamp}.json").write_text(json.dumps(results))
    (folder / f"samples_gsm8k_{stamp}.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return folder


def sample(number: int, value: Any, filter_name: str = "strict-match") -> dict[str, Any]:
    doc = {"question": "1 + 1?", "answer": "2"}
    shared = {"doc_id": number, "doc": doc, "target": "2", "filter": filter_name, "metrics": ["exact_match"]}
    return {**shared, "resps": [["it is 2"]], "filtered_resps": ["2"], "exact_match": value}


def test_a_foreign_log_becomes_a_run_of_its_own(tmp_path: Path) -> None:
    samples = [sample(0, 1.0), sample(0, 0.0, "flexible"), sample(1, 0.0)]
    folder = exchange.read("lm-eval", foreign(tmp_path / "log", samples), tmp_path / "results")
    record, lines = store.read_run(folder), list(store.read_samples(folder))
    assert (record.benchmark.name, record.model.name) == ("lm_eval", "org/x")
    assert (record.scores["gsm8k"].n, record.scores["gsm8k"].judged, record.scores["gsm8k"].passed) == (1319, 2, 1)
    assert [(line.id, line.verdicts["gsm8k"].code) for line in lines] == [
        ("gsm8k_0", None),
        ("gsm8k_1", "lm_eval:exact_match"),
    ]


@pytest.mark.parametrize("value", [0.37, "high", None])
def test_scores_that_are_neither_right_nor_wrong_are_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(UsageProblem, match=r"jsonl:1"):
        exchange.read("lm-eval", foreign(tmp_path / "log", [sample(0, value)]), tmp_path / "results")


def test_damage_is_named(tmp_path: Path) -> None:
    log = foreign(tmp_path / "log", [{"doc": {}}])
    with pytest.raises(DataError, match=r"jsonl:1"):
        exchange.read("lm-eval", log, tmp_path / "results")
    next(log.glob("samples_*")).unlink()
    with pytest.raises(UsageProblem, match="no samples"):
        exchange.read("lm-eval", log, tmp_path / "results")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageProblem, match="no results"):
        exchange.read("lm-eval", tmp_path / "empty", tmp_path / "results")
    with pytest.raises(UsageProblem, match="Did you mean lm_eval"):
        exchange.read("lm_evl", tmp_path, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        *({name: 3} for name in ("config", "n-samples", "harness")),
        *({name: "x"} for name in ("date", "total_evaluation_time_seconds")),
        {"n-samples": {"gsm8k": 3}},
        {"n-samples": {"gsm8k": {"original": "many"}}},
        {"config": {"gen_kwargs": {"temperature": "warm"}}},
        *({"harness": {"name": name}} for name in (3, "", "../../outside", "a/b")),
    ],
    ids=json.dumps,
)
def test_results_with_a_field_of_another_type_are_damaged(tmp_path: Path, change: dict[str, Any]) -> None:
    (path,) = foreign(tmp_path / "log", [sample(0, 1.0)]).glob("results_*")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=r"results_.*json is damaged"):
        exchange.read("lm-eval", tmp_path / "log", tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_a_category_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path, "m", {"../../outside": 1}, benchmark=BenchmarkInfo("other"))
    exported = lm_eval.write(ExportRequest(run, tmp_path / "out"))
    assert all(path.parent == tmp_path / "out" / "m" for path in exported.files)

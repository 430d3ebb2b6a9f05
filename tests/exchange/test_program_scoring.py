"""EvalPlus sample files judged: counts, what is missing, and results that EvalPlus reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.benchmarks.evalplus import check
from harness.commands.score import command
from harness.errors import UsageProblem
from harness.exchange.evalplus import score
from harness.types import Verdict
from tests.benchmarks.evalplus.conftest import (  # noqa: F401 - fixtures
    evalplus_data,
    evalplus_environment,
    evalplus_files,
    judging,
    sandbox_pool,
)

RIGHT = "def add(x, y):\n    return x + y"
ONLY_BASE = "def add(x, y):\n    return x + y if abs(x) < 1500 else 0"


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    programs = [RIGHT, ONLY_BASE, "def add(x, y):\n    return 0"]
    rows = [{"task_id": "HumanEval/53", "solution": program} for program in programs]
    (tmp_path / "samples.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\nnot json\n")
    return tmp_path / "samples.jsonl"


@pytest.mark.usefixtures("judging")
def test_programs_count_in_both_categories(samples: Path, tmp_path: Path) -> None:
    problems: list[str] = []
    tallies = score(samples, problems.append, tmp_path / "new" / "results.json")
    scores = tallies.scores("upstream")
    assert {name: (score.n, score.judged, score.passed) for name, score in scores.items()} == {
        "humaneval": (3 * 164, 3, 2),
        "humaneval_plus": (3 * 164, 3, 1),
    }
    assert tallies.lost == 489
    assert [problem.split(": ")[1] for problem in problems] == [
        "not JSON (Expecting value",
        "489 of 492 programs are missing",
    ]
    rows = json.loads((tmp_path / "new" / "results.json").read_text())["eval"]["HumanEval/53"]
    assert [(row["base_status"], row["plus_status"]) for row in rows] == [
        ("pass", "pass"),
        ("pass", "fail"),
        ("fail", "fail"),
    ]


@pytest.mark.usefixtures("judging")
def test_the_command_exits_3_where_programs_are_missing(samples: Path) -> None:
    result = CliRunner().invoke(command, ["--from-evalplus", str(samples)])
    assert type(result.exception).__name__ == "RunIncomplete"
    result = CliRunner().invoke(command, ["--from-evalplus", str(samples), "--partial", "--json"])
    assert json.loads(result.stdout)["scores"]["upstream"]["humaneval"]["passed"] == 2


@pytest.mark.usefixtures("judging")
def test_the_base_tests_alone(samples: Path, tmp_path: Path) -> None:
    arguments = ["--from-evalplus", str(samples), "--base-only", "--partial", "--json", "-o", str(tmp_path / "o")]
    scores = json.loads(CliRunner().invoke(command, arguments).stdout)["scores"]["upstream"]
    assert {name: score["passed"] for name, score in scores.items()} == {"humaneval": 2}
    rows = json.loads((tmp_path / "o" / "samples_eval_results.json").read_text())["eval"]["HumanEval/53"]
    assert [(row["base_status"], row["plus_status"]) for row in rows] == [("pass", None)] * 2 + [("fail", None)]
    refused = CliRunner().invoke(command, [str(samples), "--base-only"])
    assert "--base-only does not go with RUN" in str(refused.exception)


@pytest.mark.parametrize("content", ["", "\n\n", "not json\n", '{"task_id": "HumanEval/9999", "solution": "1"}\n'])
@pytest.mark.usefixtures("evalplus_data")
def test_a_file_without_a_program_is_exit_2(tmp_path: Path, content: str) -> None:
    samples = tmp_path / "samples.jsonl"
    samples.write_text(content)
    result = CliRunner().invoke(command, ["--from-evalplus", str(samples), "-o", str(tmp_path / "o")])
    assert isinstance(result.exception, UsageProblem), result.output
    assert "samples.jsonl holds no program" in str(result.exception)
    assert not (tmp_path / "o").exists()


def test_flags_of_other_formats_are_refused(samples: Path) -> None:
    result = CliRunner().invoke(command, ["--from-evalplus", str(samples), "--mode", "fc"])
    assert "--from-evalplus goes with" in str(result.exception)


@pytest.mark.usefixtures("judging")
def test_a_program_that_the_judge_cannot_judge_ends_nothing(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(task_id: str, solution: str, parts: Sequence[check.Part]) -> dict[str, Verdict]:
        if solution == ONLY_BASE:
            raise ZeroDivisionError("a fault of the judge")
        return real(task_id, solution, parts)

    real = check.judge
    monkeypatch.setattr(check, "judge", judge)
    problems: list[str] = []
    tallies = score(samples, problems.append, tmp_path / "results.json")
    assert {(score.judged, score.unscored) for score in tallies.scores("upstream").values()} == {(2, 1)}
    assert any("ZeroDivisionError: a fault of the judge" in problem for problem in problems)
    assert problems[-1].endswith("results.json: 1 programs without a verdict are left out")
    assert len(json.loads((tmp_path / "results.json").read_text())["eval"]["HumanEval/53"]) == 2

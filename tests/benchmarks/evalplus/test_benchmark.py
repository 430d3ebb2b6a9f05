"""The plug-in: samples, prompts, verdicts in two categories, and EvalPlus's files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.benchmarks.evalplus import data, official, prompts
from harness.benchmarks.evalplus.benchmark import CATEGORIES, PLUGIN
from harness.errors import HarnessError, UsageProblem
from harness.stats.pass_at_k import mean_pass_at_k, pass_at_k
from harness.types import Episode, Generation, Reply, Sample, Step, Verdict


def episode(sample: Sample[data.Problem], text: str) -> Episode:
    return Episode(sample.id, (Step(0, Generation(text), Reply(None, text)),))


@pytest.fixture
def add(evalplus_data: None) -> Sample[data.Problem]:
    return next(sample for sample in PLUGIN.load(["humaneval"]) if sample.id == "HumanEval/53")


@pytest.mark.usefixtures("evalplus_data")
@pytest.mark.parametrize(
    ("categories", "counts"),
    [
        (CATEGORIES, {"humaneval": 164, "mbpp": 378}),
        (("humaneval_plus",), {"humaneval_plus": 164}),
        (("mbpp", "mbpp_plus"), {"mbpp": 378}),
    ],
)
def test_each_problem_is_one_sample(categories: tuple[str, ...], counts: dict[str, int]) -> None:
    samples = list(PLUGIN.load(categories))
    assert {name: sum(sample.category == name for sample in samples) for name in counts} == counts
    assert len({sample.id for sample in samples}) == len(samples) == sum(counts.values())


def test_the_question_is_evalplus_s(add: Sample[data.Problem]) -> None:
    upstream = pytest.importorskip("evalplus.provider.utility", reason="evalplus is not installed")

    class Tokenizer:
        chat_template = "present"

        def apply_chat_template(self, messages: list[dict[str, str]], tokenize: bool) -> str:
            return messages[0]["content"] + "\0" + messages[1]["content"]

    theirs = upstream.make_raw_chat_prompt(
        add.target.prompt.strip() + "\n", prompts.instruction(), "", Tokenizer()
    ).split("\0")[0]
    play = PLUGIN.play(add, {})
    query = next(play)
    assert [dict(message) for message in query.messages] == [{"role": "user", "content": theirs}]
    assert (query.expects, query.tools, query.instruction) == ("text", (), "")
    with pytest.raises(StopIteration):
        play.send(Reply(None, ""))


@pytest.mark.usefixtures("judging")
@pytest.mark.parametrize(
    ("text", "base", "plus"),
    [
        ("Sure:\n```python\ndef add(x, y):\n    return x + y\n```\nIt adds.", "pass", "pass"),
        ("```python\ndef add(x, y):\n    return x + y if x < 1500 else 0\n```", "pass", "fail"),
        ("I cannot help with that.", "fail", "fail"),
        ("", "fail", "fail"),
    ],
)
def test_a_reply_counts_in_both_categories(add: Sample[data.Problem], text: str, base: str, plus: str) -> None:
    verdicts = PLUGIN.check(add, episode(add, text))
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {"humaneval": base, "humaneval_plus": plus}


def test_a_program_that_fails_the_base_tests_has_no_plus_score(
    add: Sample[data.Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"base": Verdict("fail", "timeout", "slow"), "plus": Verdict("pass")}
    monkeypatch.setattr("harness.benchmarks.evalplus.check.judge", lambda *_: found)
    verdict = PLUGIN.check(add, episode(add, ""))["humaneval_plus"]
    assert (verdict.outcome, verdict.code, verdict.message) == ("fail", "timeout", "fails the base tests already: slow")


@pytest.mark.usefixtures("evalplus_data")
def test_sample_files_survive_a_round_trip(tmp_path: Path) -> None:
    programs = [official.Program("HumanEval/0", "x = '\ud800'"), official.Program("Mbpp/2", "y = 1\n")]
    assert official.write_samples(tmp_path / "samples.jsonl", programs) == 2
    assert list(official.read_samples(tmp_path / "samples.jsonl", pytest.fail)) == programs


@pytest.mark.usefixtures("evalplus_data")
def test_damaged_lines_are_reported_and_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    lines = [
        '{"task_id": "HumanEval/53", "completion": "    return x + y"}',
        "{",
        '{"task_id": "HumanEval/999", "solution": ""}',
        '{"task_id": "HumanEval/53", "solution": 3}',
        "[]",
        "",
    ]
    file.write_text("\n".join(lines))
    problems: list[str] = []
    (only,) = official.read_samples(file, problems.append)
    assert only.solution.endswith('"""\n    return x + y')
    assert [problem.split(":")[1] for problem in problems] == ["2", "3", "4", "5"]
    with pytest.raises(UsageProblem, match="cannot be read"):
        list(official.read_samples(tmp_path / "missing.jsonl", problems.append))


@pytest.mark.usefixtures("evalplus_data")
def test_folders_are_read_by_task_and_number(tmp_path: Path) -> None:
    for name in ("HumanEval_1/0.py", "HumanEval_0/10.py", "HumanEval_0/2.py", "notes/0.py", "Mbpp_2/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    found = [program.solution for program in official.read_samples(tmp_path, pytest.fail)]
    assert found == ["HumanEval_0/2.py", "HumanEval_0/10.py", "HumanEval_1/0.py"]


@pytest.mark.usefixtures("evalplus_data")
def test_results_are_written_as_evalplus_does(tmp_path: Path) -> None:
    program = official.Program("HumanEval/0", "x = 1")
    verdicts = {"base": Verdict("pass"), "plus": Verdict("fail", "timeout")}
    official.write_results(tmp_path / "r.json", [(program, verdicts)])
    (row,) = json.loads((tmp_path / "r.json").read_text())["eval"]["HumanEval/0"]
    assert (row["base_status"], row["plus_status"], row["solution"]) == ("pass", "timeout", "x = 1")
    with pytest.raises(HarnessError):
        official.write_results(tmp_path / "r.json", [(program, {"base": Verdict("unscored", "sandbox")})])


@pytest.mark.parametrize(
    ("tries", "passed", "k", "value"),
    [(1, 1, 1, 1.0), (1, 0, 1, 0.0), (4, 1, 2, 0.5), (10, 3, 1, 0.3), (5, 3, 3, 1.0), (200, 0, 100, 0.0)],
)
def test_pass_at_k(tries: int, passed: int, k: int, value: float) -> None:
    assert pass_at_k(tries, passed, k) == pytest.approx(value, abs=1e-12)


def test_pass_at_k_equals_evalplus() -> None:
    upstream = pytest.importorskip("evalplus.eval", reason="evalplus is not installed")
    counts = [(20, passed) for passed in range(21)]
    for k in (1, 5, 20):
        theirs = upstream.estimate_pass_at_k(20, [passed for _, passed in counts], k)
        assert [pass_at_k(*count, k) for count in counts] == pytest.approx(list(theirs), abs=1e-12)
        assert mean_pass_at_k(counts, k) == pytest.approx(theirs.mean(), abs=1e-12)


@pytest.mark.parametrize(("tries", "passed", "k"), [(1, 2, 1), (3, 1, 4), (3, 1, 0)])
def test_pass_at_k_refuses_what_cannot_be_estimated(tries: int, passed: int, k: int) -> None:
    with pytest.raises(ValueError, match="cannot be estimated"):
        pass_at_k(tries, passed, k)

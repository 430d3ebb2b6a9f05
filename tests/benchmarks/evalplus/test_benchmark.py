"""The plug-in: samples, prompts, verdicts in two categories, and EvalPlus's files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from harness.api import run
from harness.benchmarks.evalplus import data, official, prompts
from harness.benchmarks.evalplus.benchmark import CATEGORIES, PLUGIN
from harness.benchmarks.evalplus.check import judge
from harness.errors import UsageProblem
from harness.results.store import read_run, read_samples
from harness.running.rejudging import rewrite
from harness.running.retelling import retell
from harness.sandbox import shared
from harness.stats.pass_at_k import mean_pass_at_k, pass_at_k
from harness.types import Episode, Generation, Reply, Sample, Step, Verdict
from tests.tinymodels import make_tiny_qwen2


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
        (("humaneval_base",), {"humaneval": 164}),
        (("humaneval_base", "humaneval_plus"), {"humaneval_plus": 164}),
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
def test_byte_order_marks_are_passed_over_and_other_bytes_cost_one_line(tmp_path: Path) -> None:
    good = [b'{"task_id": "HumanEval/0", "solution": "x = 1"}', b'{"task_id": "HumanEval/1", "solution": "\xc3\xa9"}']
    (tmp_path / "marked.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([good[0], b'{"a": "\xff"}', good[1]]))
    with gzip.open(tmp_path / "marked.jsonl.gz", "wb") as file:
        file.write((tmp_path / "marked.jsonl").read_bytes())
    (tmp_path / "damaged.jsonl.gz").write_bytes((tmp_path / "marked.jsonl.gz").read_bytes()[:60])
    for name in ("marked.jsonl", "marked.jsonl.gz"):
        problems: list[str] = []
        found = list(official.read_samples(tmp_path / name, problems.append))
        assert [program.solution for program in found] == ["x = 1", "é"]
        assert [problem.split(": ")[0] for problem in problems] == [f"{tmp_path / name}:2"]
    with pytest.raises(UsageProblem, match="cannot be read"):
        list(official.read_samples(tmp_path / "damaged.jsonl.gz", pytest.fail))
    (tmp_path / "HumanEval_0").mkdir()
    (tmp_path / "HumanEval_0" / "0.py").write_bytes(b"\xef\xbb\xbfx = 1")
    assert [program.solution for program in official.read_samples(tmp_path, pytest.fail)] == ["x = 1"]


@pytest.mark.usefixtures("evalplus_data")
def test_joined_files_long_numbers_and_things_that_are_no_files_cost_nothing_else(tmp_path: Path) -> None:
    row = b'{"task_id": "HumanEval/0", "solution": "x = 1", "tokens": %d}'
    (tmp_path / "joined.jsonl").write_bytes(
        b"\n".join([b"\xef\xbb\xbf" + row % 1] * 2) + b"\n" + row.replace(b"%d", b"9" * 6000)
    )
    assert len(list(official.read_samples(tmp_path / "joined.jsonl", pytest.fail))) == 3
    (tmp_path / "HumanEval_0" / "1.py").mkdir(parents=True)
    (tmp_path / "HumanEval_0" / "2.py").symlink_to("nowhere")
    (tmp_path / "HumanEval_0" / "3.py").write_text("x = 1")
    problems: list[str] = []
    assert [program.solution for program in official.read_samples(tmp_path, problems.append)] == ["x = 1"]
    assert [problem.split("/")[-1].split(":")[0] for problem in problems] == ["1.py", "2.py"]


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


@pytest.mark.usefixtures("evalplus_data")
def test_programs_without_a_verdict_are_left_out_of_evalplus_s_results(tmp_path: Path) -> None:
    programs = [official.Program("HumanEval/0", "x = 1"), official.Program("HumanEval/1", "x = 2")]
    found = [{"base": Verdict("unscored", "sandbox")}, {"base": Verdict("pass")}]
    assert official.write_results(tmp_path / "r.json", zip(programs, found, strict=True)) == 1
    assert set(json.loads((tmp_path / "r.json").read_text())["eval"]) == {"HumanEval/1"}


@pytest.mark.usefixtures("judging")
def test_a_run_of_the_base_tests_alone_has_no_plus_score(tmp_path: Path) -> None:
    only_base = "```python\ndef add(x, y):\n    return x + y if abs(x) < 1500 else 0\n```"
    (tmp_path / "script.json").write_text(json.dumps({"HumanEval/53": only_base}))
    options = {"engine": "scripted", "model_args": f"script={tmp_path / 'script.json'}", "sample_id": "HumanEval/53"}
    (made,) = run(model="m", tasks="humaneval_base", output=tmp_path / "results", **options)
    assert {name: (score.n, score.judged, score.passed) for name, score in made.scores.items()} == {
        "humaneval": (164, 1, 1)
    }
    tallies = rewrite(made.folder, pytest.fail)
    assert list(tallies.scores("upstream")) == ["humaneval"]


@pytest.mark.usefixtures("judging")
def test_a_model_without_a_template_continues_the_prompt(tmp_path: Path) -> None:
    folder = make_tiny_qwen2(tmp_path / "base", context=2048)
    options = {"sample_id": "HumanEval/53", "max_tokens": 12, "output": tmp_path / "results"}
    (made,) = run(model=folder, tasks="humaneval_base", **options)
    record = read_run(made.folder)
    assert (record.model.chat_template, record.handler) == (None, "completion")
    assert record.handler_options == {"num_fewshot": 4}
    assert record.handler_reason.startswith("its tokenizer has no chat template; text to be continued")
    (line,) = read_samples(made.folder)
    talk = retell(record, {line.key: line})[line.key].talk
    asked = data.problem("HumanEval/53").prompt.strip() + "\n"
    assert [entry["text"] for entry in talk] == [asked, asked + line.steps[0].generation.text.replace("\t", "    ")]
    (chat,) = run(model=folder, tasks="humaneval_base", handler="prompt", **options)
    assert read_run(chat.folder).handler_reason == ("as asked; its tokenizer has no chat template: rendered as ChatML")


@pytest.mark.usefixtures("judging")
def test_a_smaller_set_of_tests_can_take_the_place_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = data.problem("HumanEval/53")
    row = {"task_id": whole.task_id, "prompt": whole.prompt, "entry_point": whole.entry_point, "atol": whole.atol}
    row |= {"canonical_solution": whole.reference.removeprefix(whole.prompt)}
    for name, added in (("mini", [[2000, 1]]), ("none", [])):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row | {"base_input": [[1, 2]], "plus_input": added}))
        monkeypatch.setenv("HUMANEVAL_OVERRIDE_PATH", str(tmp_path / f"{name}.jsonl"))
        found = judge("HumanEval/53", "def add(x, y):\n    return x + y if abs(x) < 1500 else 0")
        assert [found[part].outcome for part in ("base", "plus")] == ["pass", "fail" if added else "pass"]
        assert judge("HumanEval/53", whole.reference)["plus"].evidence["tests"] == len(added)
        assert PLUGIN.version.startswith(f"HumanEval+ of {name}.jsonl, MBPP+ v0.2.0")


@pytest.mark.usefixtures("judging")
@pytest.mark.parametrize("predict_only", [False, True])
def test_the_record_names_the_sandbox_that_judged(tmp_path: Path, predict_only: bool) -> None:
    options = {"engine": "scripted", "model_args": "default=x = 1", "sample_id": "HumanEval/53", "output": tmp_path}
    (made,) = run(model="m", tasks="humaneval", predict_only=predict_only, **options)
    recorded = read_run(made.folder).machine.sandbox
    assert recorded == (None if predict_only else shared().facts)
    assert predict_only or {"backend", "layers", "memory_gib", "threads", "folder_mib"} <= set(shared().facts)
    rewrite(made.folder, pytest.fail)
    again = read_run(made.folder)
    assert (again.machine.sandbox, again.scores["humaneval"].judged) == (shared().facts, 1)


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

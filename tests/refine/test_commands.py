"""The refine commands, as a person types them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.errors import DataError, RunIncomplete, UsageProblem
from harness.types import Example
from refine.cli import cli
from refine.commands.run import progress_line
from refine.pipeline import Tally
from tests.refine.judges import yes
from tests.refine.test_pipeline import example


@pytest.fixture
def source(tmp_path: Path) -> Path:
    examples = [example(0), example(1, "[get_weather(town='Oslo')]"), example(2), example(2)]
    path = tmp_path / "source.jsonl"
    path.write_text("".join(json.dumps(asdict(each)) + "\n" for each in examples) + "not json\n")
    return path


def refine(*words: object) -> str:
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.stdout


def run(source: Path, output: Path, *more: object, default: str = yes()) -> str:
    known = ("--judge-model", "known", "--judge-engine", "scripted", "--judge-args", f"slots=2,default={default}")
    return refine("run", "--input", source, "--output", output, *known, *more)


def test_run_writes_outputs_report_and_what_could_not_be_used(tmp_path, source):
    out = tmp_path / "out"
    assert json.loads(run(source, out, "--decide", "duplicate", "--json")) == {
        "kept": 3,
        "dropped": 1,
        "hard": 0,
        "unjudged": 0,
    }
    assert json.loads((out / "unusable.jsonl").read_text())["line"] == 5
    stats = json.loads((out / "stats.json").read_text())
    assert stats["findings"] == {"required": 1, "unexpected": 1, "duplicate": 1}
    assert "duplicate" in (out / "report.md").read_text()
    assert "<table>" in (out / "report.html").read_text()
    assert "kept" in refine("stats", out)
    assert "get_weather(town='Oslo')" in refine("show", out, "1")
    with pytest.raises(UsageProblem, match="no example '99'"):
        refine("show", out, "99")


def test_what_a_folder_or_file_lacks_is_said(tmp_path, source):
    out = tmp_path / "out"
    assert "1 unusable" in run(source, out)
    (tmp_path / "array.json").write_text("[1, 2")
    cases = (
        (("stats", tmp_path), DataError, "run.json"),
        (("export", tmp_path, "--format", "trl", "-o", tmp_path / "x"), UsageProblem, "no kept.jsonl"),
        (("dedup", "--input", tmp_path / "array.json", "-o", tmp_path / "x"), DataError, "not JSON"),
        (("decontaminate", "--input", source, "-o", tmp_path / "x", "--against", ""), UsageProblem, "against ''"),
        (
            ("loop", *f"--mode srml --model m --data {source} -o {out} --refine-args".split(), "'"),
            UsageProblem,
            "--refine",
        ),
        (("stats", out, "--tokenizer", tmp_path / "none"), UsageProblem, "--tokenizer"),
    )
    for words, kind, message in cases:
        with pytest.raises(kind, match=message):
            refine(*words)
    (out / "run.json").write_text("{")
    for words in (("stats", out), ("run", "--input", source, "--output", out, "--judge-model", "j")):
        with pytest.raises(DataError, match="damaged"):
            refine(*words)


def test_a_pipe_or_device_is_written_to_and_not_replaced(tmp_path, source):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        refine("export", source, "--format", "trl", "-o", pipe)
        assert len(reader.communicate(timeout=10)[0].splitlines()) == 4
    assert pipe.is_fifo()


def test_hostile_text_is_escaped_in_the_report(tmp_path):
    attack = "<script>alert(1)</script>\x1b[31m"
    bad = Example("x<y", ({"role": "user", "content": attack},), (), attack, attack)
    path = tmp_path / "source.jsonl"
    path.write_text(json.dumps(asdict(bad)) + "\n")
    run(path, tmp_path / "out", "--stages", "1", default=json.dumps({"reason": attack, "verdict": "no"}))
    for name in ("report.html", "report.md"):
        text = (tmp_path / "out" / name).read_text()
        assert "alert(1)" in text
        assert "<script>" not in text
    assert "\x1b" not in refine("show", tmp_path / "out", "x<y")


def test_unjudged_examples_make_the_run_incomplete(tmp_path, source):
    with pytest.raises(RunIncomplete, match="4 examples are unjudged"):
        run(source, tmp_path / "out", default="no idea")
    assert "0 unjudged" in run(source, tmp_path / "out")


def test_a_cost_limit_starts_no_further_example(tmp_path, source):
    path = tmp_path / "prices.yaml"
    path.write_text("known: {input: 0, output: 1000000}\n")
    for name, prices in (("file", path), ("pair", "0,1000000")):
        out = tmp_path / name
        with pytest.raises(RunIncomplete, match=r"--cost-limit 1.0 is reached: \d examples were not started"):
            run(source, out, "--prices", prices, "--cost-limit", 1)
        done = len((out / "outcomes.jsonl").read_text().splitlines())
        assert 0 < done < 4
        for name in ("report.md", "report.html"):
            assert (
                f"The cost limit of 1.0 USD was reached: {4 - done} examples were not started."
                in (out / name).read_text()
            )
        assert json.loads(refine("stats", out, "--json"))["left"] == 4 - done
        assert "4 kept" in run(source, out, "--prices", prices, "--cost-limit", 1000)
        assert "was reached" not in (out / "report.md").read_text()
    path.write_text("another: {input: 0, output: 1}\n")
    with pytest.raises(UsageProblem, match="nothing for 'known'"):
        run(source, tmp_path / "out", "--prices", path)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--decide", "duplicat"), "no free check duplicat"),
        (("--stages", "cotz"), "unknown stage"),
        (("--stages", "0-9"), "no stages"),
        (("--votes", "3"), "repeat each other"),
        (("--cost-limit", "1"), "needs --prices"),
        (("--cost-limit", "nan", "--prices", "1,1"), "not an amount of money"),
        (("--columns", "messages"), "has no ="),
        (("--roles", "agent=robot"), "unknown role"),
        (("--prices", "1"), "two numbers"),
        (("--against", "bfc"), "Did you mean bfcl"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(tmp_path, source, flags, message):
    with pytest.raises(UsageProblem, match=message):
        run(source, tmp_path / "out", *flags)


def test_near_duplicates_are_left_out(tmp_path, source):
    pytest.importorskip("datasketch", reason="datasketch is an extra")
    dedup = ("dedup", "--input", source, "-o", tmp_path / "d.jsonl")
    assert "3 kept, 1 left out, 1 unusable" in refine(*dedup, "--threshold", 0.9)
    assert "1 kept, 3 left out" in refine(*dedup, "--threshold", 0.2)


def test_benchmark_questions_are_left_out(tmp_path, bfcl_data):
    from harness.benchmarks.bfcl.data import questions

    question = questions("simple_python")[0]["question"][0][0]["content"]
    leak = Example("leak", ({"role": "user", "content": question.upper() + "!"},), (), None, "[f()]")
    path = tmp_path / "source.jsonl"
    path.write_text("".join(json.dumps(asdict(each)) + "\n" for each in (leak, example(1))))
    output = refine("decontaminate", "--input", path, "-o", tmp_path / "clean.jsonl", "--against", "bfcl")
    assert "'leak': the query is a question of bfcl" in output
    assert "1 kept, 1 left out" in output


def test_kept_examples_are_exported(tmp_path, source):
    run(source, tmp_path / "out")
    assert "4 written" in refine("export", tmp_path / "out", "--format", "openai", "-o", tmp_path / "o.jsonl")


def test_near_duplicates_are_marked_and_may_decide(tmp_path, source):
    pytest.importorskip("datasketch", reason="datasketch is an extra")
    found = json.loads(run(source, tmp_path / "out", "--near-duplicates", 0.2, "--decide", "near_duplicate", "--json"))
    assert found["dropped"] == 3
    assert "nearly repeats example '0'" in refine("show", tmp_path / "out", "1")


def test_progress_tells_outcomes_calls_by_stage_and_cost():
    tally = Tally({"kept": 2}, {"end": 2}, {"response": 3, "query": 2}, 1, {"known": (1000, 500)})
    line = progress_line(tally, {"known": {"prompt": 10.0, "completion": 20.0}})
    assert line == "2 kept · calls: response 3, query 2 (1 unreadable) · 1500 tokens · cost 0.02"


@pytest.mark.parametrize("flag", [(), ("--dry-run",)], ids=str)
def test_records_that_do_not_think_are_told_of(tmp_path, flag):
    path = tmp_path / "source.jsonl"
    path.write_text("".join(json.dumps(asdict(replace(example(n), think=None))) + "\n" for n in range(3)))
    words = (
        "run",
        "--input",
        path,
        "--output",
        tmp_path / "out",
        "--judge-model",
        "known",
        "--judge-engine",
        "scripted",
    )
    words += ("--judge-args", f"slots=2,default={yes()}", "--stages", "query", *flag)
    told = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False, standalone_mode=False)
    assert "100% of the first 3 records have no thinking" in told.stderr


def test_a_dry_run_asks_nobody(tmp_path, source):
    found = json.loads(run(source, tmp_path / "out", "--dry-run", "--json"))
    assert found["examples"] == 4
    assert found["calls"] == [20, 4 * 5 + 4 * 2 * 3 * 2]
    assert sum(found["unusable"].values()) == 1
    assert "unusable: not JSON: " in run(source, tmp_path / "out", "--dry-run")
    assert not (tmp_path / "out" / "calls.jsonl").exists()

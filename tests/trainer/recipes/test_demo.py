"""The experiment of `make demo`: its data, its judge, its driver, its statistics, and the whole at a minute's scale."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

import click
import pytest
from click.testing import CliRunner

from harness.benchmarks.bfcl.decode import read_calls
from harness.errors import RunIncomplete, UsageProblem
from refine import material
from refine.judge import Question
from trainer.recipes.demo import commands, experiment, jobs, judge, numbers, page, source
from trainer.recipes.demo.jobs import Job

ASSETS = Path(__file__).parents[3] / "harness" / "assets" / "tiny"
STAGES = {
    "response": ("answer",),
    "query": ("query", "tools"),
    "cot": ("cot", "answer"),
    "arguments": ("query", "tools", "answer"),
    "format": ("query", "tools", "answer"),
}


@pytest.fixture(scope="module")
def pairs():
    return list(source.records(200, seed=1, level=2))


def test_a_source_set_has_the_known_share_of_each_kind(pairs):
    counts = Counter(truth.kind for _, truth in pairs)
    assert {kind: counts[kind] / 200 for kind in source.SHARES} == dict(source.SHARES)
    assert len({record.id for record, _ in pairs}) == len({truth.query for _, truth in pairs}) == 200
    assert pairs == list(source.records(200, seed=1, level=2))
    assert pairs != list(source.records(200, seed=2, level=2))


def test_each_kind_is_wrong_in_its_own_way_only(pairs):
    for record, truth in pairs:
        names = {tool["name"] for tool in record.tools}
        calls = read_calls(record.answer)
        leads = judge.concludes(record.think, record.answer)
        match truth.kind:
            case "clean":
                assert record.answer == truth.answer
                assert leads
            case "query":
                assert calls[0].name not in names
                assert truth.answer is None
            case "cot":
                assert record.answer == truth.answer
                assert not leads
            case "arguments":
                assert not judge.same(record.answer, truth.answer)
                assert leads
            case "format":
                assert calls is None
                assert source.words(record.answer) == source.words(truth.answer)
                assert leads
            case "statement":
                assert record.answer == source.STATEMENT


def test_a_record_does_not_tell_its_kind(pairs):
    for record, truth in pairs:
        assert record.source == {}
        assert truth.kind not in record.id


@pytest.mark.parametrize("stage", STAGES)
def test_the_judge_errs_at_its_known_rates_and_is_otherwise_right(stage):
    """Asked as `refine` asks; the bounds are five standard deviations wide."""
    pairs = list(source.records(600, seed=3, level=2))
    asked, question = judge.Judge(truth for _, truth in pairs), Question(stage)
    errors = {True: [0, 0], False: [0, 0]}
    for record, truth in pairs:
        prompt = question.prompt(material.of(record, *STAGES[stage]))
        reply = json.loads(asked.reply(*(message["content"] for message in prompt.messages)))
        refused = truth.kind in numbers.REFUSED_BY[stage]
        if truth.kind == "query" and stage == "format":
            continue
        errors[refused][0] += 1
        errors[refused][1] += (reply["verdict"] == "no") != refused
    for refused, rate in ((True, judge.YES_TO_WRONG), (False, judge.NO_TO_RIGHT)):
        n, wrong = errors[refused]
        assert n
        assert abs(wrong - n * rate) <= 5 * (n * rate * (1 - rate)) ** 0.5 + 1, (refused, wrong, n)


def refined(folder, monkeypatch, rates):
    """A folder with one refined source set of a judge that errs at these rates."""
    monkeypatch.setattr(judge, "YES_TO_WRONG", rates[0])
    monkeypatch.setattr(judge, "NO_TO_RIGHT", rates[1])
    settings = experiment.Settings(seeds=1, records=60, cold_records=2, unseen=2, probe=2)
    experiment.write_data(settings, folder)
    served = judge.server(judge.Judge(judge.read_truths([folder / "data/truth-1.jsonl"])))
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    monkeypatch.setenv("REFINE_RUN_BASE_URLS", f"http://127.0.0.1:{served.server_port}/v1")
    try:
        from refine.cli import cli

        words = ["run", "--input", f"{folder}/data/source-1.jsonl", "-o", f"{folder}/refined/1"]
        done = CliRunner().invoke(cli, [*words, "--judge-model", "scripted"])
        assert done.exit_code == 0, done.output
    finally:
        served.shutdown()
        served.server_close()
        thread.join()
    return numbers.refinement(settings, folder)


def test_a_faultless_judge_loses_nothing_and_lets_through_stale_reasoning_only(tmp_path, monkeypatch):
    found = refined(tmp_path, monkeypatch, (0.0, 0.0))
    counts = found["counts"]
    for one in found["stages"].values():
        assert one["hits"] == one["refused"] == one["wrong"]
    assert counts["good_lost"] == 0
    assert counts["kept"] - counts["kept_good"] == counts["stale"] == found["kinds"]["arguments"]["kept"] == 7
    assert counts["repaired"] == 7 + found["kinds"]["format"]["kept"]
    assert found["kinds"]["query"] == {"kept": 0, "dropped": 6, "hard": 0}
    assert found["kinds"]["statement"]["kept"] == 3


def test_a_judge_that_accepts_everything_leaves_the_data_as_it_was(tmp_path, monkeypatch):
    counts = refined(tmp_path, monkeypatch, (1.0, 0.0))["counts"]
    assert counts["kept"] == counts["raw"] == 60
    assert counts["kept_good"] == counts["raw_good"] == 36
    assert counts["repaired"] == counts["stale"] - source.SHARES["cot"] * 60 == 0


def test_thinking_is_three_to_five_times_as_long_as_the_answer():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(ASSETS)
    made = source.items(100, "length", 2)
    think, text = (
        sum(len(tokenizer(line).input_ids) for line in lines)
        for lines in ([source.think(each) for each in made], [source.answer(each.calls) for each in made])
    )
    assert 3 <= think / text <= 5


# Driving programs.


def noted(folder, name, needs=(), text="", code=0):
    script = (
        f"import sys; open({str(folder / 'order')!r}, 'a').write({name + chr(10)!r}); print({text!r}); sys.exit({code})"
    )
    return Job(name, (sys.executable, "-c", script), needs)


def drive(todo, folder, slots=2):
    lines = []
    with jobs.locked(folder, lines.append) as lock:
        jobs.run(todo, folder, lock, slots, lines.append)
    return lines


def test_jobs_run_after_what_they_need_and_once(tmp_path):
    todo = [
        noted(tmp_path, "last", ("first", "second")),
        noted(tmp_path, "second", ("first",)),
        noted(tmp_path, "first"),
    ]
    lines = drive(todo, tmp_path)
    assert (tmp_path / "order").read_text().split() == ["first", "second", "last"]
    assert lines[-1].startswith("[3/3]")
    assert drive(todo, tmp_path) == ["3 of 3 steps were finished before"]
    assert len((tmp_path / "order").read_text().split()) == 3
    assert jobs.mark(tmp_path, "first")["cpu_seconds"] > 0


def test_a_failed_job_is_named_with_its_log_and_tried_again(tmp_path):
    bad = [
        noted(tmp_path, "good"),
        noted(tmp_path, "bad", ("good",), "the reason", 7),
        noted(tmp_path, "after", ("bad",)),
    ]
    with pytest.raises(RunIncomplete, match=r"bad ended with exit code 7(?s:.*)the reason"):
        drive(bad, tmp_path)
    drive([bad[0], noted(tmp_path, "bad", ("good",)), bad[2]], tmp_path)
    assert (tmp_path / "order").read_text().split() == ["good", "bad", "bad", "after"]


def test_a_folder_holds_one_experiment(tmp_path):
    experiment.claim(experiment.QUICK, tmp_path)
    experiment.claim(experiment.QUICK, tmp_path)
    with pytest.raises(UsageProblem, match="another bfcl, probe, records"):
        experiment.claim(experiment.Settings(), tmp_path)
    with pytest.raises(UsageProblem, match=r"Did you mean msl-0\.5"):
        experiment.claim(experiment.Settings(methods=("sft", "msl-.5")), tmp_path)


def test_every_command_is_one_that_its_program_understands(tmp_path, monkeypatch):
    programs = {name: importlib.import_module(f"{name}.cli").cli for name in ("harness", "trainer", "refine")}
    todo = commands.jobs(experiment.QUICK, tmp_path)
    assert {name for job in todo for name in job.needs} <= {job.name for job in todo}
    for job in todo:
        program, *words = job.command[2:]
        if program.endswith(".cli"):
            group = programs[program.removesuffix(".cli")]
            command = group.get_command(None, words[0])
            for parameter in command.params:
                if isinstance(parameter.type, click.Path):
                    monkeypatch.setattr(parameter.type, "exists", False)  # earlier jobs write them
            command.make_context(words[0], words[1:])


# Numbers.


def test_the_interval_over_seeds_is_students():
    low, high = numbers.over_seeds([0.01, 0.03, 0.05])
    assert (low + high) / 2 == pytest.approx(0.03)
    assert high - low == pytest.approx(2 * 4.302652729911275 * 0.02 / 3**0.5)
    assert numbers.over_seeds([0.1]) is None


@pytest.mark.parametrize(
    ("over", "q", "mean", "word"),
    [
        ([0.01, 0.03], 0.01, 0.02, "higher"),
        ([-0.03, -0.01], 0.01, -0.02, "lower"),
        ([-0.01, 0.03], 0.01, 0.01, "noise"),
        ([0.01, 0.03], 0.06, 0.02, "noise"),
        (None, 0.01, 0.02, "higher"),
    ],
)
def test_a_difference_is_one_beyond_both_kinds_of_noise(over, q, mean, word):
    assert page._judgement({"over_seeds": over, "mean": mean}, q) == word


def passed(share, n=100, seed=0):
    rng = Random(seed)
    return {f"q{index}": rng.random() < share for index in range(n)}


def test_pooled_differences_count_a_question_once_whatever_the_seeds():
    settings = experiment.Settings(seeds=3)
    low, high = {"exact": passed(0.3)}, {"exact": passed(0.6)}
    results = {"base": low, **{f"sft-{seed}": low for seed in (1, 2, 3)}, **{f"ssb-{seed}": high for seed in (1, 2, 3)}}
    found = numbers._difference(settings, results, "sft", "ssb", "exact")
    single = numbers._difference(experiment.Settings(seeds=1), results, "sft", "ssb", "exact")
    assert found["mean"] == single["mean"] > 0.1
    assert found["over_items"] == pytest.approx(single["over_items"])
    assert found["p"] == pytest.approx(single["p"])
    assert len(found["seeds"]) == 3


def results(settings):
    """Numbers of an experiment in which MSL with alpha 0.3 is better than SFT and the rest is as good."""
    shares = {"msl-0.3": 0.9}
    names = experiment.models(settings)
    both = {
        name: {metric: passed(shares.get(name.rpartition("-")[0], 0.5), seed=5) for metric in numbers.METRICS}
        for name in names
    }
    training = {"steps": 2, "records": 3, "reply_tokens_seen": 4, "tokens": {"think": 7, "result": 2}, "alpha": 0.4}
    return {
        "experiment": {"seeds": settings.seeds, "records": 9, "steps": 2, "batch": 4, "level": 2, "model": "m" * 64}
        | {"methods": settings.methods},
        "code": {"git": "c" * 40},
        "machine": {"cores": 2, "cpu": "some"},
        "time": {"wall_seconds": 90.0, "cpu_seconds": 120.0},
        "refinement": {
            "stages": {name: {"asked": 9, "wrong": 4, "refused": 5, "hits": 3} for name in numbers.REFUSED_BY},
            "kinds": {"clean": {"kept": 5, "dropped": 2, "hard": 2}},
            "counts": {"raw": 9, "raw_good": 5, "kept": 5, "kept_good": 4, "good_lost": 1, "repaired": 1, "stale": 1},
        },
        "rounds": [],
        "training": {name: {**training, "start_sha256": "b" * 64} for name in names[1:]},
        "models": {name: {m: numbers._score(one.values()) for m, one in each.items()} for name, each in both.items()},
        "without_call": dict.fromkeys(names, 0.125),
        "differences": {
            reference: {
                method: {m: numbers._difference(settings, both, reference, method, m) for m in numbers.METRICS}
                for method in settings.methods
                if method != reference
            }
            for reference in page.REFERENCES
        },
    }


def test_the_page_says_what_the_numbers_say():
    text = page.page(results(experiment.Settings()))
    (against_sft,) = (line for line in text.splitlines() if line.startswith("- exact against SFT"))
    assert "MSL, alpha 0.3 is higher (+" in against_sft
    assert against_sft.endswith("the others show no difference beyond noise.")
    assert "SRML, one round is" not in text
    assert "80.0% of the 5 kept (precision)" in text
    assert "3.5 think tokens a result token" in text
    assert "One seed says nothing" not in text
    assert all(len(line.split("|")) == len(text_head.split("|")) for text_head, line in table_lines(text))


def table_lines(text):
    head = None
    for line in text.splitlines():
        if line.startswith("|"):
            head = head or line
            yield head, line
        else:
            head = None


# The whole.

SMALL = {
    **{"records": 24, "cold-records": 24, "cold-steps": 2, "steps": 2, "batch": 4},
    **{"unseen": 4, "probe": 3, "bfcl": 2, "max-tokens": 96},
}


@pytest.mark.slow
def test_a_killed_experiment_goes_on_and_ends_with_its_page(tmp_path, bfcl_data):
    command = [sys.executable, "-m", "trainer.recipes.demo", "run", "-o", str(tmp_path), "--quick"]
    command += ["--methods", "sft"]
    command += [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not (tmp_path / "jobs/refine-1.json").exists():
        assert first.poll() is None
        time.sleep(0.1)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    mark = (tmp_path / "jobs/refine-1.json").read_bytes()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "jobs/refine-1.json").read_bytes() == mark
    text = (tmp_path / "report/demo.md").read_text()
    assert text in done.stdout
    for line in ("| SFT |", "BFCL (n 3)", "One seed says nothing"):
        assert line in text
    found = json.loads((tmp_path / "report/demo.json").read_text())
    assert set(found["models"]) == {"tiny", "base", "sft-1"}
    assert found["models"]["base"]["exact"]["n"] == 4
    assert found["refinement"]["counts"]["raw"] == 24
    assert (tmp_path / "report/report.html").stat().st_size > 10_000
    assert (tmp_path / "report/compare-sft-1.md").exists()
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "steps were finished before" in again.stdout

"""The scripted judge, asked as `refine` asks."""

from __future__ import annotations

import json
import threading

import pytest
from click.testing import CliRunner

from refine import material
from refine.judge import Question
from trainer.recipes.demo import experiment, judge, refining, source

STAGES = {
    "response": ("answer",),
    "query": ("query", "tools"),
    "cot": ("cot", "answer"),
    "arguments": ("query", "tools", "answer"),
    "format": ("query", "tools", "answer"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_the_judge_errs_at_its_known_rates_and_is_otherwise_right(stage):
    """Asked as `refine` asks; the bounds are five standard deviations wide."""
    pairs = list(source.records(600, seed=3, level=2))
    asked, question = judge.Judge(truth for _, truth in pairs), Question(stage)
    errors = {True: [0, 0], False: [0, 0]}
    for record, truth in pairs:
        prompt = question.prompt(material.of(record, *STAGES[stage]))
        reply = json.loads(asked.reply(*(message["content"] for message in prompt.messages)))
        refused = truth.kind in refining.REFUSED_BY[stage]
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
    return refining.refinement(folder, 1, folder / "refined/1")


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

"""The log on disk, and scores while training."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from harness.errors import UsageProblem
from tests.trainer.worlds import config, rows, write
from trainer.callbacks import LOG, Log
from trainer.data import Corpus
from trainer.evaluation import Evaluate
from trainer.run import train


def test_a_continued_log_drops_what_a_kill_lost(tmp_path, capsys):
    lines = [json.dumps({"step": step, "loss": 1.0}) for step in (1, 2, 3)]
    (tmp_path / LOG).write_text("\n".join(lines) + '\n{"step": 4, "lo')
    corpus = Corpus()
    corpus.counts.update({"rows": 5, "truncated": 0})
    state = SimpleNamespace(global_step=2, is_world_process_zero=True)
    Log(corpus, str).on_train_begin(SimpleNamespace(output_dir=str(tmp_path)), state, None)
    assert [json.loads(line)["step"] for line in (tmp_path / LOG).read_text().splitlines()] == [1, 2]
    assert capsys.readouterr().out == "rows: 5\n"


def test_only_the_main_process_logs(tmp_path, capsys):
    arguments, other = (
        SimpleNamespace(output_dir=str(tmp_path)),
        SimpleNamespace(global_step=1, is_world_process_zero=False),
    )
    log = Log(Corpus(), str)
    log.on_train_begin(arguments, other, None)
    log.on_log(arguments, other, None, {"loss": 1.0})
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == ""


def test_a_misspelt_task_is_refused_before_the_first_step(tmp_path):
    with pytest.raises(UsageProblem, match="simple_python"):
        Evaluate(None, config(tmp_path, eval_tasks="simple_pyton", eval_every=1))


def test_the_harness_scores_the_running_model(tmp_path, monkeypatch):
    held_out = write(tmp_path / "held_out.jsonl", rows(4, seed=9))
    monkeypatch.setenv("HARNESS_EXAMPLES", str(held_out))
    settings = {"eval_tasks": "examples", "eval_every": 2, "eval_limit": "3", "max_steps": 4}
    folder = train(config(tmp_path, **settings))
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    scored = [line for line in lines if "eval/examples" in line]
    assert [line["step"] for line in scored] == [2, 4]
    assert scored[0]["eval/examples/n"] == 3
    assert not (folder / ".eval").exists()
    assert list((folder / "results").rglob("samples.jsonl"))

"""What else a model can still do: grades of likelihoods, answers in words, and engines that cannot say."""

from __future__ import annotations

from math import log
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.benchmarks.retention import CATEGORIES, CHAT, PLUGIN, QUESTIONS, TEXTS
from harness.cli import cli
from harness.results import store
from harness.results.lines import decode_generation, encode_generation
from harness.types import Episode, FunctionCall, Generation, Reply, Step


def judged(category: str, generation: Generation, reply: Reply):
    (sample, *_) = PLUGIN.load([category])
    return PLUGIN.check(sample, Episode(sample.id, (Step(0, generation, reply),)))[category]


@pytest.mark.parametrize("category", [TEXTS, CHAT])
def test_a_text_is_graded_by_the_geometric_mean_of_its_tokens(category):
    found = judged(category, Generation("", logprobs=(log(0.5), log(0.125))), Reply(None, ""))
    assert found.evidence == {"credit": 0.25, "loss": pytest.approx(log(4), abs=1e-6), "tokens": 2}
    assert judged(category, Generation(""), Reply(None, "")).outcome == "unscored"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(None, "It is Rome."), None),
        (Reply(None, "A list: [1, 2]\nand (so) on."), None),
        (Reply(None, "[capital(country='Italy')]"), "retention:called"),
        (Reply(None, "Let me see.\n[capital(country='Italy')]"), "retention:called"),
        (Reply(None, "Let me see.", (FunctionCall("capital", {}),)), "retention:called"),
        (Reply(None, "[]"), "retention:empty"),
        (Reply(None, " \n"), "retention:empty"),
    ],
)
def test_a_plain_question_wants_words(reply, code):
    assert judged(QUESTIONS, Generation(reply.text), reply).code == code


def test_likelihoods_survive_the_disk():
    generation = Generation("", logprobs=(-0.5, -1.25))
    stored = encode_generation(generation)
    assert '"logprobs": [-0.5, -1.25]' in stored
    assert "logprobs" not in encode_generation(Generation("x"))
    import json

    assert decode_generation(json.loads(stored)) == generation


def test_ids_are_unique_and_all_is_asked():
    samples = PLUGIN.load(CATEGORIES)
    assert len({sample.id for sample in samples}) == len(samples) == 80


SCRIPTED = ["run", "--model", "m", "--engine", "scripted", "-M", "default=It rains.", "--progress", "none"]


def test_an_engine_without_likelihoods_measures_the_rest_and_says_so(tmp_path: Path, caplog):
    done = CliRunner().invoke(cli, [*SCRIPTED, "--tasks", "retention", "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert (
        "retention_texts, retention_chat: N/A, it asks how likely a text is; engine scripted does not say"
        in caplog.text
    )
    (run,) = store.find_runs(tmp_path)
    assert {name: score.passed for name, score in store.read_run(run).scores.items()} == {QUESTIONS: 32}
    alone = CliRunner().invoke(cli, [*SCRIPTED, "--tasks", TEXTS, "-o", str(tmp_path)])
    assert alone.exit_code != 0
    assert alone.exception is not None


def test_a_model_is_measured_compared_and_ranked(tmp_path: Path):
    command = ["run", "--model", "tiny", "--tasks", "retention", "--limit", "2", "--max-tokens", "8", "-q"]
    done = CliRunner().invoke(cli, [*command, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (run,) = store.find_runs(tmp_path)
    replayed = [*command, "--engine", "replay", "-M", f"run={run}", "-o", str(tmp_path / "again")]
    again = CliRunner().invoke(cli, replayed)
    assert again.exit_code == 0, again.output
    (other,) = store.find_runs(tmp_path / "again")
    assert store.read_run(other).scores == store.read_run(run).scores
    shown = CliRunner().invoke(cli, ["show", str(run), "retention_chat_capital"])
    assert "What is the capital of France?" in shown.output
    assert "The capital of France is Paris." in shown.output
    compared = CliRunner().invoke(cli, ["compare", str(run), str(other), "--format", "md"])
    assert "retention_texts" in compared.output
    board = CliRunner().invoke(cli, ["leaderboard", str(run), "--view", "retention"])
    assert "Retention:" in board.output
    assert "tiny" in board.output

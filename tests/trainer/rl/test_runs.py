"""Whole runs with the embedded model: replies, continuing, adapters, several processes."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from harness import chat, plugins
from harness.engines.hf import read_tokens
from harness.errors import DataError, RunIncomplete, UsageProblem
from harness.results import store
from harness.types import EngineSettings, RequestKey, Sampling
from tests.trainer.programs import flags, start, torchrun
from tests.trainer.rl.worlds import Scripted, config, log, questions, random_model, trainer_of
from trainer.cli import cli
from trainer.rl import rewards, run
from trainer.rl.items import read_items
from trainer.rl.rollout import Slots
from trainer.rl.run import learn
from trainer.run import load_tokenizer

SAME = ("loss", "grad_norm", "reward", "length", "kl", "entropy/right", "entropy/wrong", "bonus", "dead/all_wrong")


def assert_same(one: Path, other: Path, tolerance: float) -> None:
    mine, theirs = log(one), log(other)
    assert [line["step"] for line in mine] == [line["step"] for line in theirs]
    for left, right in zip(mine, theirs, strict=True):
        for name in SAME:
            assert left.get(name) == pytest.approx(right.get(name), rel=tolerance, abs=tolerance), (left["step"], name)


def test_greedy_replies_are_those_of_the_engine(tmp_path):
    settings = config(tmp_path)
    tokenizer = load_tokenizer(settings)
    corpus, handler = read_items(settings, tokenizer, rewards.load("exact"))
    trainer = trainer_of(settings)
    greedy = Sampling(max_tokens=settings.max_completion_length)
    slots = Slots(tokenizer, settings)
    slots.sampling = greedy
    trainer.model.train()
    ours = slots(trainer.model, list(enumerate(corpus.records[:4])), 0)
    assert trainer.model.training
    assert trainer.model.config._attn_implementation == "sdpa"

    session = plugins.open_engine("hf", EngineSettings("tiny", device="cpu"))
    for place, item in enumerate(corpus.records[:4]):
        session.submit(RequestKey(str(place), 0, 0), handler.render(item.query), greedy)
    theirs: dict[str, Any] = {}
    while done := session.collect():
        theirs |= {each.key.sample_id: each.generation for each in done}
    for place, (item, ids) in enumerate(zip(corpus.records[:4], ours, strict=True)):
        mine = read_tokens(tokenizer, item.prompt, ids, trainer.scorer.ends)
        their = theirs[str(place)]
        assert (mine.text, mine.finish, mine.prompt_tokens) == (their.text, their.finish, their.prompt_tokens)
        assert item.prompt == tokenizer.encode(
            chat.render(handler.render(item.query), tokenizer), add_special_tokens=False
        )


def test_new_weights_are_what_replies(tmp_path):
    """Keys and values of the weights before an update would survive in a cache that is kept."""
    settings = config(tmp_path)
    trainer = trainer_of(settings)
    asked = list(enumerate(trainer.items[:2]))
    before = trainer.slots(trainer.model, asked, 0)
    assert trainer.slots(trainer.model, asked, 0) == before
    assert trainer.slots(trainer.model, asked, 1) != before
    with torch.no_grad():
        for weight in trainer.model.parameters():
            weight.mul_(0.5)
    assert trainer.slots(trainer.model, asked, 0) != before


def test_a_killed_run_goes_on_as_an_undisturbed_one(tmp_path):
    settings = {"max_steps": 3, "save_steps": 1, "save_total_limit": None, "keep_every": 1}
    whole = learn(config(tmp_path, output_dir=str(tmp_path / "whole"), **settings))
    killed = config(tmp_path, output_dir=str(tmp_path / "killed"), **settings)
    process = start(learn, killed)
    while process.is_alive() and not (tmp_path / "killed" / "checkpoint-1").exists():
        time.sleep(0.01)
    time.sleep(0.3)  # in the middle of the second step
    process.kill()
    process.join()
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    assert_same(whole, learn(killed), 1e-12)
    assert not (whole / "README.md").exists(), "TRL's model card"
    kept = [
        sorted(line.key for line in store.read_samples(tmp_path / name / "replies")) for name in ("whole", "killed")
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 24
    with pytest.raises(UsageProblem, match="temperature"):
        learn(replace(killed, temperature=0.9))


def test_an_adapter_learns_from_its_base_as_reference(tmp_path):
    settings = config(tmp_path, use_peft=True, lora_r=4, save_steps=1)
    folder = learn(settings)
    lines = log(folder)
    assert lines[0]["kl"] == pytest.approx(0, abs=1e-9)
    assert lines[1]["kl"] > 0
    assert sorted(load_file(folder / "adapter_model.safetensors"))
    assert not (folder / "ref").exists()
    assert not (folder / "model.safetensors").exists()

    further = learn(replace(settings, model=str(folder), output_dir=str(tmp_path / "further"), save_steps=1))
    assert log(further)[0]["kl"] == pytest.approx(0, abs=1e-9)
    assert (
        load_file(further / "adapter_model.safetensors").keys()
        == load_file(folder / "adapter_model.safetensors").keys()
    )


@pytest.mark.parametrize("sharded", [False, True], ids=["replicas", "shards"])
def test_two_ranks_change_nothing(tmp_path, sharded):
    whole = learn(config(tmp_path, output_dir=str(tmp_path / "whole")))
    shape = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "fsdp": sharded}
    settings = config(tmp_path, output_dir=str(tmp_path / "ranks"), **shape)
    torchrun("rl", settings)
    assert_same(whole, tmp_path / "ranks", 2e-4)
    about = json.loads((tmp_path / "ranks" / "train.json").read_text())
    assert (about["ranks"], about["sharded"]) == (2, sharded)


def scripted(tmp_path: Path, replies: list[str], **settings: Any) -> Any:
    """A run of the random model whose every question gets these replies."""
    trainer = trainer_of(config(tmp_path, model=random_model(tmp_path), data=str(short(tmp_path)), **settings))
    texts = {item.example.id: [text.format(answer=item.example.answer) for text in replies] for item in trainer.items}
    trainer.slots = Scripted(texts, trainer.processing_class)
    return trainer


def short(folder: Path) -> Path:
    from tests.trainer.worlds import rows, write

    return write(folder / "short.jsonl", rows(8))


RIGHT, WRONG = "x</think>\n\n{answer}", "x</think>\n\n[]"


def test_a_step_whose_groups_are_all_dead_teaches_nothing(tmp_path):
    trainer = scripted(tmp_path, [RIGHT], optim="sgd", learning_rate=1.0, max_steps=1)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.train()
    assert all(torch.equal(before[name], value) for name, value in trainer.model.state_dict().items())
    assert (trainer.state.log_history[0]["dead/all_right"], trainer.state.log_history[0]["reward"]) == (1.0, 1.0)


def test_dead_groups_are_replaced_by_other_questions(tmp_path):
    trainer = scripted(tmp_path, [RIGHT], resample=2, max_steps=1, keep_every=1)
    living = [item.example.id for item in trainer.items[::2]]
    for name in living:
        trainer.slots.texts[name][1:] = ["x</think>\n\n[]"]
        trainer.slots.texts[name] *= 2
    trainer.train()
    line = trainer.state.log_history[0]
    assert line["resampled"] >= 1
    asked = {each.id for each in store.read_samples(tmp_path / "out" / "replies")}
    assert asked & set(living)


def test_it_gives_up_where_nothing_is_ever_rewarded(tmp_path):
    trainer = scripted(tmp_path, [WRONG], max_steps=9, stop_without_reward=3)
    with pytest.raises(RunIncomplete, match="3 steps in a row had no reward"):
        trainer.train()
    assert trainer.state.global_step == 2


def test_what_cannot_be_judged_leaves_its_group(tmp_path):
    trainer = scripted(tmp_path, [RIGHT, WRONG, RIGHT, RIGHT], max_steps=1, num_generations=4)
    judge = trainer.scorer.__class__.__call__

    class Doubtful(trainer.scorer.__class__):
        """Cannot judge wrong replies."""

        def __call__(self, item, ids):
            found = judge(self, item, ids)
            return replace(found, reward=found.reward or None)

    trainer.scorer.__class__ = Doubtful
    trainer.train()
    line = trainer.state.log_history[0]
    assert (line["unjudged"], line["reward"], line["dead/all_right"]) == (2, 1.0, 1.0)


def test_kept_replies_are_a_run_that_view_reads(tmp_path):
    from harness.cli import cli as harness

    trainer = scripted(tmp_path, [RIGHT, WRONG], max_steps=2, keep_every=1)
    trainer.train()
    record = store.read_run(tmp_path / "out" / "replies")
    assert {name: (score.n, score.passed) for name, score in record.scores.items()} == {
        "step_00001": (8, 4),
        "step_00002": (8, 4),
    }
    page = tmp_path / "page.html"
    done = CliRunner().invoke(harness, ["view", "bundle", str(tmp_path / "out" / "replies"), "-o", str(page)])
    assert done.exit_code == 0, done.output
    assert "step_00002" in page.read_text()


def test_a_probe_tells_what_teaches_and_goes_on_where_it_was(tmp_path):
    settings = config(tmp_path)
    given = [*flags(settings), "--probe", "8", "--json"]
    first = CliRunner().invoke(
        cli, ["rl", *given, "--probe-keep", str(tmp_path / "kept.jsonl")], catch_exceptions=False
    )
    found = json.loads(first.stdout)
    shares = [found[name]["share"] for name in ("all_right", "all_wrong", "teaches")]
    assert sum(shares) == pytest.approx(1)
    assert found["replies"] == 32
    path = tmp_path / "out" / "probe.jsonl"
    whole = path.read_text()
    kept = (tmp_path / "kept.jsonl").read_text().splitlines()
    assert len(kept) == round(8 * shares[2])
    path.write_text(whole[: len(whole) * 2 // 3])  # as a kill leaves it
    again = CliRunner().invoke(cli, ["rl", *given], catch_exceptions=False)
    assert json.loads(again.stdout) == found
    assert path.read_text() == whole


def test_another_trl_is_refused_in_plain_words(tmp_path, monkeypatch):
    monkeypatch.setattr(run.metadata, "version", lambda name: "1.17.0")
    with pytest.raises(UsageProblem, match=r"works with TRL 1.16, and 1.17.0 is installed"):
        learn(config(tmp_path))

    def missing(name: str) -> str:
        raise run.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(run.metadata, "version", missing)
    with pytest.raises(UsageProblem, match=r"needs TRL, which is not installed(.|\n)*trl>=1.16,<1.17"):
        learn(config(tmp_path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"per_device_train_batch_size": 6}, "a step has 6 replies .* not a multiple of --num-generations 4"),
        ({"entropy_bound": 0.5}, "can turn the sign"),
        ({"temperature": 0.0}, "a group of equal replies"),
        ({"reward": "exakt"}, "Did you mean exact"),
        ({"merge_adapter": True}, "trainer merge"),
        ({"resample": 1, "rollouts": "vllm-colocate"}, "--resample needs --rollouts slots"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_meant_is_refused_before_the_first_step(tmp_path, settings, message):
    with pytest.raises(UsageProblem, match=message):
        learn(config(tmp_path, **settings))


def test_too_few_questions_for_a_step_are_refused(tmp_path):
    questions(tmp_path / "few.jsonl", 1)
    with pytest.raises(DataError, match="a step asks 2 questions, and the data has 1"):
        learn(config(tmp_path, data=str(tmp_path / "few.jsonl")))

"""Held-out loss, early stopping and the best checkpoint: right figures, and the same after a kill."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from harness.errors import DataError, UsageProblem
from tests.trainer.worlds import config, log, rows, write
from trainer import evaluation
from trainer.config import TrainConfig
from trainer.data import Corpus, Record
from trainer.evaluation import held_out, in_batches
from trainer.run import train


def _evaluations(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "eval_loss" in line]


def _state(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "train.json").read_text()))


def _held_out(tmp_path: Path, **settings: Any) -> TrainConfig:
    data = write(tmp_path / "held_out.jsonl", rows(11, seed=5))
    return config(tmp_path, **{"eval_data": str(data), "eval_every": 2, **settings})


@pytest.mark.parametrize("loss", [{"loss": "sft"}, {"loss": "msl", "alpha": 0.3}, {"loss": "msl", "mean": "batch"}])
@pytest.mark.parametrize("packing", [False, True])
def test_held_out_loss_is_the_loss_of_a_step_on_that_data(tmp_path, loss, packing):
    shape = {"packing": packing, "max_length": 600, "per_device_train_batch_size": 3}
    evaluated = train(_held_out(tmp_path, learning_rate=0.0, max_steps=2, **shape, **loss))
    whole = {"max_steps": 1, "per_device_train_batch_size": 11, "packing": False}
    data = str(tmp_path / "held_out.jsonl")
    (step,) = log(train(config(tmp_path, data=data, output_dir=str(tmp_path / "whole"), **whole, **loss)))
    (found,) = _evaluations(evaluated)
    for name in ("loss", "loss_think", "loss_result"):
        assert found[f"eval_{name}"] == pytest.approx(step[name], abs=2e-5)


def test_a_learnable_alpha_does_not_change_what_is_compared(tmp_path):
    folder = train(_held_out(tmp_path, loss="ssb", alpha=0.4, alpha_lr=5.0))
    assert len({round(line["alpha"], 3) for line in log(folder)}) > 1
    for found in _evaluations(folder):
        assert found["eval_loss"] == pytest.approx(0.4 * found["eval_loss_think"] + 0.6 * found["eval_loss_result"])


def test_measuring_changes_nothing_of_the_training(tmp_path):
    plain = train(config(tmp_path, output_dir=str(tmp_path / "plain")))
    measured = train(_held_out(tmp_path, eval_every=1))
    assert [line["loss"] for line in log(plain)] == [line["loss"] for line in log(measured)]
    assert (plain / "model.safetensors").read_bytes() == (measured / "model.safetensors").read_bytes()


def test_a_run_stops_when_nothing_gets_better_and_keeps_its_best(tmp_path, capsys):
    settings = _held_out(
        tmp_path,
        **{"eval_every": 1, "max_steps": 40, "learning_rate": 0.5, "lr_scheduler_type": "constant"},
        **{"early_stopping_patience": 2, "save_total_limit": 1, "save_steps": 1, "warmup_steps": 3},
    )
    folder = train(settings)
    losses = [line["eval_loss"] for line in _evaluations(folder)]
    best = losses.index(min(losses)) + 1
    state = _state(folder)
    assert state["step"] == len(losses) == best + 2
    assert state["best"] == {
        **{"metric": "eval_loss", "value": min(losses), "step": best},
        **{"checkpoint": f"checkpoint-{best}", "loaded": False},
    }
    assert (folder / f"checkpoint-{best}" / "model.safetensors").is_file()
    assert "stopped: 2 evaluations without a better eval_loss" in capsys.readouterr().out
    train(settings)
    assert "is finished" in capsys.readouterr().out
    with pytest.raises(UsageProblem, match="early_stopping_patience"):
        train(dataclasses.replace(settings, early_stopping_patience=3))


@pytest.mark.parametrize("peft", [False, True])
def test_the_best_checkpoint_is_the_result_where_that_is_asked_for(tmp_path, peft):
    settings = {"eval_every": 1, "max_steps": 6, "learning_rate": 50.0 if peft else 0.5, "warmup_steps": 3}
    folder = train(
        _held_out(tmp_path, **settings, load_best_model_at_end=True, lr_scheduler_type="constant", use_peft=peft)
    )
    best = _state(folder)["best"]
    assert best["step"] < _state(folder)["step"]
    assert best["loaded"]
    name = "adapter_model.safetensors" if peft else "model.safetensors"
    got, expected = load_file(folder / name), load_file(folder / best["checkpoint"] / name)
    assert got.keys() == expected.keys()
    assert all(got[key].equal(expected[key]) for key in expected)


@pytest.mark.parametrize("killed_at", [2, 3, 4])
def test_a_killed_run_stops_where_an_undisturbed_one_does(tmp_path, monkeypatch, killed_at):
    common = {
        **{"max_steps": 20, "learning_rate": 0.5, "lr_scheduler_type": "constant", "warmup_steps": 3},
        **{"eval_every": 1, "early_stopping_patience": 2, "save_steps": 2, "load_best_model_at_end": True},
    }
    whole = train(_held_out(tmp_path, output_dir=str(tmp_path / "whole"), **common))
    settings = _held_out(tmp_path, **common)
    _interrupted(settings, killed_at, monkeypatch)
    again = train(settings)
    assert _evaluations(again) == _evaluations(whole)
    assert _state(again)["best"] == _state(whole)["best"]
    assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    for last in (again / "train.json", again / "model.safetensors"):  # killed before the result was saved
        last.unlink()
    assert train(settings) == again
    assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def _interrupted(settings: TrainConfig, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed when it is about to be measured at a step."""
    end = evaluation.Evaluate.on_step_end

    def dying(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == step:
            raise KeyboardInterrupt
        end(self, args, state, control, **more)

    with monkeypatch.context() as patch:
        patch.setattr(evaluation.Evaluate, "on_step_end", dying)
        with pytest.raises(KeyboardInterrupt):
            train(settings)


def test_other_held_out_data_goes_on_with_the_same_training_and_is_its_own_measure(tmp_path, monkeypatch):
    common = {"eval_every": 1, "save_steps": 2, "save_total_limit": 1, "max_steps": 6}
    whole = train(_held_out(tmp_path, output_dir=str(tmp_path / "whole"), **common))
    settings = _held_out(tmp_path, **common)
    _interrupted(settings, 5, monkeypatch)
    easier = write(tmp_path / "easier.jsonl", rows(48)[:3])
    again = train(dataclasses.replace(settings, eval_data=(str(easier),)))
    assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    late = {line["step"]: line["eval_loss"] for line in _evaluations(again) if line["step"] > 4}
    best = min(late, key=late.__getitem__)
    assert (_state(again)["best"]["step"], _state(again)["best"]["value"]) == (best, late[best])
    assert _state(again)["evaluated"]["since"] == 4


@pytest.mark.parametrize("follows", [{"early_stopping_patience": 50}, {"load_best_model_at_end": True}])
def test_what_a_run_follows_cannot_change_in_it(tmp_path, monkeypatch, follows):
    settings = _held_out(tmp_path, eval_every=1, save_steps=2, **follows)
    _interrupted(settings, 3, monkeypatch)
    other = str(write(tmp_path / "other.jsonl", rows(3, seed=9)))
    for change, named in (({"eval_data": (other,)}, "the held-out data itself"), ({"eval_every": 2}, "eval_every")):
        with pytest.raises(UsageProblem, match=named):
            train(dataclasses.replace(settings, **change))
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes((tmp_path / "held_out.jsonl").read_bytes())
    assert _state(train(dataclasses.replace(settings, eval_data=(str(copy),))))["step"] == 6


def test_scores_decide_where_nothing_is_held_out(tmp_path, monkeypatch):
    scores = iter([0.5, 0.75, 0.5, 0.25])
    monkeypatch.setattr(evaluation, "score", lambda model, settings: {"eval_score": next(scores)})
    settings = {"eval_tasks": "examples", "eval_every": 1, "early_stopping_patience": 2, "max_steps": 20}
    folder = train(config(tmp_path, **settings))
    assert _state(folder)["step"] == 4
    assert (_state(folder)["best"]["step"], _state(folder)["best"]["value"]) == (2, 0.75)


def _corpus(*names: str) -> Corpus:
    return Corpus([Record(name, [], []) for name in names])  # type: ignore[arg-type]


def test_a_conversation_is_held_out_with_all_its_turns():
    names = [f"{number}{turn}" for number in range(40) for turn in ("@1", "@3", "")]
    left, out = held_out(_corpus(*names, *names), 0.25, seed=1)
    inside, outside = ({record.id for record in part.records} for part in (left, out))
    assert {name.partition("@")[0] for name in inside}.isdisjoint(name.partition("@")[0] for name in outside)
    assert len(out.records) == 10 * 3 * 2
    assert left.counts["records held out"] == len(out.records)
    _, again = held_out(_corpus(*reversed(names)), 0.25, seed=1)
    assert {record.id for record in again.records} == outside
    assert {record.id for record in held_out(_corpus(*names), 0.25, seed=2)[1].records} != outside
    assert [len(part.records) for part in held_out(_corpus("a", "b"), 0.001, seed=0)] == [1, 1]
    with pytest.raises(DataError, match="one conversation"):
        held_out(_corpus("a@1", "a"), 0.5, seed=0)


def test_a_held_out_fraction_is_not_trained_on(tmp_path):
    folder = train(config(tmp_path, eval_fraction=0.25, eval_every=2))
    counts = _state(folder)["data"]
    assert (counts["counts"]["records"], counts["held_out"]["counts"]["records"]) == (36, 12)
    assert [line["step"] for line in _evaluations(folder)] == [2, 4, 6]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_share_all_rows_and_take_as_many_turns(ranks):
    shares = [in_batches(range(11), 2, rank, ranks) for rank in range(ranks)]
    assert len({len(share) for share in shares}) == 1
    assert sorted(row for share in shares for batch in share for row in batch) == list(range(11))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eval_data": "x.jsonl"}, "--eval-every"),
        ({"eval_data": "x.jsonl", "eval_fraction": 0.1, "eval_every": 1}, "one of them"),
        ({"eval_fraction": 1.0, "eval_every": 1}, "between 0 and 1"),
        ({"eval_every": 1}, "something to measure"),
        ({"early_stopping_patience": 1}, "go by evaluations"),
        ({"load_best_model_at_end": True}, "go by evaluations"),
        ({"eval_fraction": 0.1, "eval_every": -1}, "not negative"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(tmp_path, settings, message):
    with pytest.raises(UsageProblem) as problem:
        config(tmp_path, **settings).check()
    assert message in f"{problem.value} {problem.value.remedy}"


def test_a_metric_that_is_not_measured_is_named(tmp_path):
    with pytest.raises(UsageProblem, match="eval/simple"):
        train(_held_out(tmp_path, metric_for_best_model="eval/simple"))

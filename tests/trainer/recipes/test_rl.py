"""The experiment on reinforcement: its commands, and what its page concludes from numbers."""

from __future__ import annotations

import hashlib
import json

import click
import pytest

import harness.cli
import refine.cli
import trainer.cli
from harness.errors import UsageProblem
from trainer.recipes.rl import experiment, numbers, page

PROGRAMS = {"harness.cli": harness.cli.cli, "refine.cli": refine.cli.cli, "trainer.cli": trainer.cli.cli}


def test_every_command_is_one(tmp_path):
    settings = experiment.Settings(seeds=1)
    experiment.claim(settings, tmp_path)
    experiment.write_data(settings, tmp_path)
    (tmp_path / "data/kept.jsonl").write_text("")
    for job in experiment.jobs(settings, tmp_path):
        package, *words = job.command[2:]
        found: click.Command = PROGRAMS[package]
        assert isinstance(found, click.Group)
        command = found.get_command(click.Context(found), words[0])
        assert command is not None
        command.make_context(words[0], list(words[1:])).close()


def test_seeds_may_grow_and_sizes_may_not(tmp_path):
    experiment.claim(experiment.Settings(seeds=1), tmp_path)
    experiment.claim(experiment.Settings(seeds=2), tmp_path)
    with pytest.raises(UsageProblem, match="another steps"):
        experiment.claim(experiment.Settings(seeds=2, steps=3), tmp_path)
    with pytest.raises(UsageProblem, match="Did you mean grpo"):
        experiment.claim(experiment.Settings(methods=("gpro",)), tmp_path)


def test_what_was_measured_elsewhere_is_not_run_again(tmp_path):
    settings = experiment.Settings(seeds=1, methods=("sft", "srml"))
    todo = experiment.jobs(settings, tmp_path, {"start": "01", "sft-1": "11"})
    assert [(job.name, job.needs) for job in todo] == [("srml-1", ()), ("score-srml-1", ("srml-1",))]
    experiment.claim(settings, tmp_path)
    experiment.write_data(settings, tmp_path, ["questions-7", "questions-2"])
    kept = [json.loads(line)["id"] for line in (tmp_path / "data/kept.jsonl").read_text().splitlines()]
    assert kept == ["questions-2", "questions-7"]
    earlier = {"experiment": json.loads(json.dumps(experiment.identity(settings))) | {"seeds": 3, "methods": ["grpo"]}}
    assert experiment.earlier(settings, earlier) == earlier
    with pytest.raises(UsageProblem, match="another steps"):
        experiment.earlier(experiment.Settings(steps=3), earlier)


def test_numbers_join_what_is_here_and_what_is_known(tmp_path):
    settings = experiment.Settings(seeds=2, methods=("sft", "grpo"), group=2)
    (tmp_path / "probe").mkdir()
    (tmp_path / "data").mkdir()
    row = {"id": "1", "right": 1, "judged": 2, "truncated": 0, "format": 2, "tokens": 9}
    (tmp_path / "probe/probe.jsonl").write_text(f"{{}}\n{json.dumps(row)}\n")
    asked = '{"id": "1"}\n'
    (tmp_path / "data/kept.jsonl").write_text(asked)
    probed = numbers.gather(settings, tmp_path, {})
    assert (probed["questions"], probed["probe"]["questions"]) == (["1"], 1)
    known = {"items": {"start": "0101", "sft-1": "0111", "grpo-1": "1111"}}
    known |= {
        "code": dict.fromkeys(known["items"], "abc"),
        "questions_sha256": hashlib.sha256(asked.encode()).hexdigest(),
        "probe": probed["probe"],
    }
    found = numbers.gather(settings, tmp_path, known)
    assert found["unfinished"] == ["sft-2", "grpo-2"]
    assert found["methods"]["grpo"] == {"mean": 1.0, "seeds": 1, "over_seeds": None}
    assert [found["differences"][name]["mean"] for name in ("sft-start", "grpo-start")] == [0.25, 0.5]
    assert found["scores"]["sft-1"]["passed"] == 3
    text = page.text(found)
    assert "Qwen2.5-Coder-7B-Instruct (FunRL) | 90.40" in text.replace("  ", "")
    assert "of one seed" in text
    with pytest.raises(UsageProblem, match="trained on other questions"):
        numbers.gather(settings, tmp_path, known | {"questions_sha256": "0"})


def told(rises: list[float], gain: tuple[float, float]) -> dict:
    curve = {name: [(step, 0.1) for step in range(1, 7)] for name in (*numbers.FIGURES, *numbers.MORE)}
    return {
        "training": {
            f"grpo-{seed}": curve | {"reward": [(step, 0.5 + rise * (step > 4)) for step in range(1, 7)]}
            for seed, rise in enumerate(rises, 1)
        },
        "differences": {
            "egpo-grpo": {
                "seeds": [{"seed": 1, "difference": 0.1}],
                "mean": 0.1,
                "over_seeds": gain,
                "over_items": gain,
                "p": 0.5,
            },
        },
    }


def test_a_verdict_is_what_the_intervals_say():
    clear = page._verdict(told([0.20, 0.21, 0.22], (0.05, 0.15)))
    assert "rises in 3 of 3 runs, by +0.210 in the mean (+0.185 to +0.235 over seeds): a rise." in clear
    assert (
        "EGPO against GRPO: +10.0 points of greedy accuracy on held-out questions, a difference beyond noise." in clear
    )
    doubtful = page._verdict(told([0.3, -0.1, 0.1], (-0.05, 0.15)))
    assert "rises in 2 of 3 runs, by +0.100" in doubtful
    assert "no rise beyond noise" in doubtful
    assert "no difference beyond noise" in doubtful

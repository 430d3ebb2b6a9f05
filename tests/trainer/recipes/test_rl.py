"""The experiment on reinforcement: its commands, and what its page concludes from numbers."""

from __future__ import annotations

import click
import pytest

import harness.cli
import trainer.cli
from harness.errors import UsageProblem
from trainer.recipes.rl import experiment, page


def test_every_command_is_one(tmp_path):
    settings = experiment.Settings(seeds=1)
    experiment.claim(settings, tmp_path)
    experiment.write_data(settings, tmp_path)
    (tmp_path / "data/kept.jsonl").write_text("")
    for job in experiment.jobs(settings, tmp_path):
        package, *words = job.command[2:]
        found: click.Command = {"harness.cli": harness.cli.cli, "trainer.cli": trainer.cli.cli}[package]
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


def numbers(rises: list[float], gain: tuple[float, float]) -> dict:
    curve = {name: [(step, 0.1) for step in range(1, 7)] for name in (*page.FIGURES, *page.MORE)}
    return {
        "training": {
            f"grpo-{seed}": curve | {"reward": [(step, 0.5 + rise * (step > 4)) for step in range(1, 7)]}
            for seed, rise in enumerate(rises, 1)
        },
        "differences": {
            "egpo-grpo": {"seeds": {"1": 0.1}, "mean": 0.1, "over_seeds": gain, "over_items": gain, "p": 0.5},
            "sft-start": None,
        },
    }


def test_a_verdict_is_what_the_intervals_say():
    clear = page._verdict(numbers([0.20, 0.21, 0.22], (0.05, 0.15)))
    assert "rises in 3 of 3 runs, by +0.210 in the mean (+0.185 to +0.235 over seeds): a rise." in clear
    assert (
        "EGPO against GRPO: +10.0 points of greedy accuracy on held-out questions, a difference beyond noise." in clear
    )
    doubtful = page._verdict(numbers([0.3, -0.1, 0.1], (-0.05, 0.15)))
    assert "rises in 2 of 3 runs, by +0.100" in doubtful
    assert "no rise beyond noise" in doubtful
    assert "no difference beyond noise" in doubtful

"""Every command of the experiment, held against the real programs."""

from __future__ import annotations

import importlib

import click
import pytest

from trainer.recipes.demo import commands, experiment


@pytest.mark.parametrize("model", ["tiny", "another"])
def test_every_command_is_one_that_its_program_understands(model, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "slug", lambda _: model)
    monkeypatch.setattr(experiment, "inspect", lambda _: None)
    settings = experiment.sizes(model, quick=True)
    for name in ("base", "sft-1"):
        experiment.runs_of(settings, tmp_path, "scores", name).mkdir(parents=True)
    programs = {name: importlib.import_module(f"{name}.cli").cli for name in ("harness", "trainer", "refine")}
    parts = commands.parts(settings, tmp_path)
    assert {"base", "sft-1", "data-1"} < parts.keys()
    todo = list({job.name: job for part in parts.values() for job in part}.values())
    todo += commands.reporting(settings, tmp_path)
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

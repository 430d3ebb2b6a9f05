"""Every command of the experiment, held against the real programs."""

from __future__ import annotations

import importlib

import click

from trainer.recipes.demo import commands, experiment


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

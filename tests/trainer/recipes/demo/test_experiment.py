"""A folder and the experiment in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import UsageProblem
from trainer.recipes.demo import experiment


def test_a_folder_holds_one_experiment(tmp_path):
    quick = experiment.sizes("tiny", quick=True)
    experiment.claim(quick, tmp_path)
    experiment.claim(replace(quick, seeds=5), tmp_path)
    with pytest.raises(UsageProblem, match="another bfcl, probe, records"):
        experiment.claim(experiment.Settings(), tmp_path)
    with pytest.raises(UsageProblem, match=r"Did you mean msl-0\.5"):
        experiment.claim(experiment.Settings(methods=("sft", "msl-.5")), tmp_path)

"""Records of parts: what is kept of a model, and whose records count."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.errors import UsageProblem
from harness.results.lines import SampleLine, encode
from harness.types import Verdict
from trainer.recipes.demo import experiment, parts


def test_passes_are_kept_as_digits_and_grades_as_numbers_in_the_order_of_ids(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "runs_of", lambda _, folder, kind, name: folder / kind / name)
    run = tmp_path / "scores/sft-1/bfcl/one"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({}))
    verdicts = {
        "simple_python_1": {"simple_python": Verdict("fail", "wrong")},
        "simple_python_0": {"simple_python": Verdict("pass")},
        "multiple_0": {"multiple": Verdict("pass")},
        "b": {"retention_texts": Verdict("pass", evidence={"credit": 0.5})},
        "a": {"retention_texts": Verdict("pass", evidence={"credit": 0.25})},
    }
    lines = (SampleLine(name, 0, next(iter(found)), (), verdicts=found) for name, found in verdicts.items())
    (run / "samples.jsonl").write_bytes(b"".join(map(encode, lines)))
    assert parts._outcomes(experiment.Settings(), tmp_path, "sft-1") == {
        "bfcl": "101",
        "simple": "10",
        "multiple": "1",
        "texts": [0.25, 0.5],
    }


def test_records_of_another_experiment_do_not_count(tmp_path):
    settings = experiment.sizes("tiny", quick=True)
    identity = experiment.identity(settings)
    parts.write(tmp_path, "base", {"experiment": identity})
    parts.write(tmp_path, "sft-2", {"experiment": identity})
    assert set(parts.read(settings, tmp_path, identity)) == {"base"}
    assert set(parts.read(replace(settings, seeds=2), tmp_path, identity)) == {"base", "sft-2"}
    assert experiment.settings_of(parts.identity_of(tmp_path), 1) == settings
    with pytest.raises(UsageProblem, match=r"base\.json is of an experiment with another steps"):
        parts.read(settings, tmp_path, experiment.identity(replace(settings, steps=3)))
    with pytest.raises(UsageProblem, match="holds no record of base"):
        parts.identity_of(tmp_path / "elsewhere")

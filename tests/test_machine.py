"""What this machine is measured to do."""

from __future__ import annotations

from importlib import metadata

import pytest

from harness import machine


def test_the_gain_of_bfloat16_is_a_ratio_of_processor_times() -> None:
    assert 0.01 < machine.bfloat16_gain() < 50
    assert machine.bfloat16_gain() == machine.bfloat16_gain()


def test_a_missing_extra_is_installed_by_the_names_of_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = [
        "click>=8",
        'torch>=2; extra == "hf"',
        "peft>=1 ; extra == 'hf'",
        'funreason-harness[hf]; extra == "train"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: [*needs, 'datasets>=3; extra == "train"'])
    monkeypatch.setattr(machine, "version", lambda name: "1" if name == "torch" else None)
    assert machine.install("train") == "pip install 'peft>=1' 'datasets>=3'"
    monkeypatch.setattr(machine, "version", lambda name: "1")
    assert machine.install("hf") == "pip install 'torch>=2' 'peft>=1'", "all are there, and something is broken"


def test_sources_that_were_never_installed_have_a_remedy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", unknown)
    assert machine.install("hf").startswith("pip install '.[hf]'")

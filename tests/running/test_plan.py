from __future__ import annotations

from pathlib import Path

import pytest

from harness.results import provenance
from harness.running.plan import Engine, RunSpec, plan
from harness.types import EngineSettings, Sampling
from tests.toy import Toy, install


def test_the_identity_of_a_configuration_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Computed by version 0.1.0: the same command must find the runs of earlier versions again."""
    install(Toy(), monkeypatch.setattr)
    monkeypatch.setattr(provenance, "checker_sha256", lambda _: "c" * 64)
    options = {"script": "script.json", "default": "x", "slots": 3}
    settings = EngineSettings("model", options=options, chat_template_kwargs={"a": 1})
    spec = RunSpec(
        settings,
        "toy",
        ("echo", "talk"),
        engine="scripted",
        handler="funreason",
        handler_options={"think_prefix": "<t>"},
        sampling=Sampling(temperature=0.5, stop=("x",)),
        repeats=2,
        limit="3",
        output=tmp_path,
    )
    found = plan(spec, Engine("scripted", settings)).record.config_sha256
    assert found == "8b0edf520826a266bc26852005d0bbb06b236667057243ef30892840761222a8"

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.engines.replay import PLUGIN
from harness.errors import DataError, UsageProblem
from harness.results import store
from harness.results.lines import RecordedStep, SampleLine, encode
from harness.types import (
    BenchmarkInfo,
    CodeInfo,
    EngineInfo,
    EngineSettings,
    Generation,
    MachineInfo,
    ModelInfo,
    Prompt,
    RequestKey,
    RunRecord,
    Sampling,
)

RECORD = RunRecord(
    run_id="r",
    started="2026-01-01T00:00:00Z",
    status="incomplete",
    model=ModelInfo("org/model", sha256="s"),
    benchmark=BenchmarkInfo("toy"),
    handler="prompt",
    engine=EngineInfo(),
    sampling=Sampling(),
    rules="upstream",
    repeats=2,
    code=CodeInfo(),
    machine=MachineInfo(),
    config_sha256="c",
)


@pytest.fixture
def recorded(tmp_path: Path) -> EngineSettings:
    store.write_run(tmp_path, RECORD)
    first = SampleLine("a", 0, "echo", (RecordedStep(0, Generation("one")), RecordedStep(1, Generation("two"))))
    failed = replace(first, repeat=1, steps=first.steps[:1], fault="HTTP 500")
    (tmp_path / store.SAMPLES).write_bytes(encode(first) + encode(failed))
    return EngineSettings("any", options={"run": str(tmp_path)})


def test_it_says_what_was_said(recorded: EngineSettings) -> None:
    session = PLUGIN.open(recorded)
    for key in (("a", 0, 0), ("a", 0, 1), ("a", 0, 2), ("a", 1, 0), ("a", 1, 1), ("b", 0, 0)):
        session.submit(RequestKey(*key), Prompt(()), Sampling())
    found = [(each.generation.text if each.generation else each.fault) for each in session.collect()]
    nothing = f"{recorded.options['run']} does not hold step"
    assert found == ["one", "two", f"{nothing} 2 of a", "one", "HTTP 500", f"{nothing} 0 of b"]
    assert PLUGIN.describe(recorded) == RECORD.model


def test_it_needs_a_recording(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="run=FOLDER"):
        PLUGIN.open(EngineSettings("any"))
    with pytest.raises(DataError, match=r"run\.json"):
        PLUGIN.open(EngineSettings("any", options={"run": str(tmp_path)}))

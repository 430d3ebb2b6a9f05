from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageProblem
from harness.results import provenance, store
from harness.running.plan import RunSpec, SharedEngine, plan
from harness.running.runner import run
from harness.types import EngineSettings, Sampling
from tests.toy import SIZE, Toy, install


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    install(Toy(), monkeypatch.setattr)


def test_the_identity_of_a_configuration_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same command must find its runs again. Changed once, when what servers take became a part of it."""
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
    found = plan(spec, SharedEngine("scripted", settings)).record.config_sha256
    assert found == "8e766f42182d85cc42c086ad57f3235fc4bc2ef2527f07ad2a045c9dbfd84736"


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunSpec:
    """A run of which an earlier checker that judges alike judged all but two items."""
    settings = EngineSettings("model", options={"default": "so so"})
    spec = RunSpec(settings, "toy", ("echo",), engine="scripted", handler="prompt", output=tmp_path)
    with monkeypatch.context() as earlier:
        earlier.setattr(provenance, "checker_sha256", lambda _: "e" * 64)
        record = run(spec)
    folder = store.path_of(tmp_path, record)
    lines = (folder / store.SAMPLES).read_bytes().splitlines(keepends=True)
    (folder / store.SAMPLES).write_bytes(b"".join(lines[:-2]))
    return spec


def test_a_run_of_an_earlier_checker_that_judges_alike_is_continued(
    begun: RunSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(provenance.EARLIER_CHECKERS, "toy", ("e" * 64,))  # type: ignore[arg-type]
    (folder,) = store.find_runs(begun.output)
    record = run(begun)
    assert (record.run_id, record.scores["echo"].judged) == (folder.name, SIZE)
    # From now on it is a run of the installed checker.
    data = json.loads((folder / store.RUN).read_bytes())
    assert data["benchmark"]["checker_sha256"] == provenance.checker_sha256(Toy())
    assert data["config_sha256"] == plan(begun, SharedEngine("scripted", begun.settings)).record.config_sha256


def test_it_is_not_continued_where_anything_else_differs(begun: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SharedEngine("scripted", begun.settings)
    assert plan(begun, engine).folder is None
    monkeypatch.setitem(provenance.EARLIER_CHECKERS, "toy", ("e" * 64,))  # type: ignore[arg-type]
    assert plan(begun, engine).folder is not None
    assert plan(replace(begun, rules="strict"), engine).folder is None
    assert plan(replace(begun, sampling=Sampling(temperature=0.5)), engine).folder is None


@pytest.mark.usefixtures("bfcl_data")
def test_a_category_that_native_calls_cannot_be_measured_on_is_not_asked(tmp_path: Path) -> None:
    settings = EngineSettings("model", options={"default": "x"})
    spec = RunSpec(settings, "bfcl", ("irrelevance", "format_sensitivity"), engine="scripted", output=tmp_path)
    engine = SharedEngine("scripted", settings)
    assert plan(replace(spec, handler="fc"), engine).record.benchmark.categories == ("irrelevance",)
    assert plan(replace(spec, handler="prompt"), engine).record.benchmark.categories == spec.categories
    with pytest.raises(UsageProblem, match="N/A"):
        plan(replace(spec, handler="fc", categories=("format_sensitivity",)), engine)

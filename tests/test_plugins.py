"""What `plugins.load` makes of a plug-in from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from harness import doctor, plugins
from harness.errors import UsageProblem
from harness.protocols import Benchmark, Engine, Handler
from harness.running import selection
from harness.types import EngineSettings


class Bare:
    """An engine and its session with what every version of the protocols has asked for."""

    name, version, slots = "bare", "1", 1

    def open(self, settings: EngineSettings) -> Bare:
        return Bare()

    def submit(self, *_: Any) -> None: ...

    def collect(self) -> list[Any]:
        return []

    def close(self) -> None: ...


class Wordless:
    name = "wordless"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two engines and a benchmark of another distribution."""
    wordless = "tests.test_plugins:WORDLESS"
    points = {
        "harness.engines": {
            "bare": EntryPoint("bare", "tests.test_plugins:BARE", "harness.engines"),
            "wordless": EntryPoint("wordless", wordless, "harness.engines"),
        },
        "harness.benchmarks": {"wordless": EntryPoint("wordless", wordless, "harness.benchmarks")},
    }
    monkeypatch.setattr(plugins, "points", lambda group: points.get(group, {}))
    yield
    plugins.load.cache_clear()


BARE, WORDLESS = Bare(), Wordless()


@pytest.mark.usefixtures("elsewhere")
def test_a_plugin_without_a_new_member_gets_its_default() -> None:
    engine = plugins.load("engines", "bare")
    assert engine is BARE
    assert (engine.requires, engine.extra, engine.layout, engine.flags) == ((), "", (), {})
    assert plugins.open_engine("bare", EngineSettings("m")).gpus is None


@pytest.mark.usefixtures("elsewhere")
def test_a_plugin_without_another_member_is_refused_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UsageProblem, match=r"engine wordless has no `open`\n.*Engine in harness/protocols\.py"):
        plugins.load("engines", "wordless")
    assert {"bfcl", "evalplus"} <= set(selection.benchmarks())
    assert "benchmark wordless cannot be loaded: benchmark wordless has no `check`" in caplog.text
    states = {finding.name: finding.state for finding in doctor._engines() if finding.topic == "engine"}
    assert (states["wordless"], states["bare"], states["scripted"]) == ("broken", "ok", "ok")


def test_frozen_objects_and_modules_get_defaults_too() -> None:
    @dataclass(frozen=True, slots=True)
    class Frozen:
        name: str = "frozen"
        open: Any = None

    assert plugins.complete(Frozen(), Engine, "engine frozen").layout == ()
    module = ModuleType("alone")
    module.name, module.open = "alone", print  # type: ignore[attr-defined]
    assert plugins.complete(module, Engine, "engine alone").extra == ""


def test_what_a_plugin_has_stays() -> None:
    class Own(Bare):
        layout = ("copies",)

    assert plugins.complete(Own(), Engine, "engine own").layout == ("copies",)


def test_members_are_the_fields_and_methods_of_a_protocol() -> None:
    assert plugins.members(Handler) == ["continues", "fit", "matches", "name", "native", "parse", "render", "write"]
    assert {"check_workers", "runs_programs", "check"} <= set(plugins.members(Benchmark))

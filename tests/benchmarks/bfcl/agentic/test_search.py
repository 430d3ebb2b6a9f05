"""A search service that does not search makes no model wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from harness.benchmarks.bfcl.agentic import search, tools
from harness.running.plan import RunSpec
from harness.running.runner import run
from harness.types import EngineSettings, RunRecord

pytestmark = pytest.mark.usefixtures("bfcl_data")
KEY = "secret-key"
Service = Callable[[Mapping[str, Any]], dict[str, Any]]


@pytest.fixture
def play(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[Service], RunRecord]:
    """Play one item whose model searches once and then gives up; the paid service is what the test says."""
    monkeypatch.setenv(tools.SEARCH_KEY, KEY)
    monkeypatch.setattr(tools, "NEEDS", {**tools.NEEDS, "web_search_base": tools.Needs((), "", tools.SEARCH_KEY)})
    monkeypatch.setattr(search, "FIRST_WAIT", 0.0)
    for name in ("html2text", "bs4"):
        if name not in sys.modules:
            module = ModuleType(name)
            module.BeautifulSoup = None  # type: ignore[attr-defined]  # imported by name, and not needed to search
            monkeypatch.setitem(sys.modules, name, module)

    def played(service: Service) -> RunRecord:
        client = SimpleNamespace(GoogleSearch=lambda asked: SimpleNamespace(get_dict=lambda: service(asked)))
        monkeypatch.setitem(sys.modules, "serpapi", client)  # type: ignore[arg-type]
        query = {"name": "search_engine_query", "arguments": '{"keywords": "tea"}'}
        script = tmp_path / "script.jsonl"
        steps: list[dict[str, Any]] = [{"tool_calls": [query]}, {"text": '{"answer": "I do not know", "context": "x"}'}]
        lines = [{"id": "web_search_base_0", "step": number, **step} for number, step in enumerate(steps)]
        script.write_text("\n".join(map(json.dumps, lines)))
        settings = EngineSettings("m", options={"script": str(script)})
        spec = RunSpec(
            settings, "bfcl", ("web_search_base",), engine="scripted", handler="fc", limit="1", output=tmp_path
        )
        return run(spec)

    return played


def refused(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": f"Invalid API key: {asked['api_key']}"}


def unreachable(asked: Mapping[str, Any]) -> dict[str, Any]:
    raise ConnectionError(f"no route to https://serpapi.com?api_key={asked['api_key']}")


def used_up(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": "429: your account has run out of searches."}


@pytest.mark.parametrize("service", [refused, unreachable, used_up])
def test_it_is_unscored_and_never_wrong(service: Service, play: Callable[[Service], RunRecord], tmp_path: Path) -> None:
    record = play(service)
    score = record.scores["web_search_base"]
    assert (record.status, score.judged, score.unscored) == ("incomplete", 0, 1)
    text = next(tmp_path.rglob("samples.jsonl")).read_text()
    assert search.DOWN in text
    assert KEY not in text


def test_a_search_without_a_result_is_the_models_affair(play: Callable[[Service], RunRecord]) -> None:
    score = play(lambda _: {"error": f"DuckDuckGo {search.NOTHING_FOUND} for this query."}).scores["web_search_base"]
    assert (score.judged, score.passed) == (1, 0)


def test_a_busy_service_is_asked_again(play: Callable[[Service], RunRecord]) -> None:
    asked: list[Any] = []

    def busy_once(parameters: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(parameters)
        return used_up(parameters) if len(asked) == 1 else {"organic_results": []}

    assert play(busy_once).scores["web_search_base"].judged == 1
    assert len(asked) == 2

"""Nothing at run time touches a network: the whole path from data to verdict with sockets forbidden."""

import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner

from harness import plugins
from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.benchmark import FAMILIES, PLUGIN
from harness.cli import cli
from harness.data import datasets, pins
from harness.types import Episode, Generation, Step

LOCAL = (*FAMILIES["single_turn"], *FAMILIES["format_sensitivity"])


@pytest.fixture
def sealed(bfcl_data: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which every way to a socket fails the test."""

    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("a socket was opened")

    for cached in (data.questions, data.answers, data.answer_records, data.format_sensitivity_ids):
        cached.cache_clear()
    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)


def test_the_seal_holds(sealed: None) -> None:
    with pytest.raises(BaseException, match="a socket was opened"):
        socket.create_connection(("localhost", 1))


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("handler", ["funreason", "prompt", "fc"])
def test_loading_playing_and_judging_need_no_network(handler: str) -> None:
    chosen: dict[str, Any] = {}
    for sample in PLUGIN.load(LOCAL):
        chosen.setdefault(sample.category, sample)
    assert set(chosen) == set(LOCAL)
    reader = plugins.load("handlers", handler)
    for category, sample in chosen.items():
        query = next(PLUGIN.play(sample, {}))
        assert reader.render(query).messages
        generation = Generation("a\n</think>\n\n[f(x=1)]")
        episode = Episode(sample.id, (Step(0, generation, reader.parse(generation, query)),))
        assert PLUGIN.check(sample, episode)[category].outcome in ("pass", "fail", "unscored")


@pytest.mark.usefixtures("sealed")
def test_finding_and_verifying_data_needs_no_network() -> None:
    assert datasets.fetch("bfcl") == datasets.path("bfcl")
    assert datasets.verify("bfcl") == len(pins.dataset("bfcl").files)


@pytest.mark.usefixtures("sealed")
def test_a_whole_run_needs_no_network(tmp_path: Path) -> None:
    words = ["run", "--model", "scripted", "--engine", "scripted", "--tasks", "single_turn", "--limit", "1"]
    outcome = CliRunner().invoke(cli, [*words, "--output", str(tmp_path), "--offline"])
    assert outcome.exit_code == 0, outcome.output
    (lines,) = tmp_path.rglob("samples.jsonl")
    assert len(lines.read_text().splitlines()) == len(data.SINGLE_TURN)

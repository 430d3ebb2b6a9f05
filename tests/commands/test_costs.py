"""Prices, limits and what a run says of its cost, against a real server on the loopback interface."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.results import store
from harness.types import RunRecord
from tests.commands.conftest import Command
from tests.servers import Answer, Asked, Loopback, chat, loopback
from tests.toy import SIZE

PRICES = ("--prices", "100000,0")
"""A reply with 11 prompt tokens costs 1.10 USD."""


def serve(asked: Asked) -> Answer:
    """A server that has 8 of every prompt's 11 tokens in its cache."""
    if asked.path.endswith("/models"):
        return Answer({"data": [{"id": "m"}]})
    reply = chat("so so")
    reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 8}
    return Answer(reply)


def asking(server: Loopback, *more: str) -> tuple[str, ...]:
    fixed = ("run", "--model", "m", "--base-url", server.url, "--tasks", "echo", "--handler", "prompt")
    return (*fixed, "--concurrency", "1", "--progress", "none", *more)


def kept() -> tuple[RunRecord, list[store.SampleLine]]:
    (folder,) = store.find_runs(Path("results"))
    return store.read_run(folder), list(store.read_samples(folder, pytest.fail))


def test_a_run_stops_at_its_limit_and_goes_on_with_a_higher_one(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with loopback(serve) as server:
        assert command(*asking(server, *PRICES, "--cost-limit", "3")) == 3
        said = capsys.readouterr()
        assert f"the cost limit of 3 USD is reached: 3.3 spent, {SIZE - 3} of {SIZE} items left" in said.err
        assert "Raise --cost-limit and type the same command again" in said.err
        record, lines = kept()
        assert (record.status, record.benchmark.left, len(lines)) == ("incomplete", SIZE - 3, 3)
        # The same limit again: nothing is asked, as earlier sessions count.
        assert command(*asking(server, *PRICES, "--cost-limit", "3")) == 3
        assert len(server.asked) == 3
        assert command(*asking(server, *PRICES, "--cost-limit", "5")) == 3
        assert len(server.asked) == 5
        capsys.readouterr()
        # Prices are remembered; a limit is not.
        assert command(*asking(server)) == 0
        said = capsys.readouterr()
    assert "tokens: 132 in (72.7% from the prefix cache), 60 out, " in said.out
    assert " · cost: 13.2 USD, N/A GPU-hours" in said.out
    record, lines = kept()
    assert Counter(line.key for line in lines) == {(f"echo_{i}", 0): 1 for i in range(SIZE)}
    assert len(server.asked) == SIZE
    assert record.tokens == {"prompt": 132, "completion": 60, "cached": 96}
    assert record.usage.prices == {"prompt": 100000.0, "completion": 0.0}
    assert record.usage.usd == pytest.approx(13.2)
    assert record.usage.cache_hit_rate == pytest.approx(8 / 11)
    assert 0 < record.usage.latency_p50 <= record.usage.latency_p95 <= record.usage.latency_p99
    assert record.usage.tokens_per_second == pytest.approx(60 / record.seconds)


def test_what_is_in_flight_is_finished(command: Command) -> None:
    with loopback(serve) as server:
        arguments = [*asking(server), *PRICES, "--cost-limit", "0.5", "--concurrency", "4"]
        arguments[arguments.index("echo")] = "talk"
        assert command(*arguments) == 3
    _, lines = kept()
    # The first to end, and the three others that had begun: each with its three turns.
    assert [len(line.steps) for line in lines] == [3] * 4


def test_one_limit_holds_over_all_runs_of_a_command(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with loopback(serve) as server:
        assert command(*asking(server, "--base", "other", *PRICES, "--cost-limit", "14.5", "--json")) == 3
    base, tuned = json.loads(capsys.readouterr().out)
    assert (base["benchmark"]["left"], tuned["benchmark"]["left"]) == (0, SIZE - 2)


def test_a_file_has_prices_of_its_own_for_each_model(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("m: {input: 100000, output: 0}\nother: {input: 0, output: 200000}\n")
    with loopback(serve) as server:
        assert command(*asking(server, "--base", "other", "--prices", str(prices), "--json")) == 0
        base, tuned = json.loads(capsys.readouterr().out)
        assert (base["usage"]["usd"], tuned["usage"]["usd"]) == (pytest.approx(12), pytest.approx(13.2))
        assert command(*asking(server, "--base", "third", "--prices", str(prices))) == 2
    assert "nothing for 'third'" in capsys.readouterr().err


def test_a_run_that_ends_at_its_limit_is_complete(command: Command) -> None:
    with loopback(serve) as server:
        assert command(*asking(server, *PRICES, "--cost-limit", "13.2")) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cost-limit", "3"), "--cost-limit needs --prices"),
        (("--prices", "1"), "--prices '1' is not two numbers"),
        (("--prices", "1,-1"), "--prices '1,-1': a price is a number from 0 on"),
        (("--prices", "1,nan"), "a price is a number from 0 on"),
        ((*PRICES, "--cost-limit", "nan"), "--cost-limit cannot be nan"),
        ((*PRICES, "--cost-limit", "-1"), "--cost-limit cannot be -1.0"),
    ],
)
def test_prices_and_limits_that_mean_nothing(
    command: Command, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("run", "--engine", "scripted", "--tasks", "echo", *arguments) == 2
    assert said in capsys.readouterr().err


def test_without_prices_nothing_is_claimed(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("run", "--engine", "scripted", "--tasks", "echo", "--handler", "prompt", "--progress", "none") == 0
    said = capsys.readouterr().out
    assert "(N/A from the prefix cache)" in said
    assert "cost: N/A USD, N/A GPU-hours" in said
    record, _ = kept()
    assert "cached" not in record.tokens
    assert (record.usage.usd, record.usage.gpu_hours, record.usage.cache_hit_rate) == (None, None, None)


def test_the_progress_shows_what_is_spent(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with loopback(serve) as server:
        arguments = [*asking(server, *PRICES), "--progress", "plain"]
        assert command(*arguments) == 0
    assert "0 errors · cost 13.20" in capsys.readouterr().err


def test_a_cost_survives_in_the_leaderboard_and_in_show(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    with loopback(serve) as server:
        assert command(*asking(server, *PRICES)) == 0
    capsys.readouterr()
    assert command("leaderboard", "results", "--usage") == 0
    rows: Any = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("m ")]
    assert "0.73" in rows[-1]
    assert rows[-1][-2:] == ["N/A", "13.20"]
    monkeypatch.setenv("COLUMNS", "80")
    assert command("leaderboard", "results", "--usage") == 0
    shown = capsys.readouterr().out.split("What it cost")[1]
    assert "13.20" in shown
    assert max(map(len, shown.splitlines())) <= 80
    folder = store.find_runs(Path("results"))[0]
    assert command("show", folder, "echo_0") == 0
    assert "8 of the prompt's tokens cached" in capsys.readouterr().out

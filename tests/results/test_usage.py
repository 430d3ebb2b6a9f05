from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageProblem
from harness.reports.runs import cost_text
from harness.results import store
from harness.results.lines import RecordedStep, SampleLine, decode, encode
from harness.results.usage import Counting, account, cost, measure, parse_prices, recorded_prices
from harness.types import Generation, RunRecord, UsageInfo
from tests import synthetic_runs


def line(name: str, *generations: Generation, fault: str | None = None) -> SampleLine:
    return SampleLine(name, 0, "c", tuple(RecordedStep(0, generation) for generation in generations), fault)


def test_latencies_are_percentiles_of_the_replies() -> None:
    used = measure(line(str(n), Generation("x", seconds=float(n))) for n in range(101))
    # 0 is not a latency: 1 to 100 are left.
    assert (used.latency_mean, used.latency_p50) == (50.5, 50.5)
    assert (used.latency_p95, used.latency_p99) == pytest.approx((95.05, 99.01))
    assert (used.samples, used.replies) == (101, 101)
    assert measure([]).latency_p50 is None
    assert measure([line("a", Generation("x", seconds=2.0))]).latency_std == 0.0


def test_the_hit_rate_is_of_the_replies_whose_engine_tells() -> None:
    told = line("a", Generation("x", prompt_tokens=100, cached_tokens=30), Generation("x", prompt_tokens=100))
    used = measure([told, line("b", Generation("x", prompt_tokens=50, cached_tokens=0))])
    assert (used.prompt_tokens, used.cached_tokens, used.cache_hit_rate) == (250, 30, 0.2)
    silent = measure([line("a", Generation("x", prompt_tokens=100))])
    assert (silent.cached_tokens, silent.cache_hit_rate) == (None, None)


def test_a_line_has_cached_tokens_only_where_they_are_known() -> None:
    silent, told = line("a", Generation("x")), line("a", Generation("x", cached_tokens=0))
    assert "cached_tokens" not in json.loads(encode(silent))["steps"][0]["generation"]
    assert decode(encode(silent)) == silent
    assert decode(encode(told)) == told


def test_an_account_says_none_where_nothing_is_known() -> None:
    counting = Counting()
    counting.add(line("a", Generation("x", prompt_tokens=2_000_000, completion_tokens=1_000_000)))
    prices = {"prompt": 0.25, "completion": 2.0}
    assert account(counting, 4.0, 0.5, prices) == UsageInfo(
        samples_per_second=0.25, tokens_per_second=250_000.0, gpu_hours=0.5, prices=prices, usd=2.5
    )
    assert account(counting, 0.0, None, None) == UsageInfo()


def test_a_damaged_account_is_not_known(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path, "m", {"multiple": 1})

    def reread(usage: dict[str, object]) -> RunRecord:
        data = json.loads((run / store.RUN).read_bytes())
        (run / store.RUN).write_text(json.dumps(data | {"usage": usage}))
        return store.read_run(run)

    damaged = reread({"usd": "x", "gpu_hours": [], "latency_p50": None, "prices": {"prompt": 1}, "later": 1})
    assert damaged.usage == UsageInfo(prices={"prompt": 1})
    assert recorded_prices(damaged) is None
    assert "latency: p50 N/A s, p95 N/A s, p99 N/A s · cost: N/A USD, N/A GPU-hours" in cost_text(damaged)
    fine = reread({"usd": 1, "prices": {"prompt": 1, "completion": 2.5}})
    assert (fine.usage.usd, recorded_prices(fine)) == (1, {"prompt": 1, "completion": 2.5})


def test_prices_are_for_a_million_tokens() -> None:
    prices = parse_prices("0.15, 0.6")
    assert prices == {"prompt": 0.15, "completion": 0.6}
    assert cost({"prompt": 1_000_000, "completion": 500_000}, prices) == pytest.approx(0.45)
    for text in ("", "1", "1,2,3", "a,b"):
        with pytest.raises(UsageProblem, match="not two numbers"):
            parse_prices(text)
    for text in ("-1,2", "inf,1", "nan,1"):
        with pytest.raises(UsageProblem, match="from 0 on"):
            parse_prices(text)


def test_prices_of_several_models_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("org/model: {input: 0.15, output: 0.6}\n7: {input: 1, output: 2}\nhalf: {input: 1}\n")
    assert parse_prices(str(path), "org/model") == parse_prices("0.15,0.6", "org/model")
    assert parse_prices(str(path), "7") == {"prompt": 1, "completion": 2}
    for model, message in (("other", "nothing for 'other'"), ("half", "nothing for 'output'")):
        with pytest.raises(UsageProblem, match=message):
            parse_prices(str(path), model)
    with pytest.raises(UsageProblem, match="not two numbers"):
        parse_prices(str(path))
    with pytest.raises(UsageProblem, match="nor a file"):
        parse_prices(str(tmp_path / "missing.yaml"), "org/model")


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: b", "a: {input: b, output: c}", "{", "a: {input: -1, output: 1}"])
def test_a_file_that_is_no_list_of_prices_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(UsageProblem, match=r"prices\.yaml"):
        parse_prices(str(path), "a")

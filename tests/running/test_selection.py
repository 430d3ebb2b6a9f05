from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.errors import DataError, UsageProblem
from harness.running.selection import choose, ids_by_benchmark, read_ids, resolve, span
from harness.types import Sample
from tests.toy import Toy, install


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    install(Toy(), monkeypatch.setattr)


def sample(name: str, *after: str) -> Sample[None]:
    return Sample(name, name.rpartition("_")[0], (), (), None, after)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        (["echo"], {"toy": ("echo",)}),
        (["double", "echo", "echo"], {"toy": ("echo", "double")}),
        (["toy"], {"toy": ("echo", "talk", "chain", "hint", "hinted", "double")}),
        (["all-of-it"], {"toy": ("echo", "talk", "chain", "hint", "hinted", "double")}),
        (["talk", "simple-python"], {"bfcl": ("simple_python",), "toy": ("talk",)}),
    ],
)
def test_names_stand_for_leaf_categories(tasks: list[str], expected: dict[str, tuple[str, ...]]) -> None:
    assert resolve(tasks) == expected


def test_one_name_may_belong_to_two_benchmarks() -> None:
    found = resolve(["single_turn"])
    assert found["toy"] == ("echo", "double")
    assert "simple_python" in found["bfcl"]


def test_a_benchmark_that_lacks_a_package_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    load = plugins.load

    def broken(kind: plugins.Kind, name: str) -> Any:
        if name == "bfcl":
            raise ModuleNotFoundError("No module named 'something'")
        return load(kind, name)

    monkeypatch.setattr(plugins, "load", broken)
    assert resolve(["echo"]) == {"toy": ("echo",)}
    assert "benchmark bfcl cannot be loaded: No module named 'something'" in caplog.text


def test_a_misspelt_task_offers_the_nearest() -> None:
    with pytest.raises(UsageProblem, match=r"simple_pyton.*\n.*simple_python"):
        resolve(["simple_pyton"])


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("3", [0, 1, 2]),
        ("99", list(range(10))),
        ("0.1", [0]),
        ("0.11", [0, 1]),
        ("1.0", list(range(10))),
        ("3-5", [2, 3, 4]),
        ("1-1", [0]),
        ("9-20", [8, 9]),
    ],
)
def test_limits(limit: str, expected: list[int]) -> None:
    assert list(range(10))[span(limit, 10)] == expected


@pytest.mark.parametrize("limit", ["", "-3", "a", "1.5", "3-", "0.1-0.5", "1e3", "0", "0.0", "20-11", "0-3"])
def test_what_is_no_limit(limit: str) -> None:
    with pytest.raises(UsageProblem, match="--limit"):
        span(limit, 10)


@given(st.integers(1, 50), st.integers(0, 50))
def test_a_fraction_never_takes_less_than_it_says(percent: int, n: int) -> None:
    taken = len(range(n)[span(f"{percent / 100:.2f}", n)])
    assert percent * n / 100 <= taken < percent * n / 100 + 1 + 1e-9


def test_limits_hold_for_each_category_and_after_ids() -> None:
    samples = [sample(f"{category}_{i}") for i in range(4) for category in ("a", "b")]
    assert [each.id for each in choose(samples, "2", ())] == ["a_0", "b_0", "a_1", "b_1"]
    assert [each.id for each in choose(samples, "2-2", ("a_3", "a_1", "b_2"))] == ["a_3"]
    assert [each.id for each in choose(samples, None, ("b_2", "a_1"))] == ["a_1", "b_2"]


def test_dependencies_come_along_whatever_the_limit() -> None:
    samples = [sample("a_0"), sample("a_1", "a_0"), sample("a_2", "a_1"), sample("a_3")]
    assert [each.id for each in choose(samples, "3-3", ())] == ["a_0", "a_1", "a_2"]
    with pytest.raises(DataError, match="a_9"):
        choose([sample("a_0", "a_9")], None, ())


@pytest.mark.parametrize("text", ["a\nb\n", "a b", '["a", "b"]', '{"x": ["a"], "y": ["b"]}'])
def test_ids_are_read_from_lines_or_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "ids").write_text(text)
    assert read_ids(tmp_path / "ids") == ["a", "b"]


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 3}', "\xff", "", "[]"])
def test_a_bad_file_of_ids_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "ids").write_text(text, encoding="latin-1")
    with pytest.raises(UsageProblem, match="--ids"):
        read_ids(tmp_path / "ids")


def test_ids_find_their_benchmark() -> None:
    tasks = {"toy": ("echo", "talk")}
    assert ids_by_benchmark(("echo_1", "talk_2"), tasks) == {"toy": ("echo_1", "talk_2")}
    with pytest.raises(UsageProblem, match=r"echo_99.*\n.*Did you mean"):
        ids_by_benchmark(("echo_99",), tasks)

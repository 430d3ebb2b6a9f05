"""Pairing, refusal, clusters, repeats and every format of `harness compare`."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.analysis.comparison import Options, compare, over_runs
from harness.analysis.outcomes import Outcomes
from harness.analysis.pairing import clustered
from harness.analysis.sides import freeze, read, thaw
from harness.cli import cli
from harness.errors import DataError, UsageProblem
from harness.reports import comparisons
from harness.results import provenance
from harness.stats import paired
from harness.stats.averages import evaluate
from harness.stats.views import load_view
from tests import synthetic_runs
from tests.synthetic_runs import BENCHMARK, biased

FACTS = {"version": "4", "data_sha256": "d", "checker_sha256": "c", "rules": "upstream"}


def side(label: str, marks: dict[str, str], **facts: str) -> Outcomes:
    """Outcomes written as one character an item: `1`, `0` or `-`."""
    values = {"1": True, "0": False, "-": None}
    results = {c: {(f"{c}_{i}", 0): values[mark] for i, mark in enumerate(text)} for c, text in marks.items()}
    benchmarks = {"bfcl": {**FACTS, "categories": list(marks), **facts}}
    return Outcomes(label, benchmarks, {c: len(text) for c, text in marks.items()}, results)


def test_counts_of_one_pairing() -> None:
    (found,) = compare(side("a", {"x": "1100-1"}), [side("b", {"x": "10101-"})])
    row = found.rows[0]
    assert (row.pairs, row.both, row.only_a, row.only_b, row.neither, row.unpaired) == (4, 1, 1, 1, 1, 2)
    assert row.accuracies == (0.5, 0.5)
    assert row.p == 1
    assert [(key[0], gained) for _, key, gained in found.flips()] == [("x_1", False), ("x_2", True)]


def test_categories_are_adjusted_together_and_totals_are_not() -> None:
    a, b = side("a", {"x": "0" * 30, "y": "01" * 15}), side("b", {"x": "1" * 12 + "0" * 18, "y": "10" * 15})
    (found,) = compare(a, [b])
    rows = {row.scope: row for row in found.rows}
    expected = paired.benjamini_hochberg({name: rows[name].p for name in "xy"})
    assert {name: rows[name].q for name in "xy"} == expected
    assert rows["all"].q == rows["all"].p


@pytest.mark.parametrize("fact", ["version", "data_sha256", "checker_sha256", "rules"])
def test_runs_that_measure_different_things_are_refused(fact: str) -> None:
    a, b = side("a", {"x": "10"}), side("b", {"x": "11"}, **{fact: "other"})
    with pytest.raises(UsageProblem, match=f"{fact} differs") as refusal:
        compare(a, [b])
    assert refusal.value.exit_code == 2
    (forced,) = compare(a, [b], Options(force=True))
    assert "FORCED" in comparisons.terminal([forced])
    assert json.loads(comparisons.dumped([forced]))[0]["forced"]


@pytest.mark.parametrize("base", ["a", "b"])
def test_a_base_model_beside_a_chat_model_is_told(base: str) -> None:
    sides = [side(name, {"x": "10"}, handler="completion" if name == base else "prompt") for name in "ab"]
    (found,) = compare(sides[0], sides[1:])
    assert any(f"{base} was asked as a base model" in note for note in found.cautions)
    (same,) = compare(side("a", {"x": "10"}, handler="fc"), [side("b", {"x": "11"}, handler="prompt")])
    assert not any("base model" in note for note in same.cautions)


def test_other_settings_are_a_caution_only() -> None:
    (found,) = compare(side("a", {"x": "10"}, handler="fc"), [side("b", {"x": "11"}, handler="prompt")])
    assert any("handler differs" in note for note in found.cautions)


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(UsageProblem, match="no judged item in common"):
        compare(side("a", {"x": "10"}), [side("b", {"y": "11"})])


def test_clusters_come_from_repeats_or_from_a_pattern() -> None:
    items = [(("live_1-7-0", 0), (False, True)), (("live_1-7-0", 1), (False, True)), (("live_2-7-1", 0), (True, False))]
    assert clustered(items, None)[0].tolist() == [2.0, -1.0]
    assert clustered(items, r"_\d+-(\d+)")[0].tolist() == [1.0]
    assert clustered(items, "no match")[0].tolist() == [2.0, -1.0]
    with pytest.raises(UsageProblem, match="--cluster"):
        clustered(items, "(")


def test_repeats_that_always_agree_prove_no_more_than_one(tmp_path: Path) -> None:
    def same(outcomes: synthetic_runs.Outcomes) -> synthetic_runs.Outcomes:
        return lambda category, index, repeat: outcomes(category, index, 0)

    sizes = {"simple_python": 80}
    once = [read(synthetic_runs.write(tmp_path / f"o{i}", "m", sizes, biased(i, 0.6 + i / 10))) for i in (0, 1)]
    thrice = [
        read(synthetic_runs.write(tmp_path / f"t{i}", "m", sizes, same(biased(i, 0.6 + i / 10)), repeats=3))
        for i in (0, 1)
    ]
    one, three = compare(once[0], once[1:])[0], compare(thrice[0], thrice[1:])[0]
    assert three.rows[0].pairs == 240
    assert three.rows[0].p == pytest.approx(one.rows[0].p)
    assert three.rows[0].bootstrap == pytest.approx(one.rows[0].bootstrap)
    assert three.rows[0].detectable == pytest.approx(one.rows[0].detectable)
    assert len(three.repeats[0]) == 3
    assert "over 3 repeats" in comparisons.terminal([three])


@given(st.dictionaries(st.text(min_size=1), st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=4)))
def test_a_frozen_baseline_reads_back(items: dict[str, list[bool | None]]) -> None:
    results = {"c": {(name, i): value for name, values in items.items() for i, value in enumerate(values)}}
    before = Outcomes("m", {"bfcl": {**FACTS, "categories": ["c"]}}, {"c": 9}, results)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "base.json"
        file.write_bytes(freeze(before))
        after = thaw(file)
    assert (after.label, after.benchmarks, after.sizes, after.results) == (
        before.label,
        before.benchmarks,
        before.sizes,
        before.results,
    )


BROKEN = '{"format": "harness-baseline/1", "label": "m", "benchmarks": {}, "sizes": {}, "outcomes": {"c": {"i": "x"}}}'


def damaged(name: str, value: object) -> str:
    """A baseline in which one field is wrong."""
    return json.dumps(json.loads(freeze(side("m", {"x": "10"}))) | {name: value})


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", '{"format": "other/1"}', '{"format": "harness-baseline/1"}', BROKEN, "[" * 20000),
        *(damaged(name, 3) for name in ("benchmarks", "sizes", "outcomes", "left")),
        *(damaged("benchmarks", {"bfcl": facts}) for facts in (3, {}, {"categories": 3})),
        *(damaged(name, {"x": "many"}) for name in ("sizes", "left")),
    ],
)
def test_a_damaged_baseline_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "base.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"base\.json"):
        read(path)


def test_two_runs_of_one_category_are_not_mixed(tmp_path: Path) -> None:
    for _ in range(2):
        synthetic_runs.write(tmp_path, "m", {"multiple": 3})
    with pytest.raises(UsageProblem, match="more than one run of multiple"):
        read(tmp_path)


def test_runs_of_several_benchmarks_make_one_side(tmp_path: Path) -> None:
    for root, seed in (("a", 1), ("b", 2)):
        synthetic_runs.write(tmp_path / root, "m", {"multiple": 30}, biased(seed, 0.5))
        code = replace(BENCHMARK, name="humaneval")
        synthetic_runs.write(tmp_path / root, "m", {"humaneval": 30}, biased(seed, 0.5), benchmark=code)
    result = CliRunner().invoke(cli, ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--by", "benchmark"])
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.output.splitlines()[5:8]] == ["all", "bfcl", "humaneval"]


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    text = "\x1b[31mevil\u202e</script>"
    return [
        str(
            synthetic_runs.write(
                tmp_path / str(seed), "m<b>", {"simple_python": 40}, biased(seed, 0.4 + seed / 5), text
            )
        )
        for seed in (0, 2)
    ]


@pytest.mark.parametrize("form", ["table", "md", "json", "html"])
def test_every_format_is_written(two: list[str], form: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    result = CliRunner().invoke(cli, ["compare", *two, "--format", form, "-o", str(path)])
    assert result.exit_code == 0, result.output
    assert "simple_python" in path.read_text()
    if form == "html":
        assert "m<b>" not in path.read_text()


def test_flips_show_both_replies_made_printable(two: list[str]) -> None:
    result = CliRunner().invoke(cli, ["compare", *two, "--flips", "2"])
    assert result.exit_code == 0, result.output
    assert "gained" in result.output
    assert "\\x1b[31mevil\\u202e" in result.output
    assert "\x1b" not in result.output


def test_flips_show_what_replies_were_forced_to_start_with(tmp_path: Path) -> None:
    sides = []
    for handler, options in (("funreason", {}), ("prompt", {"think_prefix": "Well: "})):
        outcomes = biased(len(sides), 0.5)
        folder = synthetic_runs.write(
            tmp_path / handler, "m", {"multiple": 40}, outcomes, "so", handler=handler, handler_options=options
        )
        sides.append(str(folder))
    result = CliRunner().invoke(cli, ["compare", *sides, "--flips", "1"])
    assert result.exit_code == 0, result.output
    assert "       <think>\n       so\n" in result.output
    assert "       Well: so\n" in result.output


@pytest.mark.parametrize("width", [50, 60, 80])
def test_the_terminal_table_fits(tmp_path: Path, width: int) -> None:
    sides = [
        read(synthetic_runs.write(tmp_path / str(i), "m", synthetic_runs.MULTI_TURN, biased(i, 0.3 + i / 4)))
        for i in (0, 1)
    ]
    text = comparisons.terminal(compare(sides[0], sides[1:]), width)
    assert max(map(len, text.split("\n"))) <= width
    header, _, body = text.split("\n\n")[1].split("\n")[:3]
    assert {"n", "B-A", "interval"} <= set(header.split())
    assert body.startswith("all ")


def test_one_run_is_not_a_comparison(two: list[str]) -> None:
    assert isinstance(CliRunner().invoke(cli, ["compare", two[0]]).exception, UsageProblem)


def test_both_sides_can_be_judged_again_by_other_rules(bfcl_data: Path, tmp_path: Path) -> None:
    """An abstention that cannot be read as calls is right upstream and wrong by strict rules only if it is garbage."""
    version = replace(BENCHMARK, checker_sha256=provenance.checker_sha256(plugins.load("benchmarks", "bfcl")))
    sizes = {"irrelevance": 12}
    texts = ("[f(", "There is no function for this.")
    a, b = (synthetic_runs.write(tmp_path, "m", sizes, lambda *_: "pass", text, benchmark=version) for text in texts)
    (before,) = compare(read(a), [read(b)])
    assert before.rows[0].both == 12
    (after,) = compare(read(a, "strict"), [read(b, "strict")])
    assert (after.rows[0].only_a, after.rows[0].only_b, after.rows[0].pairs) == (0, 12, 12)
    assert after.a.benchmarks["bfcl"]["rules"] == "strict"
    assert not list(after.cautions)


def test_a_baseline_file_cannot_be_judged_again(tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    file.write_bytes(freeze(side("a", {"x": "1"})))
    with pytest.raises(UsageProblem, match="holds no replies"):
        read(file, "strict")


def test_averages_are_compared_where_both_runs_have_all_parts(tmp_path: Path) -> None:
    sizes = {name: n for name, n in synthetic_runs.SINGLE_TURN.items() if not name.startswith("live")}
    folders = [synthetic_runs.write(tmp_path, "m", sizes, biased(i, 0.5 + i / 5)) for i in (0, 1)]
    a, b = map(read, folders)
    (found,) = compare(a, [b])
    (only,) = found.averages
    assert only.name == "v4/non_live"
    expected = [evaluate(load_view("v4"), side.scores)["non_live"].value for side in (a, b)]
    assert [only.a, only.b] == pytest.approx(expected)
    assert only.difference == pytest.approx(only.b - only.a)
    assert only.interval.low < only.difference < only.interval.high
    assert only.pairs == sum(n for name, n in sizes.items() if name != "irrelevance")
    for write in comparisons.WRITERS.values():
        assert "v4/non_live" in write([found])


def test_ten_runs_are_summed_up_in_one_table_that_counts_them_as_one_look() -> None:
    a = side("a", {"x": "0" * 40})
    others = [side(f"b{number}", {"x": "1" * number + "0" * (40 - number)}) for number in range(10)]
    found = compare(a, others)
    ours = over_runs(found)
    theirs = paired.benjamini_hochberg({str(number): one.rows[0].p for number, one in enumerate(found)})
    assert ours == list(theirs.values())
    rows = comparisons.summary(found)
    assert [row[0] for row in rows] == [f"b{number}" for number in range(10)]
    assert rows[3][1:6] == ["40", "0.0", "7.5", "+7.5", "+0.0..+17.5"]
    assert [row[4].startswith("*") for row in rows] == [q < 0.05 for q in ours]
    assert any(one.rows[0].p < 0.05 <= q for one, q in zip(found, ours, strict=True)), "six pairs: .031, adjusted .078"
    text, page = comparisons.terminal(found), comparisons.html(found)
    assert text.startswith("10 runs against a (A)")
    assert comparisons.markdown(found).startswith("### 10 runs against a (A)")
    assert [f'<a href="#run-{number}">b{number - 1}</a>' in page for number in range(1, 11)] == [True] * 10
    assert all(f'id="run-{number}"' in page for number in range(1, 11))
    assert "runs against" not in comparisons.terminal(found[:1]) + comparisons.html(found[:1])


@pytest.mark.parametrize(("marks", "told"), [("1", True), ("1" * 9, True), ("1" * 10, False)])
def test_an_interval_of_few_items_comes_with_a_caution(marks: str, told: bool) -> None:
    (found,) = compare(side("a", {"x": marks.replace("1", "0")}), [side("b", {"x": marks})])
    assert found.rows[0].bootstrap == (1, 1), "no width, whatever n"
    assert bool(found.cautions) == told
    assert (f"caution: fewer than 10 items in all ({len(marks)})" in comparisons.terminal([found])) == told


def test_repeats_of_one_item_are_one_item() -> None:
    results = {"x": {("x_0", repeat): True for repeat in range(30)}}
    one = replace(side("a", {"x": "1"}), results=results)
    (found,) = compare(one, [replace(one, label="b")])
    assert (found.rows[0].pairs, found.rows[0].clusters) == (30, 1)
    assert "all (1)" in found.cautions[0]

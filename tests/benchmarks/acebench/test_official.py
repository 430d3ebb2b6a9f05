"""Official result files by id, score headers and summary rows, and the view that has the same averages."""

import json

import pytest
from click.testing import CliRunner

from harness.benchmarks.acebench import data, official
from harness.benchmarks.acebench.benchmark import LEAVES, grouped
from harness.benchmarks.acebench.summary import header, row
from harness.cli import cli
from harness.errors import UsageProblem
from harness.exchange.acebench import score
from harness.stats.averages import evaluate
from harness.stats.views import load_published, load_view
from harness.types import Score, Verdict
from tests.benchmarks.acebench.test_judging import written


@pytest.fixture(scope="module")
def published(shared_data):
    return json.loads((shared_data / "acebench-oracle" / "aggregate.json").read_text())


def test_summary_rows_are_the_official_ones(published):
    for run in published:
        official_row = dict(run["row"][1:])
        assert row(run["category_scores"]) == official_row
        assert [*row(run["category_scores"])] == [*official_row], "columns and their order"


def test_strict_rows_are_mended(published):
    whole, part = (row(run["category_scores"], "strict") for run in published)
    scores = published[0]["category_scores"]
    assert whole["object_short"] == scores["normal_atom_object_short"]["accuracy"]
    assert whole["Summary"] == pytest.approx(
        (0.2676 * whole["special_summary"] + 0.578 * whole["normal_summary"] + 0.1545 * whole["agent_summary"]) / 1.0001
    )
    assert whole["agent_summary"] == pytest.approx((0.4 + 0.367) / 2)
    assert part["bool"] == 1
    assert part["atom"] is part["normal_summary"] is part["Summary"] is None


def test_the_view_has_the_same_averages(published):
    scores = {
        f"{category}_en": Score(counts["total_count"], counts["total_count"], counts["correct_count"], 0)
        for category, counts in published[0]["category_scores"].items()
    }
    for name, passed in (("adjust", 30), ("switch", 34)):
        scores[f"normal_multi_turn_user_{name}_en"] = Score(50, 50, passed, 0)
    view, official_row = load_view("acebench"), row(published[0]["category_scores"])
    cells = evaluate(view, scores)
    columns = {"summary": "Summary", "normal": "normal_summary", "special": "special_summary", "agent": "agent_summary"}
    columns |= {"atom": "atom", "single_turn": "single_turn", "multi_turn": "multiple_turn"}
    for ours, theirs in columns.items():
        assert cells[f"{ours}_en"].value == pytest.approx(official_row[theirs], abs=0.0012), ours
    assert cells["summary"].value is None
    assert cells["summary"].missing
    assert cells["normal_atom_object_short_en"].value == official_row["object_deep"]


def test_the_view_knows_every_category_and_its_size(acebench_data):
    view = load_view("acebench")
    assert view.sizes == {leaf: len(grouped(*key)) for leaf, key in LEAVES.items()}
    assert {*view.leaves("summary")} == {*LEAVES}


def test_published_summaries_follow_the_formula():
    tables = load_published("acebench")
    assert len(tables) == 2
    for table in tables:
        for model, values in table.rows.items():
            language = next(iter(values))[-2:]
            total = 0.2676 * values[f"special_{language}"] + 0.578 * values[f"normal_{language}"]
            total += 0.1545 * values[f"agent_{language}"]
            assert values[f"summary_{language}"] == pytest.approx(total, abs=0.0011), model


def judged(outcome, **evidence):
    return Verdict(outcome, None if outcome == "pass" else "x", "", evidence)


def test_headers_round_as_upstream():
    three = [judged("pass"), judged("fail"), judged("fail")]
    assert header("normal_atom_bool", three) == {"accuracy": 0.333, "correct_count": 1, "total_count": 3}
    assert header("special_incomplete", three)["accuracy"] == 1 / 3
    agents = [judged("pass", process_share=1.0), judged("fail", process_share=1 / 3)]
    assert header("agent_multi_step", agents) == {
        "end_to_end_accuracy": 0.5,
        "process_accuracy": 0.667,
        "correct_count": 1,
        "total_count": 2,
    }
    steps = [{"outcome": "pass"}, {"outcome": "fail"}, {"outcome": "pass"}]
    dialogues = [
        judged("fail", process_accuracy=0.667, steps=steps),
        judged("pass", process_accuracy=1.0, steps=steps[:1]),
    ]
    assert header("normal_multi_turn_user_adjust", dialogues) == {
        "accuracy": 0.5,
        "correct_count": 3,
        "total_count": 4,
        "process_accuracy": 0.834,
    }


@pytest.fixture
def results(tmp_path, acebench_data):
    """A folder of official results in which every answer is the ground truth, and what writes a file there."""
    folder = tmp_path / "result_all"

    def write(language, category, records):
        file = folder / f"result_{language}" / "gpt" / f"data_{category}_result.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        return file

    return folder, write


def right(language, category):
    if category in data.AGENT:
        records = data.answers(language, category).items()
        return [{"id": name, "result": record["ground_truth"], "process": []} for name, record in records]
    return [{"id": name, "result": written(language, name)} for name in data.questions(language, category)]


def test_a_folder_of_two_languages(results):
    folder, write = results
    write("zh", "normal_atom_bool", right("zh", "normal_atom_bool"))
    write("en", "agent_multi_step", right("en", "agent_multi_step"))
    write("en", "normal_multi_turn_user_switch", right("en", "normal_multi_turn_user_switch"))
    problems = []
    scored = score(folder, ["upstream", "strict"], problems.append)
    assert problems == []
    scores = scored.scores("upstream")
    assert scores["normal_atom_bool_zh"] == Score(50, 50, 50, 0)
    assert scores["agent_multi_step_en"] == Score(20, 20, 20, 0)
    assert scores["normal_multi_turn_user_switch_en"].passed == 37, "of 50, see UNREACHABLE"
    assert scored.scores("strict")["normal_multi_turn_user_switch_en"].passed == 50
    assert scored.official_rows["upstream"]["zh"]["bool"] == 1.0
    assert scored.official_rows["upstream"]["en"]["agent_summary"] == 0.5


def test_lines_are_matched_by_id_and_another_order_is_reported(results):
    folder, write = results
    write("en", "normal_atom_bool", reversed(right("en", "normal_atom_bool")))
    problems = []
    assert score(folder, ["upstream"], problems.append).scores("upstream")["normal_atom_bool_en"].passed == 50
    assert len(problems) == 1
    assert "another order" in problems[0]


def test_what_cannot_be_read_is_unscored_and_named(results):
    folder, write = results
    records = right("en", "normal_atom_bool")
    file = write("en", "normal_atom_bool", [*records[:40], {"id": "nobody", "result": ""}, records[0], {"id": 7}])
    file.write_bytes(file.read_bytes() + b'{"id": "normal_atom_bool_41", "resu\xff\n')
    problems = []
    tallies = score(folder, ["upstream"], problems.append)
    assert tallies.scores("upstream")["normal_atom_bool_en"] == Score(50, 40, 40, 10)
    assert tallies.lost == 10
    assert [problem.split(": ", 1)[1].split("(")[0].strip() for problem in problems] == [
        "'nobody' is not an item of this category",
        "a second line for 'normal_atom_bool_0'",
        "not a result",
        "not JSON",
        "10 of 50 items are missing",
    ]


@pytest.mark.parametrize("result", [None, 7, [], {}, "x", [None], ["x"], [{"BaseApi": None}]])
@pytest.mark.parametrize("process", [None, 7, "x", [None], [[]]])
def test_odd_agent_results_are_judged(results, result, process):
    folder, write = results
    write("en", "agent_multi_turn", [{"id": "agent_multi_turn_0", "result": result, "process": process}])
    scores = score(folder, ["upstream", "strict"], lambda _: None).scores("upstream")
    assert scores["agent_multi_turn_en"] == Score(30, 1, 0, 29)


def test_folders_that_cannot_be_used(tmp_path, results):
    folder, write = results
    with pytest.raises(UsageProblem, match="no data_"):
        official.result_files(tmp_path)
    elsewhere = tmp_path / "gpt"
    elsewhere.mkdir()
    (elsewhere / "data_normal_atom_bool_result.json").write_text("")
    with pytest.raises(UsageProblem, match="language"):
        official.result_files(elsewhere)
    (tmp_path / "gpt" / "data_normal_atom_bool_result.json").rename(elsewhere / "data_other_result.json")
    with pytest.raises(UsageProblem, match="no known category"):
        official.result_files(elsewhere)
    write("en", "normal_atom_bool", [])
    twin = folder / "result_en" / "other"
    twin.mkdir()
    (twin / "data_normal_atom_bool_result.json").write_text("")
    with pytest.raises(UsageProblem, match="two files"):
        official.result_files(folder)


def test_the_command(results):
    folder, write = results
    write("en", "special_irrelevant", [{"id": f"special_irrelevant_{n}", "result": "no"} for n in range(50)])
    text = CliRunner().invoke(cli, ["score", "--from-acebench", str(folder), "--rules", "both"])
    assert text.exit_code == 0, text.output
    assert "special_irrelevant_en" in text.output
    assert "Summary" in text.output
    as_json = CliRunner().invoke(cli, ["score", "--from-acebench", str(folder), "--json"])
    assert json.loads(as_json.stdout)["official_rows"]["upstream"]["en"]["Summary"] == 0
    refused = CliRunner().invoke(cli, ["score", "--from-acebench", str(folder), "--mode", "fc"])
    assert refused.exit_code != 0

"""`harness score` and `harness export`, on recorded runs and on official result folders."""

from __future__ import annotations

import json
import sys

import pytest

from harness.benchmarks.bfcl import data, official
from harness.cli import main
from harness.results import store
from tests.benchmarks.bfcl.test_ground_truth import first_answers
from tests.commands.conftest import Command

pytestmark = pytest.mark.usefixtures("bfcl_data")

MODEL = "gpt-4o-2024-11-20-FC"


@pytest.fixture
def harness(monkeypatch, tmp_path, capsys):
    """Runs a command in an empty folder; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def right_call(sample_id, underscore=False):
    ((name, arguments),) = first_answers(sample_id)
    return {name.replace(".", "_") if underscore else name: arguments}


def native_results(category, wrong=()):
    """Result records in the official FC form: right answers but for the named ids."""
    for record in data.questions(category):
        call = right_call(record["id"], underscore=True)
        raw = [{name: json.dumps(arguments)} for name, arguments in call.items()]
        yield {"id": record["id"], "result": [] if record["id"] in wrong else raw}


@pytest.fixture
def folder(tmp_path):
    """An official folder with two categories, three wrong answers."""
    root = tmp_path / "result" / MODEL
    official.write_results(root, "simple_javascript", native_results("simple_javascript", {"simple_javascript_3"}))
    official.write_results(root, "multiple", native_results("multiple", {"multiple_0", "multiple_9"}))
    return root


def scores(output, rules="upstream"):
    return {name: (s["n"], s["judged"], s["passed"]) for name, s in json.loads(output)["scores"][rules].items()}


FC = ("--mode", "fc", "--underscore-names")


def test_an_official_folder_is_scored(harness, folder):
    code, out, _ = harness("score", "--from-bfcl", folder, *FC, "--json")
    assert code == 0
    assert scores(out)["multiple"] == (200, 200, 198)
    assert list(scores(out)) == ["simple_javascript", "multiple"]


def test_the_table_shows_the_aggregates_and_what_they_lack(harness, folder):
    code, out, _ = harness("score", "--from-bfcl", folder, *FC)
    assert code == 0
    assert "99.00%" in out
    assert "Overall" in out
    assert "N/A" in out


def test_names_with_underscores_are_wrong_where_they_are_not_announced(harness, folder):
    _, out, _ = harness("score", "--from-bfcl", folder, "--mode", "fc", "--json")
    dotted = sum("." in next(iter(answer[0])) for answer in data.answers("multiple"))
    assert scores(out)["multiple"][2] <= 200 - dotted + 2


def test_score_files_have_the_official_form(harness, folder, tmp_path):
    harness("score", "--from-bfcl", folder.parent, *FC, "-o", tmp_path / "score")
    file = tmp_path / "score" / MODEL / "non_live" / "BFCL_v4_multiple_score.json"
    header, *failures = [json.loads(line) for line in file.read_text().splitlines()]
    assert header == {"accuracy": 0.99, "correct_count": 198, "total_count": 200}
    assert [failure["id"] for failure in failures] == ["multiple_0", "multiple_9"]
    assert list(failures[0]) == [
        "id",
        "model_name",
        "test_category",
        "valid",
        "error",
        "error_type",
        "prompt",
        "model_result_raw",
        "model_result_decoded",
        "possible_answer",
    ]
    assert failures[0]["error_type"] == "multiple_function_checker:wrong_count"
    assert failures[0]["prompt"] == data.question("multiple_0")


def test_bad_lines_are_reported_by_file_and_line_and_are_unscored(harness, folder):
    file = official.file_of(folder, "multiple", "result")
    lines = file.read_text().splitlines()
    lines[1] = lines[1][:30]
    lines[2] = '{"id": "multiple_2"}'
    lines[3] = '{"id": "nobody_3", "result": ""}'
    lines[4] = lines[5]
    file.write_text("\n".join(lines) + "\n\n")
    code, out, err = harness("score", "--from-bfcl", folder, *FC, "--json")
    assert code == 3
    counts = json.loads(out)["scores"]["upstream"]["multiple"]
    assert (counts["judged"], counts["passed"], counts["unscored"]) == (196, 194, 2)
    for number, reason in ((2, "not JSON"), (3, "not a result"), (4, "not an item"), (6, "second line")):
        assert f"{file}:{number}: " in err
        assert reason in err
    assert "2 of 200 items are missing" in err
    assert harness("score", "--from-bfcl", folder, *FC, "--partial")[0] == 0


def test_both_rules_name_the_items_that_differ_and_why(harness, tmp_path):
    root = tmp_path / "result" / "m"
    texts = {"simple_python_0": '[calculate_triangle_area(base=10, height=5, unit="-")]'}
    records = [{"id": r["id"], "result": texts.get(r["id"], "I cannot")} for r in data.questions("simple_python")]
    official.write_results(root, "simple_python", records)
    code, out, _ = harness("score", "--from-bfcl", root, "--mode", "prompt", "--rules", "both")
    assert code == 0
    assert "1 items differ" in out
    assert "pass -> fail value_error:string: 1\n  simple_python_0" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one of RUN, --from-bfcl"),
        (("--from-bfcl", "."), "no BFCL_v4"),
        (("--from-bfcl", ".", "--mode", "fc"), "no BFCL_v4_"),
        (("nothing",), "is not a run"),
    ],
)
def test_misuse_says_what_is_wrong(harness, arguments, message):
    code, _, err = harness("score", *arguments)
    assert code == 2
    assert message in err


def test_folders_of_two_models_are_refused(harness, folder):
    other = folder.parent / "other"
    official.write_results(other, "multiple", native_results("multiple"))
    code, _, err = harness("score", "--from-bfcl", folder.parent, *FC)
    assert code == 2
    assert "two files for multiple" in err


@pytest.fixture
def recorded(harness, tmp_path):
    """A finished run: 30 replies, two of them wrong, one fault."""
    ids = [record["id"] for record in data.questions("multiple")[:30]]
    script = {}
    for sample_id in ids:
        ((name, arguments),) = right_call(sample_id).items()
        script[sample_id] = f"[{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})]"
    script |= {"multiple_3": "I cannot", "multiple_4": "[f(a=1)]"}
    script["multiple_5"] = {"fault": "HTTP 500"}
    (tmp_path / "script.json").write_text(json.dumps(script))
    arguments = ("--engine", "scripted", "--model-args", "script=script.json", "--handler", "prompt", "--limit", 30)
    harness("run", "--model", "m", "--tasks", "multiple", *arguments, "-q")
    return store.find_runs(tmp_path / "results")[0]


def test_a_run_is_judged_again(harness, recorded):
    code, out, _ = harness("score", recorded, "--json")
    assert code == 3
    assert scores(out)["multiple"] == (200, 29, 27)
    assert store.read_run(recorded).scores["multiple"].passed == 27


def test_a_run_that_was_stopped_is_incomplete(harness, recorded):
    file = recorded / store.SAMPLES
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:20]) + lines[20][:40])
    lost = 10 + sum(json.loads(line)["fault"] is not None for line in lines[:20])
    code, out, err = harness("score", recorded, "--json")
    assert code == 3
    assert "samples.jsonl:21: cut off" in err
    assert "10 of 30 items are missing" in err
    assert f"{lost} items have no verdict" in err
    assert any("10 of 30" in problem for problem in json.loads(out)["problems"])
    assert harness("score", recorded, "--partial")[0] == 0
    file.write_bytes(b"")
    assert harness("score", recorded)[0] == 3


def test_stored_verdicts_are_replaced_on_demand_only_and_generations_never(harness, recorded):
    file = recorded / store.SAMPLES
    spoilt = [json.loads(line) for line in file.read_text().splitlines()]
    for line in spoilt:
        line["verdicts"] = {"multiple": {"outcome": "fail", "code": "wrong", "message": "", "evidence": {}}}
    file.write_text("".join(json.dumps(line) + "\n" for line in spoilt))
    before = file.read_bytes()
    harness("score", recorded)
    assert file.read_bytes() == before
    code, out, _ = harness("score", recorded, "--write", "--partial", "--json")
    assert code == 0
    assert scores(out)["multiple"] == (200, 29, 27)
    after = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["steps"] for line in after] == [line["steps"] for line in spoilt]
    assert sum(line["verdicts"]["multiple"]["outcome"] == "pass" for line in after) == 27
    assert store.read_run(recorded).scores["multiple"].passed == 27


def test_other_rules_are_printed_but_not_written(harness, recorded):
    assert harness("score", recorded, "--rules", "strict", "--partial")[0] == 0
    code, _, err = harness("score", recorded, "--rules", "strict", "--write")
    assert code == 2
    assert "--write keeps its rules" in err


def test_an_export_scores_as_the_run_did(harness, recorded, tmp_path):
    code, out, _ = harness("export", recorded, "out", "--to", "bfcl")
    assert code == 0
    assert "29 items" in out
    assert "1 items that ended in an error are left out" in out
    assert "--partial-eval" in out
    model = tmp_path / "out" / "result" / "gpt-4o-2024-11-20"
    code, out, _ = harness("score", "--from-bfcl", model, "--mode", "prompt", "--partial", "--json")
    assert scores(out)["multiple"] == (200, 29, 27)


def test_native_calls_are_exported_as_such_models_write_them(harness, tmp_path):
    record = next(r for r in data.questions("multiple") if "." in next(iter(data.answer(r["id"])[0])))
    ((name, arguments),) = right_call(record["id"]).items()
    call = {"name": name.replace(".", "_"), "arguments": json.dumps(arguments)}
    (tmp_path / "script.json").write_text(json.dumps({record["id"]: {"text": "", "tool_calls": [call]}}))
    scripted = ("--engine", "scripted", "--model-args", "script=script.json", "--handler", "fc", "-q")
    harness("run", "--model", "m", "--tasks", "multiple", "--sample-id", record["id"], *scripted)
    run = store.find_runs(tmp_path / "results")[0]
    harness("export", run, "out", "--to", "bfcl", "--model-name", "org/name-FC")
    file = tmp_path / "out" / "result" / "org_name-FC" / "non_live" / "BFCL_v4_multiple_result.json"
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["result"] == [{call["name"]: call["arguments"]}]
    _, out, _ = harness("score", "--from-bfcl", file.parent, *FC, "--partial", "--json")
    assert scores(out)["multiple"] == (200, 1, 1)


def test_an_unknown_export_format_offers_the_known_ones(harness, recorded):
    code, _, err = harness("export", recorded, "out", "--to", "bfcx")
    assert code == 2
    assert "Did you mean bfcl?" in err


def test_a_multi_turn_export_is_nested_by_turn_and_step(harness, tmp_path):
    record = data.questions("multi_turn_base")[0]
    script = {record["id"]: ["[pwd()]", *["done"] * 20]}
    (tmp_path / "script.json").write_text(json.dumps(script))
    scripted = ("--engine", "scripted", "--model-args", "script=script.json", "--handler", "prompt", "-q")
    harness("run", "--model", "m", "--tasks", "multi_turn_base", "--sample-id", record["id"], *scripted)
    harness("export", store.find_runs(tmp_path / "results")[0], "out", "--to", "bfcl")
    file = next((tmp_path / "out").rglob("BFCL_v4_multi_turn_base_result.json"))
    written = json.loads(file.read_text())
    assert written["result"] == [["[pwd()]", "done"], *[["done"]] * (len(record["question"]) - 1)]
    assert [len(steps) for steps in written["latency"]] == [len(steps) for steps in written["result"]]
    code, out, _ = harness("score", "--from-bfcl", file.parent, "--mode", "prompt", "--partial", "--json")
    assert (code, scores(out)["multi_turn_base"]) == (0, (200, 1, 0))


def test_memory_of_the_sandbox_is_held_to_the_bounds_of_a_run(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("score", "some-run", "--sandbox-memory", "nan") == 2
    assert "--sandbox-memory cannot be nan" in capsys.readouterr().err

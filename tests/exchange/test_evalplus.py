"""Sample files for EvalPlus: a program a problem, taken out of the reply; what faulted is left out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from harness.api import run
from harness.cli import cli
from harness.exchange import ExportRequest, evalplus
from tests.benchmarks.evalplus.conftest import evalplus_data, evalplus_environment, evalplus_files  # noqa: F401 - fixtures

FENCED = "Here it is:\n```python\ndef has_close_elements(numbers, threshold):\n    return True\n```\nIt is short."


@pytest.mark.usefixtures("evalplus_data")
def test_programs_are_written_by_benchmark_and_faults_left_out(tmp_path):
    pytest.importorskip("evalplus", reason="evalplus is an extra")
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"HumanEval/0": FENCED, "HumanEval/1": {"fault": "lost"}}))
    settings = {"engine": "scripted", "model_args": f"script={script},default=x = 1", "predict_only": True}
    (made,) = run(model="m", tasks="humaneval,mbpp", limit="2", output=tmp_path / "results", **settings)
    written = evalplus.write(ExportRequest(made.folder, tmp_path / "out"))
    lines = {
        file.stem: [json.loads(line) for line in file.read_text().splitlines()] for file in (tmp_path / "out").iterdir()
    }
    assert [file.name for file in written.files] == ["humaneval.jsonl", "mbpp.jsonl"]
    assert written.items == 3
    assert [line["task_id"] for line in lines["humaneval"]] == ["HumanEval/0"]
    assert lines["humaneval"][0]["solution"].strip() == FENCED.split("```")[1].removeprefix("python").strip()
    assert [line["task_id"].partition("/")[0] for line in lines["mbpp"]] == ["Mbpp", "Mbpp"]
    assert any("1 items that ended in an error" in note for note in written.notes)


@pytest.mark.usefixtures("evalplus_data")
def test_all_repeats_are_written_into_one_file_unless_one_is_asked_for(tmp_path):
    pytest.importorskip("evalplus", reason="evalplus is an extra")
    entries = [
        {"id": "HumanEval/0", "repeat": repeat, "text": f"```python\n{FENCED.split('python')[1]}\nx = {repeat}\n```"}
        for repeat in range(3)
    ]
    entries[1] = {"id": "HumanEval/0", "repeat": 1, "text": "x = 1"}
    (tmp_path / "script.jsonl").write_text("\n".join(json.dumps(entry) for entry in entries))
    settings = {"engine": "scripted", "model_args": f"script={tmp_path / 'script.jsonl'},default=x = 9"}
    options = {"predict_only": True, "repeats": 3, "temperature": 1.0, "output": tmp_path / "results"}
    (made,) = run(model="m", tasks="humaneval", sample_id=["HumanEval/0", "HumanEval/2"], **settings, **options)

    def exported(*flags):
        result = CliRunner().invoke(cli, ["export", str(made.folder), str(tmp_path / "o"), "--to", "evalplus", *flags])
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in (tmp_path / "o" / "humaneval.jsonl").read_text().splitlines()]

    assert sorted(line["task_id"] for line in exported()) == ["HumanEval/0"] * 3 + ["HumanEval/2"] * 3
    assert sum(line["solution"] == "x = 1" for line in exported()) == 1
    assert [line["solution"] for line in exported("--repeat", "1", "--overwrite")] == ["x = 1", "x = 9"]
    refused = CliRunner().invoke(cli, ["export", str(made.folder), "o", "--to", "evalplus", "--repeat", "3"])
    assert "has no repeat 3" in str(refused.exception)

"""Sample files for EvalPlus: a program a problem, taken out of the reply; what faulted is left out."""

from __future__ import annotations

import json

import pytest

from harness.api import run
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
    assert any("1 faulted" in note for note in written.notes)

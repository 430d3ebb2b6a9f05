"""Official result folders: told by their replies, judged, and kept as runs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness import exchange
from harness.analysis.comparison import compare
from harness.analysis.sides import read as read_side
from harness.benchmarks.bfcl import data, official
from harness.cli import cli
from harness.errors import UsageProblem
from harness.exchange import bfcl
from harness.exchange.bfcl import Convention, convention_of
from harness.handlers import dialects
from harness.results import store
from harness.types import FunctionCall

pytestmark = pytest.mark.usefixtures("bfcl_data")
MODEL = "Qwen_Qwen3-8B-FC"
N = 5


def calls_of(sample_id: str) -> list[FunctionCall]:
    return [
        FunctionCall(name, {key: values[0] for key, values in given.items() if values[0] != ""})
        for call in data.answer(sample_id)
        for name, given in call.items()
    ]


def results(category: str, dialect: str) -> list[dict[str, Any]]:
    """The first right answers of a category in a model's own format; for an abstention, a call."""
    writer = dialects.load(dialect)
    ids = [record["id"] for record in data.questions(category)[:N]]
    calls = {name: calls_of(name) or [FunctionCall("f", {"x": 1})] for name in ids}
    return [{"id": name, "result": writer.write(calls[name])} for name in ids]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a local Qwen3 in function-calling mode leaves."""
    root = tmp_path / "result" / MODEL
    for category in ("simple_python", "parallel", "irrelevance"):
        official.write_results(root, category, results(category, "hermes"))
    return root


def scored(*arguments: Any) -> dict[str, Any]:
    done = CliRunner().invoke(cli, ["score", *map(str, arguments), "--partial", "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return {name: (score["judged"], score["passed"]) for name, score in found["scores"]["upstream"].items()}


@pytest.mark.parametrize("how", [(), ("--mode", "fc"), ("--handler", "auto"), ("--dialect", "qwen-fc")])
def test_text_of_a_local_model_is_read_in_its_format(folder: Path, how: Sequence[str]) -> None:
    expected = {"simple_python": (N, N), "parallel": (N, N), "irrelevance": (N, 0)}
    assert scored("--from-bfcl", folder, *how) == expected


def test_the_guess_is_told_and_tasks_choose(folder: Path) -> None:
    notes: list[str] = []
    assert convention_of(folder, None, None, False, notes.append) == Convention("fc", dialect="hermes")
    assert notes == ["note: read as --dialect hermes, which reads 15 of 15 replies looked at"]
    assert list(scored("--from-bfcl", folder, "-t", "parallel")) == ["parallel"]
    with pytest.raises(UsageProblem, match="no results of multiple"):
        bfcl.chosen(official.result_files(folder), ["multiple"], folder)


def test_prompting_and_native_calls_are_told_apart(tmp_path: Path) -> None:
    texts = [{"id": record["id"], "result": "[f(a=1)]"} for record in data.questions("multiple")[:N]]
    official.write_results(tmp_path / "text", "multiple", texts)
    assert convention_of(tmp_path / "text", None, None, False, print) == Convention("prompt")
    with pytest.raises(UsageProblem, match="text as prompted models write it"):
        convention_of(tmp_path / "text", "fc", None, False, print)
    (dotted,) = calls_of("simple_python_1")  # math.factorial
    native = [{"id": "simple_python_1", "result": [{dotted.name.replace(".", "_"): json.dumps(dotted.arguments)}]}]
    official.write_results(tmp_path / "native", "simple_python", native)
    assert convention_of(tmp_path / "native", None, None, False, print) == Convention("fc", underscore_names=True)
    for mode, dialect in (("prompt", None), (None, "hermes")):
        with pytest.raises(UsageProblem, match="holds native calls"):
            convention_of(tmp_path / "native", mode, dialect, False, print)


def test_names_of_version_3_are_todays_and_unknown_files_are_skipped(tmp_path: Path) -> None:
    for name, category in (("simple", "simple_python"), ("java", "simple_java")):
        lines = results(category, "hermes") if name == "simple" else [{"id": "simple_java_0", "result": "x"}]
        old = [line | {"id": line["id"].replace(category, name)} for line in lines]
        file = tmp_path / f"BFCL_v3_{name}_result.json"
        file.write_text("\n".join(map(json.dumps, old)))
    (tmp_path / "BFCL_v3_chatable_result.json").write_text("{}")
    skipped: list[str] = []
    assert list(official.result_files(tmp_path, skipped.append)) == ["simple_python", "simple_java"]
    assert len(skipped) == 1
    assert scored("--from-bfcl", tmp_path)["simple_python"] == (N, N)


def test_an_official_folder_becomes_a_run(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    theirs = folder.parents[1] / "score" / MODEL
    file = official.ScoreFile(theirs, "simple_python")
    verdicts = {
        line["id"]: bfcl._judge(line, Convention("fc", dialect="hermes"), "upstream")
        for line in results("simple_python", "hermes")
    }
    for name, verdict in verdicts.items():
        file.add(name, "x", verdict)
    path = file.finish()
    failed = {"id": "simple_python_0", "valid": False, "error": ["?"], "error_type": "value_error:others"}
    path.write_text(path.read_text() + json.dumps(failed) + "\n")
    run = exchange.read("bfcl", folder, tmp_path / "runs")
    record = store.read_run(run)
    assert (record.model.name, record.status, record.handler_options) == (MODEL, "complete", {"dialect": "hermes"})
    assert record.scores["simple_python"].passed == N
    assert record.scores["irrelevance"].passed == 0
    assert "simple_python_0: pass, officially value_error:others" in caplog.text
    lines = {line.id: line for line in store.read_samples(run)}
    assert lines["simple_python_0"].verdicts["simple_python"].evidence["official"] == "value_error:others"
    assert lines["simple_python_1"].verdicts["simple_python"].evidence["official"] == "pass"
    assert scored(run) == scored("--from-bfcl", folder)
    assert compare(read_side(run), [read_side(run)])


def test_several_repeats_are_exported_and_the_command_has_a_key(folder: Path, tmp_path: Path) -> None:
    run = exchange.read("bfcl", folder, tmp_path / "runs")
    out = tmp_path / "an out"
    done = CliRunner().invoke(cli, ["export", str(run), str(out), "--to", "bfcl"])
    command = shlex.split(done.output.splitlines()[-1])
    assert command[:3] == ["OPENAI_API_KEY=unused", f"BFCL_PROJECT_ROOT={out.resolve()}", "bfcl"]
    both = CliRunner().invoke(cli, ["export", str(run), str(out), "--to", "bfcl", "--repeat", "0", "--repeat", "1"])
    assert "no repeat 1" in str(both.exception)
    assert list((out / "repeat_0").rglob("*_result.json"))

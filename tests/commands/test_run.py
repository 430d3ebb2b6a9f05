from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.results import store
from tests.commands.conftest import Command
from tests.toy import SIZE

ROOT = Path(__file__).parents[2]
RUN = ("run", "--engine", "scripted", "-M", "script=script.json", "--progress", "none")


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return json.loads(capsys.readouterr().out)


def test_a_run_prints_a_table_and_its_folder(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(*RUN, "--tasks", "echo") == 0
    said = capsys.readouterr()
    folder = store.find_runs(Path("results"))[0]
    assert f"complete: {folder}" in said.out
    assert "100.00%" in said.out
    assert "handler: prompt (" in said.err


def test_flags_of_other_tools_and_both_dashes(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--test_category", "echo,talk", "--max_samples", "2", "--epochs", "2", "--result_dir", "out", "--json")
    assert command(*RUN, *arguments, "--fail_on_error", "0", "--mode", "prompt", "--log_samples") == 0
    said = capsys.readouterr()
    (record,) = json.loads(said.out)
    assert record["benchmark"]["n"] == 8
    assert record["folder"].startswith("out/scripted/toy/")
    assert "greedy replies are the same in every repeat" in said.err


def test_lm_eval_spelling_gets_a_note(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (
        "--model",
        "scripted",
        "--model_args",
        "pretrained=some/model,script=script.json",
        "--datasets",
        "echo",
    )
    assert command("run", *arguments, "--progress", "plain") == 0
    said = capsys.readouterr()
    assert "note: read as --engine scripted --model some/model" in said.err
    assert f"toy some/model: {SIZE}/{SIZE} · accuracy 100.0%" in said.err
    assert store.find_runs(Path("results"))[0].parts[1] == "some_model"


@pytest.mark.usefixtures("bfcl_data")
def test_tasks_of_two_benchmarks_make_a_run_each(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(*RUN, "-t", "echo", "-t", "simple-python", "--limit", "2", "--json") == 0
    assert [record["benchmark"]["name"] for record in records(capsys)] == ["bfcl", "toy"]
    assert [folder.parts[2] for folder in store.find_runs(Path("results"))] == ["bfcl", "toy"]
    ids = ("--sample-id", "echo_1,simple_python_7", "--dry-run", "--json")
    assert command(*RUN, "-t", "echo,single_turn", *ids) == 0
    assert [plan["samples"] for plan in records(capsys)] == [{"simple_python": 1}, {"echo": 1}]


def test_a_model_is_compared_with_its_base(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    script = {f"echo_{i}": f"echo_{i}" for i in range(SIZE - 2)}
    Path("script.json").write_text(json.dumps(script))
    assert command(*RUN, "--model", "base", "--tasks", "echo") == 0
    Path("script.json").write_text(json.dumps(script | {"echo_0": "lost", "echo_1": "lost", "echo_11": "echo_11"}))
    capsys.readouterr()
    assert command(*RUN, "--model", "tuned", "--base", "base", "--tasks", "echo") == 0
    said = capsys.readouterr().out
    # The run of the base was there already and is used again.
    assert len(store.find_runs(Path("results/base"))) == 1
    assert "lost 2, gained 1" in said
    assert all(name in said for name in ("echo_0", "echo_1", "echo_11"))
    assert command(*RUN, "--model", "tuned", "--base", "base", "--tasks", "echo", "--json") == 0
    assert [record["model"]["name"] for record in records(capsys)] == ["base", "tuned"]


def test_a_dry_run_loads_and_writes_nothing(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engines.scripted.ScriptedEngine.open", None)
    assert command(*RUN, "--tasks", "echo,talk", "--limit", "0.5", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "echo 6, talk 6" in said
    assert "a new one" in said
    assert not Path("results").exists()


def test_faults_exit_3_unless_allowed(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    Path("script.json").write_text(json.dumps({"echo_1": {"fault": "HTTP 500"}}))
    assert command(*RUN, "--tasks", "echo") == 3
    told = capsys.readouterr().err
    assert f"1 of {SIZE} items ended in an error" in told
    shown = shlex.split(told.partition("`")[2].partition("`")[0])
    assert shown[:2] == ["harness", "show"]
    assert command(*shown[1:]) == 0
    assert "HTTP 500" in capsys.readouterr().out
    assert command(*RUN, "--tasks", "echo", "--fail-on-error", "1") == 0
    assert command(*RUN, "--tasks", "echo", "--fail-on-error", "0.05") == 3
    assert command(*RUN, "--tasks", "echo", "--fail-on-error", "0.1") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--tasks is missing"),
        (("--tasks", "ecko"), "Did you mean echo"),
        (("--tasks", "echo", "--sample-id", "echo_99"), "unknown sample 'echo_99'"),
        (("--tasks", "echo", "--engine", "scrpted"), "Did you mean scripted"),
        (("--tasks", "echo", "--handler", "promt"), "Did you mean prompt"),
        (("--tasks", "echo", "--limit", "x"), "--limit 'x'"),
        (("--tasks", "echo", "--limit", "90-99"), "--limit 90-99 leaves no sample of toy"),
        (("--tasks", "echo", "--fail-on-error", "many"), "--fail-on-error 'many'"),
        (("--tasks", "echo", "--sample-timeout", "-1"), "--sample-timeout cannot be -1.0"),
        (("--tasks", "echo", "--sandbox", "usrns"), "Did you mean userns"),
        (("--tasks", "echo", "--sandbox-memory", "nan"), "--sandbox-memory cannot be nan"),
        (("--tasks", "echo", "--dp", "2"), "--dp is not for engine scripted"),
        (("--tasks", "echo", "-M", "dely=3"), "Did you mean delay"),
        (("--tasks", "echo", "-M", "script=nothing.json"), "nothing.json"),
        (("--tasks", "echo", "--handler", "prompt", "--answer-delimiter", ":"), "no --answer-delimiter"),
        (("--tasks", "echo", "--config", "nothing.yaml"), "nothing.yaml"),
        (("--taks", "echo"), "--tasks"),
        (("--tasks", "echo", "--engine", "hf", "--model", "/no/such/model"), "/no/such/model"),
    ],
)
def test_usage_errors_exit_2_and_say_what_to_do(
    command: Command, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*RUN, *arguments) == 2
    assert said in capsys.readouterr().err


def test_a_flag_counts_before_environment_before_file(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        "tasks": "echo",
        "max-tokens": 7,
        "top_p": 0.5,
        "temperature": 0.5,
        "model_args": {"script": "script.json"},
    }
    Path("run.yaml").write_text(json.dumps(config))
    monkeypatch.setenv("HARNESS_RUN_TOP_P", "0.6")
    monkeypatch.setenv("HARNESS_RUN_TEMPERATURE", "0.6")
    fixed = ("run", "--engine", "scripted", "--progress", "none", "--json")
    assert command(*fixed, "--config", "run.yaml", "--temperature", "0.7") == 0
    sampling = records(capsys)[0]["sampling"]
    assert (sampling["max_tokens"], sampling["top_p"], sampling["temperature"]) == (7, 0.6, 0.7)
    Path("run.yaml").write_text("taks: echo")
    assert command(*fixed, "--config", "run.yaml") == 2
    assert "Did you mean tasks" in capsys.readouterr().err
    Path("run.yaml").write_text("temperature: {a: 1}")
    assert command(*fixed, "--config", "run.yaml") == 2
    assert "temperature cannot be {'a': 1}" in capsys.readouterr().err


def test_a_misspelt_variable_is_warned_of(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_RUN_MODLE", "tiny")
    monkeypatch.setenv("HARNESS_RUN_LIMIT", "3")
    assert command(*RUN, "--tasks", "echo") == 0
    said = capsys.readouterr().err
    assert "warning: HARNESS_RUN_MODLE sets no flag. Did you mean HARNESS_RUN_MODEL" in said
    assert "HARNESS_RUN_LIMIT sets" not in said


def test_line_breaks_are_typed_as_escapes(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--handler", "funreason", "--think-prefix", "<think>\\n\\n", "--answer-delimiter", "::")
    assert command(*RUN, "--tasks", "echo", "--json", *arguments) == 0
    chosen = {"think_prefix": "<think>\n\n", "answer_delimiter": "::"}
    assert records(capsys)[0]["handler_options"] == chosen | {"takes": "api"}


def test_a_prefilled_beginning_is_asked_for_and_joined_to_the_reply(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("script.json").write_text(json.dumps({f"echo_{i}": f"cho_{i}" for i in range(SIZE)}))
    assert command(*RUN, "--tasks", "echo", "--json", "--handler", "prompt", "--prefill", "e") == 0
    (record,) = records(capsys)
    assert record["handler_options"]["think_prefix"] == "e"
    assert record["scores"]["echo"]["passed"] == SIZE


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_it_exits_130_and_continues(tmp_path: Path, asked: signal.Signals) -> None:
    arguments = ["run", "--engine", "scripted", "-M", "delay=0.05,slots=1", "--tasks", "echo", "--progress", "plain"]
    command = [sys.executable, "-m", "tests.toy", *arguments, "-o", str(tmp_path)]
    if asked == signal.SIGTERM:  # as a shell script starts a job in the background
        command = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # the suite may itself run in the background
    ) as process:
        deadline = time.monotonic() + 30
        while not any(folder.joinpath(store.SAMPLES).stat().st_size for folder in store.find_runs(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(asked)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert process.wait(10) == 130
    assert "the same command continues" in said
    assert "Traceback" not in said
    folder = store.find_runs(tmp_path)[0]
    kept = len(list(store.read_samples(folder, pytest.fail)))
    assert 0 < kept < SIZE
    assert store.read_run(folder).status == "incomplete"
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert store.find_runs(tmp_path) == [folder]
    assert len(list(store.read_samples(folder, pytest.fail))) == SIZE


def test_show_prints_a_sample_without_control_characters(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[31mred\u202e \ud800 <b>"
    Path("script.json").write_text(json.dumps({"talk_1": [hostile, "two", "three"], "echo_1": {"fault": "HTTP 500"}}))
    assert command(*RUN, "--tasks", "talk,echo", "--handler", "prompt") == 3
    capsys.readouterr()
    folder = store.find_runs(Path("results"))[0]
    assert command("show", folder, "talk_1") == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\\x1b[31mred\\u202e \\ud800 <b>" in said
    order = [said.index(part) for part in ("talk 1 turn 0", "red", "talk 1 turn 1", "two", "talk 1 turn 2", "three")]
    assert order == sorted(order)
    assert said.count("talk 1 turn 0") == 1
    assert "fail · wrong" in said
    assert command("show", folder.name, "echo_1") == 0
    assert "HTTP 500" in capsys.readouterr().out
    assert command("show", folder, "talk_1", "--raw") == 0
    assert json.loads(capsys.readouterr().out)["id"] == "talk_1"
    assert command("show", folder, "talk_99") == 2
    assert "Did you mean talk_" in capsys.readouterr().err
    assert command("show", folder, "talk_1", "--repeat", "1") == 2


def test_show_says_what_replies_were_forced_to_start_with(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    for handler, expected in (("funreason", True), ("prompt", False)):
        assert command(*RUN, "--tasks", "echo", "--handler", handler, "--output", handler) == 0
        (folder,) = store.find_runs(Path(handler))
        capsys.readouterr()
        assert command("show", folder, "echo_0") == 0
        assert (r"every reply was forced to start with '<think>\n'" in capsys.readouterr().out) is expected


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("tasks", {"task": "echo", "benchmark": "toy", "stands for": ""}),
        ("groups", {"task": "single_turn", "benchmark": "toy", "stands for": "echo, double"}),
    ],
)
def test_lists_of_tasks(
    command: Command, capsys: pytest.CaptureFixture[str], what: str, expected: dict[str, str]
) -> None:
    assert command("list", what, "--json") == 0
    assert expected in json.loads(capsys.readouterr().out)
    assert command("ls", what) == 0
    assert "single_turn" in capsys.readouterr().out


def test_lists_of_plugins_and_runs(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    for what, name in (("handlers", "funreason"), ("engines", "scripted")):
        assert command("list", what, "--json") == 0
        rows = {row[what.removesuffix("s")]: row["about"] for row in json.loads(capsys.readouterr().out)}
        assert all(rows.values())
        assert name in rows
    assert command("list", "runs") == 0
    assert "no runs" in capsys.readouterr().out
    command(*RUN, "--tasks", "echo")
    os.makedirs("results/x/y/z")
    Path("results/x/y/z/run.json").write_text("{")
    capsys.readouterr()
    assert command("list", "runs", "--json") == 0
    said = capsys.readouterr()
    (row,) = json.loads(said.out)
    assert (row["accuracy"], row["judged"], row["status"]) == ("100.0%", str(SIZE), "complete")
    assert "results/x/y/z/run.json is damaged" in said.err

"""The commands as functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import harness
from harness import compare, gate, leaderboard, run, score
from harness.errors import UsageProblem
from harness.results import store
from tests import synthetic_runs, toy
from tests.synthetic_runs import biased


def test_names_are_those_of_the_commands() -> None:
    assert set(harness.__all__) == {"run", "score", "compare", "gate", "leaderboard"}
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        _ = harness.rum  # type: ignore[attr-defined]


def test_importing_the_package_imports_no_command() -> None:
    code = (
        "import sys, harness; assert not {m for m in sys.modules if m.startswith('harness.')}; from harness import run"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def test_functions_survive_the_import_of_their_modules() -> None:
    import harness.analysis.comparison
    import harness.analysis.gating  # noqa: F401

    assert callable(harness.compare)
    assert callable(harness.gate)


def test_run_takes_the_flags_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.install(toy.Toy(), monkeypatch.setattr)
    (found,) = run(
        model="scripted", tasks="echo", engine="scripted", limit=3, output=tmp_path, repeats=2, temperature=0.5
    )
    assert found.record.repeats == 2
    assert found.record.benchmark.n == 6
    assert store.read_run(found.folder) == found.record
    assert found.scores == found.record.scores
    with pytest.raises(UsageProblem, match="Did you mean echo"):
        run(model="scripted", tasks="ecko", engine="scripted", output=tmp_path)


def test_no_value_of_a_flag_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.install(toy.Toy(), monkeypatch.setattr)
    asked = {"model": "scripted", "tasks": "echo", "engine": "scripted", "limit": 3, "output": tmp_path}
    (first,) = run(**asked, seed=0, model_args={"delay": 0.001, "default": {"a": 1}}, resume=False)
    assert first.record.sampling.seed == 0
    assert first.record.engine.options["default"] == {"a": 1}
    (second,) = run(**asked, seed=0, model_args={"delay": 0.001, "default": {"a": 1}}, resume=False)
    assert second.folder != first.folder
    (third,) = run(**asked, seed=0, model_args={"delay": 0.001, "default": {"a": 1}}, resume=True, stop=None)
    assert third.folder == second.folder
    for flag in ("base", "dry_run"):
        with pytest.raises(UsageProblem, match=f"has no {flag}"):
            run(**asked, **{flag: "x"})


def test_compare_and_gate_take_folders_and_names(tmp_path: Path) -> None:
    folders = [synthetic_runs.write(tmp_path, "m", {"multiple": 300}, biased(i, 0.5 + i / 4)) for i in (0, 1)]
    (found,) = compare(folders[0], str(folders[1]), alpha=0.01)
    assert found.options.alpha == 0.01
    assert found.rows[0].difference > 0
    policy = tmp_path / "gate.yaml"
    policy.write_text("max_drop: {multiple: 0.02}")
    assert gate(folders[1], policy, baseline=folders[0]).passed
    assert gate(folders[0], {"max_drop": {"multiple": 0.02}}, baseline=folders[1]).verdict == "fail"


def test_score_judges_again_and_changes_nothing(bfcl_data: Path, tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"irrelevance": 4}, lambda *_: "pass", text="[f(")
    before = (folder / store.SAMPLES).read_bytes()
    assert score(folder)["irrelevance"].passed == 4
    assert score(folder, "strict")["irrelevance"].passed == 0
    assert (folder / store.SAMPLES).read_bytes() == before


def test_a_run_takes_values_that_no_command_line_could_carry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.install(toy.Toy(), monkeypatch.setattr)
    answer = "[f(a=1,b=2)]"
    (found,) = run("scripted", ["echo"], engine="scripted", output=tmp_path, model_args={"default": answer})
    assert found.record.engine.options == {"default": answer}
    assert {line.steps[0].generation.text for line in store.read_samples(found.folder)} == {answer}
    # As on a command line, every spelling of a flag will do.
    spelt: dict[str, Any] = {"backend": "scripted", "result_dir": tmp_path, "model_args": f"default={answer}"}
    assert run("scripted", "echo", **spelt)[0].folder == found.folder


def test_a_run_refuses_what_it_cannot_honour(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"unknown keyword of run\(\) 'temprature'\nDid you mean temperature"):
        run("scripted", "echo", output=tmp_path, temprature=1)  # type: ignore[call-arg]
    with pytest.raises(UsageProblem, match="--repeats cannot be 0"):
        run("scripted", "echo", output=tmp_path, repeats=0)


def test_a_leaderboard_shows_views_that_hold_something(tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"simple_python": 20}, biased(0, 0.5))
    boards = leaderboard(tmp_path)
    assert "v4" in [board.view.name for board in boards]
    assert all(board.blocks[0].rows[0].label == "m" for board in boards)
    (board,) = leaderboard(folder, views=["forgetting"])
    assert not any(block.measured for block in board.blocks)
    with pytest.raises(UsageProblem, match="unknown column 'overal'"):
        leaderboard(folder, views=["v4"], sort="overal")
    with pytest.raises(UsageProblem, match="unknown rules 'strct'"):
        score(folder, "strct")  # type: ignore[arg-type]

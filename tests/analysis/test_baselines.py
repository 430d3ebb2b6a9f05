"""What may replace a baseline, what a frozen one holds, and that small drops do not add up unseen."""

from __future__ import annotations

import difflib
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.analysis.outcomes import Outcomes, disagreements
from harness.analysis.sides import freeze, read, thaw
from harness.cli import cli
from harness.types import ModelInfo, Outcome
from tests.analysis.gate_wrong import frozen, good, perfect, run
from tests.synthetic_runs import Outcomes as Marks


def gate(folder: Path, *arguments: str) -> Result:
    base = ("--baseline", str(folder / "base.json"), "--update-baseline")
    return CliRunner().invoke(cli, ["gate", str(folder / "run"), *base, *arguments], env={"GITHUB_ACTIONS": ""})


def worse_by(lost: int) -> Marks:
    """Wrong in the first items."""

    def outcome(category: str, index: int, repeat: int) -> Outcome:
        return "fail" if index < lost else "pass"

    return outcome


def test_a_narrower_candidate_passes_and_does_not_replace_a_fuller_baseline(tmp_path: Path) -> None:
    path = frozen(tmp_path, sizes={"multiple": 200, "parallel": 200})
    before = path.read_bytes()
    run(tmp_path, sizes={"multiple": 200})
    result = gate(tmp_path, "--max-drop", "multiple=0.1")
    assert result.exit_code == 0, result.output
    assert "parallel: 200 of 200 items" in result.output
    assert path.read_bytes() == before


def test_a_shorter_candidate_does_not_replace_it_either(tmp_path: Path) -> None:
    path = frozen(tmp_path)
    before = path.read_bytes()
    run(tmp_path, sizes={"multiple": 150})
    result = gate(tmp_path, "--min", "multiple=0.5")
    assert (result.exit_code, path.read_bytes() == before) == (0, True), result.output
    assert "multiple: 50 of 200 items" in result.output


def test_a_forced_gate_replaces_nothing(tmp_path: Path) -> None:
    path = frozen(tmp_path, rules="strict")
    run(tmp_path)
    result = gate(tmp_path, "--max-drop", "multiple=0.1", "--force")
    assert (result.exit_code, json.loads(path.read_bytes())["benchmarks"]["bfcl"]["rules"]) == (0, "strict")
    assert "kept, the gate was forced" in result.output


def ratchet(tmp_path: Path, *arguments: str) -> list[int]:
    """Ten candidates, each six of 400 items worse than the one before: 15 points in all."""
    frozen(tmp_path, sizes={"multiple": 400}, outcomes=perfect)
    codes = []
    for number in range(1, 11):
        folder = tmp_path / "run"
        if folder.exists():
            folder.rename(tmp_path / f"run{number}")
        run(tmp_path, sizes={"multiple": 400}, outcomes=worse_by(6 * number))
        codes.append(gate(tmp_path, "--max-drop", "multiple=0.05", *arguments).exit_code)
    return codes


def test_small_drops_add_up_without_an_anchor(tmp_path: Path) -> None:
    assert ratchet(tmp_path) == [0] * 10
    assert json.loads((tmp_path / "base.json").read_bytes())["passed"] == {"multiple": "340 of 400"}


def test_an_anchor_holds_them(tmp_path: Path) -> None:
    first = tmp_path / "first.json"
    first.write_bytes(frozen(tmp_path / "other", sizes={"multiple": 400}, outcomes=perfect).read_bytes())
    (tmp_path / "gate.yaml").write_text("anchor: first.json\nmax_drop: {multiple: 0.05}\n")
    codes = ratchet(tmp_path, "--policy", str(tmp_path / "gate.yaml"))
    assert codes[:2] == [0, 0]
    assert set(codes[2:]) == {1}
    assert json.loads((tmp_path / "base.json").read_bytes())["passed"] == {"multiple": "388 of 400"}


def test_if_not_worse_holds_them(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("update: if-not-worse\nmax_drop: {multiple: 0.05}\n")
    codes = ratchet(tmp_path, "--policy", str(tmp_path / "gate.yaml"))
    assert codes == [0, 0, *[1] * 8]
    assert json.loads((tmp_path / "base.json").read_bytes())["passed"] == {"multiple": "400 of 400"}


def test_if_not_worse_lets_a_better_one_in(tmp_path: Path) -> None:
    frozen(tmp_path)
    run(tmp_path, outcomes=perfect)
    (tmp_path / "gate.yaml").write_text("update: if-not-worse\nmax_drop: {multiple: 0.05}\n")
    assert "written" in gate(tmp_path, "--policy", str(tmp_path / "gate.yaml")).output


def test_a_frozen_file_says_which_run_it_is_and_without_paths_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    model = ModelInfo(str(tmp_path / "tuned"), sha256="ab" * 32)
    made = run(tmp_path, model=model)
    (about,) = json.loads(freeze(read(made)))["runs"]
    assert about["run_id"] == made.name
    assert (about["model"], about["model_sha256"]) == ("tuned", "ab" * 32)
    assert about["commit"] == "0" * 40
    assert about["started"] == "2026-01-01T00:00:00Z"


def test_a_difference_of_two_frozen_files_reads_item_by_item(tmp_path: Path) -> None:
    one, two = (freeze(read(run(tmp_path / name, outcomes=marks))) for name, marks in (("a", perfect), ("b", good)))
    changed = [
        line[1:].strip()
        for line in difflib.unified_diff(one.decode().splitlines(), two.decode().splitlines(), n=0, lineterm="")
        if line.startswith("+ ")
    ]
    assert '"multiple": "180 of 200"' in changed
    flips = [line for line in changed if line.startswith('"multiple_')]
    assert flips[:2] == ['"multiple_9": "0",', '"multiple_19": "0",']
    assert len(flips) == 20


def test_everything_a_side_knows_is_frozen_with_it(tmp_path: Path) -> None:
    run(tmp_path, sizes={"multiple": 20})
    run(tmp_path, sizes={"parallel": 20}, handler="fc")
    side = read(tmp_path / "run")
    path = tmp_path / "base.json"
    path.write_bytes(freeze(side))
    again = thaw(path)
    assert again.conflicts == side.conflicts != ()
    assert disagreements(again, side) == list(side.conflicts)
    for name in ("benchmarks", "sizes", "results", "left", "missing", "excluded", "repeats_of", "unplayed", "runs"):
        assert getattr(again, name) == getattr(side, name), name


@pytest.mark.parametrize("lost", ["runs", "passed", "missing", "repeats_of", "unplayed", "shards", "conflicts"])
def test_a_baseline_of_an_earlier_version_can_be_read(tmp_path: Path, lost: str) -> None:
    path = frozen(tmp_path)
    data = json.loads(path.read_bytes())
    del data[lost]
    path.write_text(json.dumps(data))
    assert isinstance(thaw(path), Outcomes)


def test_a_run_is_not_overwritten_by_a_baseline(tmp_path: Path) -> None:
    made = run(tmp_path / "before")
    run(tmp_path)
    before = (made / "run.json").read_bytes()
    arguments = ["gate", str(tmp_path / "run"), "--max-drop", "multiple=0.1", "--update-baseline"]
    for name in ("run.json", "samples.jsonl", ""):
        result = CliRunner().invoke(cli, [*arguments, "--baseline", str(made / name)])
        assert "--update-baseline needs --baseline FILE" in str(result.exception)
    assert (made / "run.json").read_bytes() == before


def test_a_run_is_told_from_itself_by_its_id(tmp_path: Path) -> None:
    made = run(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    arguments = ["gate", str(tmp_path / "run"), "--max-drop", "multiple=0.1", "--baseline"]
    assert "compared with itself" in CliRunner().invoke(cli, [*arguments, str(copy)]).output
    (tmp_path / "base.json").write_bytes(freeze(read(made)))
    result = CliRunner().invoke(cli, [*arguments, str(tmp_path / "base.json")])
    assert (result.exit_code, "was frozen from this very run" in result.output) == (0, True)


def test_an_anchor_that_would_move_is_refused(tmp_path: Path) -> None:
    base = str(frozen(tmp_path))
    run(tmp_path)
    result = gate(tmp_path, "--max-drop", "multiple=0.1", "--anchor", base)
    assert "the anchor is the baseline" in str(result.exception)

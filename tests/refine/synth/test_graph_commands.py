"""`refine synth graph` and `walk` on the vault, whose edges are known, and on one of BFCL's classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.errors import UsageProblem
from harness.types import FunctionCall
from refine.cli import cli
from refine.commands import _synth_graph, _synth_walk
from refine.environments import open_environment
from refine.synth.plan import MOST_OFTEN, weights_from
from tests import synthetic_runs
from tests.refine.synth.toys import Vault


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (_synth_graph, _synth_walk):
        monkeypatch.setattr(module, "opened", lambda *arguments: Vault())


def synth(*words: str | Path) -> Result:
    done = CliRunner().invoke(cli, ["synth", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done


def test_a_graph_is_found_written_edited_and_walked(vault: None, tmp_path: Path) -> None:
    said = synth("graph", "toy:vault", "-o", tmp_path).output
    assert "6 tools, 5 carried out" in said
    assert "never carried out: broken" in said
    assert "-> take(box)" in said
    assert "unlock" in (tmp_path / "graph.html").read_text()

    file = tmp_path / "graph.json"
    plain = json.loads(file.read_text())
    plain["reached"].remove("take")
    file.write_text(json.dumps(plain))
    assert "never carried out: take, broken" in synth("graph", "toy:vault", "-o", tmp_path).output, "it is kept"

    words = ("walk", "toy:vault", "--graph", file, "-n", "6", "--seed", "3", "--calls", "1-3")
    for name in ("first", "second"):
        synth(*words, "--output", tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    walks = [json.loads(line) for line in (tmp_path / "first").read_text().splitlines()]
    assert walks
    targets = {target for walk in walks for turn in walk["turns"] for target in turn["targets"]}
    assert targets <= {"list_boxes", "unlock", "disarm", "open"}, "an edited graph decides what is a target"
    json.loads(synth(*words, "--json").stdout)


def test_targets_are_weighed_by_the_failures_of_a_recorded_run(vault: None, tmp_path: Path) -> None:
    run = synthetic_runs.write(
        tmp_path,
        sizes={"multiple": 6},
        outcomes=lambda category, index, repeat: "pass" if index == 5 else "fail",
        text=lambda index: "[unlock()]" if index in (0, 5) else "[take(box='B1')]",
    )
    weights = weights_from(run, ["unlock", "open", "take"])
    assert weights == {"unlock": 2, "open": 1, "take": MOST_OFTEN}

    file = tmp_path / "vault" / "graph.json"
    synth("graph", "toy:vault", "-o", file.parent)
    words = ("walk", "toy:vault", "--graph", file, "-n", "40", "--turns", "1", "--kinds", "plain=1", "--output")
    counts = []
    for name, more in (("even", ()), ("weighed", ("--targets-from", run))):
        synth(*words, tmp_path / name, *more)
        walks = map(json.loads, (tmp_path / name).read_text().splitlines())
        counts.append(sum(walk["turns"][0]["targets"] == ["take"] for walk in walks))
    assert counts[1] > counts[0] > 0


def test_a_run_without_a_failure_at_these_tools_is_refused(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path, sizes={"multiple": 3}, outcomes=lambda *item: "fail", text="[other()]")
    with pytest.raises(UsageProblem, match="no failed sample calls a tool"):
        weights_from(run, ["unlock"])


def test_worlds_of_a_benchmarks_class_follow_from_their_seed() -> None:
    environment = open_environment("bfcl:VehicleControlAPI")
    assert environment.benchmark == "bfcl"
    first, again, other = (environment.fresh(seed) for seed in (1, 1, 2))
    assert first.state() == again.state() != other.state()
    assert again.execute(FunctionCall("startEngine", {"ignitionMode": "START"})).error, "doors and brake come first"
    doors = ["driver", "passenger", "rear_left", "rear_right"]
    assert not first.execute(FunctionCall("lockDoors", {"unlock": False, "door": doors})).error
    assert not first.execute(FunctionCall("pressBrakePedal", {"pedalPosition": 1.0})).error
    assert not first.execute(FunctionCall("startEngine", {"ignitionMode": "START"})).error
    assert first.state() != again.state()
    assert first.execute(FunctionCall("__init__", {})).error


def test_classes_are_known_and_opened_on_purpose_only() -> None:
    with pytest.raises(UsageProblem, match="VehicleControlAPI"):
        open_environment("bfcl:VehicleControlApi")
    refused = CliRunner().invoke(cli, ["synth", "graph", "bfcl:TicketAPI"])
    assert isinstance(refused.exception, UsageProblem)
    assert "--benchmark-environments" in str(refused.exception)

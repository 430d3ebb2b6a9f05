"""What runs of one model are called, wherever they are shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.analysis.comparison import compare
from harness.analysis.labels import LONGEST, facts, joined, name_of, tell_apart
from harness.analysis.outcomes import labelled
from harness.analysis.sides import freeze, read
from harness.cli import cli
from harness.reports import comparisons, page
from harness.types import EngineInfo, ModelInfo, Sampling
from tests import synthetic_runs
from tests.synthetic_runs import biased, record

SIZES = {"multiple": 40}


def named(*records: Any) -> list[str]:
    return tell_apart(
        [name_of(each.model.name) for each in records],
        [facts(each) for each in records],
        [str(number) for number, _ in enumerate(records)],
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{}, {"handler": "fc"}], ["model (prompt)", "model (fc)"]),
        ([{}, {"engine": EngineInfo("hf", "1")}], ["model (scripted)", "model (hf)"]),
        (
            [{}, {"model": ModelInfo("model", sha256="ab" * 32, adapter="lora")}],
            ["model (no adapter)", "model (adapter lora)"],
        ),
        ([{}, {"model": ModelInfo("model")}], ["model (weights abababab)", "model (weights unknown)"]),
        (
            [{"model": ModelInfo("model", revision="v1")}, {"model": ModelInfo("model", revision="v2")}],
            ["model (revision v1)", "model (revision v2)"],
        ),
        ([{}, {"sampling": Sampling(stop=("x",))}], ["model (stop [])", "model (stop ['x'])"]),
        (
            [{"model": ModelInfo("./a/tuned")}, {"model": ModelInfo("./b/tuned/")}],
            ["tuned (./a/tuned)", "tuned (./b/tuned/)"],
        ),
        ([{}, {}], ["model (run 0)", "model (run 1)"]),
        ([{}, {}, {"handler": "fc"}], ["model (prompt, run 0)", "model (prompt, run 1)", "model (fc)"]),
        ([{}, {"model": ModelInfo("other"), "handler": "fc"}], ["model", "other"]),
        ([{}], ["model"]),
    ],
)
def test_a_label_says_in_what_runs_of_one_model_differ(changes: list[dict[str, Any]], expected: list[str]) -> None:
    assert named(*(record(**each) for each in changes)) == expected


def test_a_long_setting_does_not_hide_the_run(tmp_path: Path) -> None:
    settings = EngineInfo("hf", chat_template="{{ x }}" * 500)
    labels = named(record(engine=settings), record(engine=settings), record())
    assert labels[0].endswith("run 0)")
    assert labels[1].endswith("run 1)")
    assert max(map(len, labels)) < 3 * LONGEST


def test_facts_of_several_runs_are_joined() -> None:
    several = [{"handler": "fc", "rules": "upstream"}, {"handler": "prompt", "rules": "upstream"}]
    assert joined(several) == {"handler": "fc + prompt", "rules": "upstream"}


def test_facts_are_json_values() -> None:
    found = facts(record(sampling=Sampling(stop=("x",)), engine=EngineInfo("hf", options={"dp": 2})))
    assert json.loads(json.dumps(found)) == found


def test_a_name_is_one_line_and_short() -> None:
    assert name_of("/models/a/tuned/") == "tuned"
    assert name_of("org/model") == "org/model"
    assert name_of("/") == "/"
    assert "\n" not in name_of("a\nb")


@pytest.fixture
def runs(tmp_path: Path) -> Callable[..., list[Path]]:
    def made(*changes: dict[str, Any]) -> list[Path]:
        return [
            synthetic_runs.write(tmp_path / str(number), "tiny", SIZES, biased(number, 0.6), **change)
            for number, change in enumerate(changes)
        ]

    return made


def test_every_report_of_two_runs_of_one_model_tells_them_apart(runs: Callable[..., list[Path]]) -> None:
    a, b = runs({}, {"handler": "fc", "sampling": Sampling(temperature=0.7)})
    labels = ("tiny (prompt, temperature 0.0)", "tiny (fc, temperature 0.7)")
    (found,) = compare(read(a), [read(b)])
    assert (found.a.label, found.b.label) == labels
    for write in (comparisons.terminal, comparisons.dumped, comparisons.html):
        assert all(label in write([found]) for label in labels)
    assert "A  tiny (prompt, temperature 0.0)\nB  tiny (fc, temperature 0.7)\n" in comparisons.terminal([found])
    gated = CliRunner().invoke(
        cli, ["gate", str(b), "--baseline", str(a), "--max-drop", "*=0.9"], env={"COLUMNS": "200"}
    )
    assert f"{labels[1]} against {labels[0]}" in gated.output
    html = page.page([a, b])
    index = json.loads(re.findall(r"<script type=\"application/json\"[^>]*>(.*?)</script>", html, re.DOTALL)[0])
    assert tuple(run["label"] for run in index["runs"]) == labels
    assert (index["comparison"]["a"], index["comparison"]["b"]) == labels


def test_runs_of_one_configuration_are_told_apart_by_their_ids(runs: Callable[..., list[Path]]) -> None:
    folders = runs({}, {}, {"handler": "fc"})
    expected = [f"tiny (prompt, run {folder.name})" for folder in folders[:2]] + ["tiny (fc)"]
    assert [side.label for side in labelled([read(folder) for folder in folders])] == expected


def test_a_frozen_baseline_keeps_what_tells_it_apart(runs: Callable[..., list[Path]], tmp_path: Path) -> None:
    a, b = runs({}, {"handler": "fc"})
    frozen = tmp_path / "base.json"
    frozen.write_bytes(freeze(read(a)))
    assert [side.label for side in labelled([read(frozen), read(b)])] == ["tiny (prompt)", "tiny (fc)"]
    older = json.loads(frozen.read_bytes())
    del older["facts"]
    frozen.write_text(json.dumps(older))
    assert [side.label for side in labelled([read(frozen), read(b)])] == ["tiny", f"tiny (run {b.name})"]


def test_a_long_label_fits_the_terminal(runs: Callable[..., list[Path]]) -> None:
    a, b = map(read, runs({}, {"handler": "fc"}))
    (found,) = compare(replace(a, label="long " * 30), [b])
    assert max(map(len, comparisons.terminal([found], 60).splitlines())) <= 60

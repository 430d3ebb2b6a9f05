"""The embedded model on a local ray cluster: what one process says, also when an actor is killed half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness import run
from harness.engines._ray import NodeCopy, _everywhere
from harness.engines.hf import PLUGIN
from harness.errors import UsageProblem
from harness.results import store
from harness.types import EngineSettings
from tests.processes import descendants

pytest.importorskip("ray", reason="ray is an extra: pip install 'funreason-harness[ray]'")
SAMPLES = 16
FLAGS: dict[str, Any] = {"model": "tiny", "tasks": "simple_python", "limit": SAMPLES, "max_tokens": 48, "batch_size": 1}
"""Sixteen questions, one after the other at each worker."""


def said(output: Path) -> dict[str, tuple[Any, ...]]:
    """What was generated and judged, by sample; every sample is there once."""
    (folder,) = store.find_runs(output)
    lines = list(store.read_samples(folder, pytest.fail))
    assert len(lines) == SAMPLES
    return {
        line.id: (line.fault, [step.generation.text for step in line.steps], line.verdicts["simple_python"].outcome)
        for line in lines
    }


def actors(below: int) -> list[int]:
    """Ids of the processes below one that hold a copy of the engine."""
    return [pid for pid, name in descendants(below).items() if name.startswith(b"ray::NodeCopy")]


@pytest.mark.slow
@pytest.mark.usefixtures("bfcl_data")
def test_a_killed_actor_changes_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment.pop("RAY_ADDRESS", None)
    spread = tmp_path / "spread"
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in FLAGS.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "run", *flags, f"-o{spread}", "--runner=ray", "--dp=2", "--json", "-q"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    victims: list[int] = []
    while not victims and process.poll() is None:
        if any((folder / store.SAMPLES).stat().st_size for folder in store.find_runs(spread)):
            victims = actors(process.pid)[:1]
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    output, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert victims
    assert "is lost" in errors
    (record,) = json.loads(output)
    assert (record["status"], record["machine"]["layout"]) == ("complete", {"dp": 2, "runner": "ray"})
    run(**FLAGS, output=tmp_path / "alone")
    assert said(spread) == said(tmp_path / "alone")
    # The layout is not a part of the run: without ray the same flags find it finished.
    assert run(**FLAGS, output=spread)[0].record.run_id == record["run_id"]


def test_a_node_with_another_model_is_refused(tmp_path: Path) -> None:
    copy = NodeCopy("hf", EngineSettings("tiny"), "0" * 64)
    refused = copy.open()
    assert isinstance(refused, UsageProblem)
    assert "tiny is another model than here" in str(refused)
    absent = NodeCopy("hf", EngineSettings(str(tmp_path / "nowhere")), "0" * 64).open()
    assert isinstance(absent, UsageProblem)
    assert "there is no folder" in str(absent)


def test_settings_mean_the_same_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("model", "lora", "tiny"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    sent = _everywhere(EngineSettings("model", adapter="lora", tokenizer="org/tokenizer"))
    assert (sent.model, sent.adapter) == (str(tmp_path / "model"), str(tmp_path / "lora"))
    assert (sent.tokenizer, sent.offline) == ("org/tokenizer", True)
    assert _everywhere(EngineSettings("tiny")).model == "tiny", "the embedded model, whatever lies here"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere:here"])
def test_a_cluster_that_is_not_there_is_told_at_once(address: str) -> None:
    began = time.monotonic()
    with pytest.raises(UsageProblem, match=f"no ray cluster at {address}"):
        PLUGIN.open(EngineSettings("tiny", options={"runner": "ray", "ray_address": address}))
    assert time.monotonic() - began < 20


def test_without_ray_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageProblem, match=r"ray is not installed\npip install 'ray\[data\]>="):
        PLUGIN.open(EngineSettings("tiny", options={"runner": "ray"}))

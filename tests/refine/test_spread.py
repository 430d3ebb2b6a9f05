"""Shards on a local ray cluster of two workers, one of them killed half-way, give what one machine gives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from refine.ledger import read_lines
from refine.run import Settings, run
from tests.processes import descendants
from tests.refine.judges import no, yes
from tests.refine.test_pipeline import example

FILES = ("kept.jsonl", "dropped.jsonl", "hard.jsonl")
N = 120


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.jsonl"
    path.write_text("".join(json.dumps(asdict(example(n))) + "\n" for n in range(N)))
    return path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A judge that says no to every fifth example's tools, and yes to all else."""
    entries = [{"id": str(n), "step": 1, "text": no("no tool")} for n in range(0, N, 5)]
    entries += [{"id": str(n), "text": yes()} for n in range(N)]
    path = tmp_path / "judge.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def ray_workers(below: int) -> list[int]:
    """Ids of the processes below one that run a shard."""
    return [pid for pid, name in descendants(below).items() if name.startswith(b"ray::") and b"Map" in name]


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(tmp_path: Path, source: Path, script: Path) -> None:
    pytest.importorskip("ray", reason="ray is an extra: pip install 'funreason-harness[ray]'")
    alone = Settings(
        str(source), tmp_path / "alone", ("judge",), engine="scripted", engine_options={"script": str(script)}
    )
    assert run(alone) == {"kept": 96, "dropped": 24, "hard": 0, "unjudged": 0}

    spread = tmp_path / "spread"
    command = [sys.executable, "-m", "refine.cli", "run", "--input", str(source), "--output", str(spread)]
    command += ["--judge-model", "judge", "--judge-engine", "scripted", "--runner", "ray", "--shards", "4"]
    command += ["--judge-args", f"script={script},delay=0.05,slots=4"]
    environment = os.environ | {"RAY_DISABLE_IMPORT_WARNING": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    victim = None
    while victim is None and process.poll() is None:
        started = [book for book in spread.glob("shard-*/calls.jsonl") if book.stat().st_size]
        workers = ray_workers(process.pid)
        if started and workers:
            victim = workers[0]
            os.kill(victim, signal.SIGKILL)
        time.sleep(0.05)
    output, _ = process.communicate(timeout=120)
    assert victim is not None, output
    assert process.returncode == 0, output

    for name in FILES:
        assert (spread / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    calls = [
        (c["index"], c["step"], c["vote"]) for book in spread.glob("shard-*") for c in read_lines(book / "calls.jsonl")
    ]
    assert len(calls) == len(set(calls)), "a recorded call was asked again"

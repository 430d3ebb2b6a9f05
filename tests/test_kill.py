"""Kill -9 at any moment loses nothing that was stored and doubles nothing."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness import store
from harness.lines import SampleLine, decode
from harness.runner import run
from tests.kill_driver import spec
from tests.toy import Toy, install

KILLS = 50


def session(folder: Path, script: Path, seconds: float | None) -> bool:
    """Run one session and kill it after some seconds; whether it came to its end before."""
    command = [sys.executable, "-m", "tests.kill_driver", str(folder), str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            return False


def whole(folder: Path) -> dict[tuple[str, int], SampleLine]:
    """Every line of a run without timings; any damage or double is an error."""
    raw = (folder / store.SAMPLES).read_bytes().splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in raw)
    lines = [replace(decode(line), seconds=0.0) for line in raw]
    found = {line.key: line for line in lines}
    assert len(found) == len(lines)
    return found


@pytest.mark.slow
def test_fifty_kills_leave_the_run_as_an_undisturbed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(20192)
    script = tmp_path / "script.json"
    faults = {f"echo_{i}": {"fault": "HTTP 500"} for i in range(3)}
    script.write_text(json.dumps(faults))
    killed, seen = tmp_path / "killed", 0
    for kill in range(KILLS):
        if kill == KILLS // 2:
            script.write_text("{}")
        assert not session(killed, script, chance.uniform(0.0, 0.12)), "too short a run: nothing was left to kill"
        if folders := store.find_runs(killed):
            stored = sum(line.fault is None for line in store.read_samples(folders[0], lambda _: None))
            assert stored >= seen, "an item that was stored is lost"
            seen = stored
    assert 0 < seen < 4 * 72
    assert session(killed, script, None)

    install(Toy(), monkeypatch.setattr)
    calm = tmp_path / "calm"
    expected = run(spec(calm, script))
    assert len(store.find_runs(killed)) == 1
    folder = store.find_runs(killed)[0]
    assert whole(folder) == whole(store.find_runs(calm)[0])
    record = store.read_run(folder)
    assert (record.status, record.scores, record.tokens) == ("complete", expected.scores, expected.tokens)

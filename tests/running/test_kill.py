"""Kill -9 at any moment loses no reply that arrived and no line, and doubles nothing, however slow the judge is."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.results import store
from harness.results.lines import SampleLine, decode
from harness.results.waiting import WAITING
from harness.running.runner import run
from tests.running.kill_driver import spec
from tests.running.slow_driver import check_book
from tests.toy import Toy, install

KILLS = 50
ROOT = Path(__file__).parents[2]


@contextmanager
def started(folder: Path, script: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A session of its own process that is about to begin."""
    command = [sys.executable, "-m", "tests.running.kill_driver", str(folder), str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process


def session(folder: Path, script: Path, seconds: float | None) -> bool:
    """Run one session and kill it after some seconds; whether it came to its end before."""
    with started(folder, script) as process:
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


def finished(folder: Path) -> int:
    """Episodes that are stored without a fault."""
    runs = store.find_runs(folder)
    assert len(runs) <= 1
    return sum(line.fault is None for run in runs for line in store.read_samples(run, lambda _: None))


def seconds_until_stored(folder: Path, script: Path) -> float:
    """How long a session needs on this machine, busy as it is, to store something."""
    with started(folder, script) as process:
        began = time.monotonic()
        while not finished(folder):
            time.sleep(0.01)
            assert process.poll() is None
        process.kill()
    return time.monotonic() - began


@pytest.mark.slow
def test_fifty_kills_leave_runs_as_an_undisturbed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(20192)
    script = tmp_path / "script.json"
    script.write_text(json.dumps({f"echo_{i}": {"fault": "HTTP 500"} for i in range(3)}))
    longest = seconds_until_stored(tmp_path / "first", script) + 0.05
    folders, seen, kills = [tmp_path / "0"], 0, 0
    while kills < KILLS:
        if kills == KILLS // 2:
            script.write_text("{}")
        if session(folders[-1], script, chance.uniform(0.0, longest)):
            # It ended before its time: the next run is killed instead.
            folders.append(tmp_path / str(len(folders)))
            seen = 0
            continue
        kills += 1
        assert finished(folders[-1]) >= seen, "an episode that was stored is lost"
        seen = finished(folders[-1])

    install(Toy(), monkeypatch.setattr)
    expected = run(spec(tmp_path / "calm", script))
    calm = whole(store.find_runs(tmp_path / "calm")[0])
    for folder in folders:
        assert session(folder, script, None)
        (found,) = store.find_runs(folder)
        assert whole(found) == calm
        assert not (found / WAITING).exists()
        check_book(folder.with_suffix(".book"))
        record = store.read_run(found)
        assert (record.status, record.scores, record.tokens) == ("complete", expected.scores, expected.tokens)

"""Ctrl-C: what arrived is kept, the program ends soon, and the next session asks for nothing twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.results import store
from harness.results.waiting import count_waiting, read_waiting
from harness.running.interrupts import GRACE, Interrupts
from tests.running.slow_driver import check_book
from tests.toy import SIZE

ROOT = Path(__file__).parents[2]
ONE_CALL = 20.0
"""Seconds of a check that nobody waits for."""
SOON = ONE_CALL / 2
"""From Ctrl-C to the end, far above what it takes on a machine that is busy, and far below a check."""


def command(folder: Path, check: float, workers: int, delay: float, tasks: str) -> list[str]:
    driver = [sys.executable, "-m", "tests.running.slow_driver", str(check), str(workers), str(folder / "book")]
    engine = ["--engine", "scripted", "-M", f"delay={delay},slots=4", "--handler", "prompt"]
    return [*driver, "run", *engine, "--tasks", tasks, "--progress", "plain", "-o", str(folder / "results")]


def interrupted(command: list[str], book: Path, after: int, times: int = 1) -> tuple[int, float, str]:
    """Exit code, seconds from the last of some Ctrl-C on, and what was said; sent after so many stored replies."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 60
        while not book.exists() or book.read_text().count("stored") < after:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            time.sleep(0.1)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        return process.wait(30), time.monotonic() - began, said


def said_by(*arguments: object) -> str:
    """What `harness` says on standard error."""
    line = [sys.executable, "-m", "tests.toy", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, check=False, capture_output=True, text=True).stderr


@pytest.mark.parametrize("workers", [0, 2])
def test_replies_outlive_a_slow_judge(tmp_path: Path, workers: int) -> None:
    slow = command(tmp_path, ONE_CALL, workers, 0.02, "echo,talk")
    code, seconds, said = interrupted(slow, tmp_path / "book", after=4)
    assert code == 130
    assert seconds < SOON
    assert "Traceback" not in said
    (run,) = store.find_runs(tmp_path)
    lines = {line.key for line in store.read_samples(run, pytest.fail)}
    stored = [key for key, _ in read_waiting(run, pytest.fail)]
    book = [json.loads(line) for line in (tmp_path / "book").read_text().splitlines()]
    assert {tuple(key) for what, *key in book if what == "stored"} <= set(stored)
    record = store.read_run(run)
    assert (record.status, record.benchmark.waiting) == ("incomplete", count_waiting(run, lines))
    assert 0 < record.benchmark.waiting <= record.benchmark.left <= 2 * SIZE
    assert f"{record.benchmark.waiting} of them have replies that wait" in said_by("score", run)
    name = next(key.sample_id for key in stored if key[:2] not in lines)
    assert f"{name} has no verdict yet" in said_by("show", run, name)

    subprocess.run(command(tmp_path, 0, workers, 0, "echo,talk"), cwd=ROOT, check=True, capture_output=True)
    assert check_book(tmp_path / "book") <= SIZE * 4 + 4, "only what was in flight is asked again"
    assert store.find_runs(tmp_path) == [run]
    record = store.read_run(run)
    assert (record.status, record.benchmark.left, record.benchmark.waiting) == ("complete", 0, 0)
    assert not list(read_waiting(run, pytest.fail))


def test_what_arrives_just_after_is_kept(tmp_path: Path) -> None:
    slow = command(tmp_path, 0, 0, GRACE / 2, "echo")
    assert interrupted(slow, tmp_path / "book", after=4)[0] == 130
    (run,) = store.find_runs(tmp_path)
    kept = sum(1 for _ in store.read_samples(run, pytest.fail)) + sum(1 for _ in read_waiting(run, pytest.fail))
    assert kept >= (tmp_path / "book").read_text().count("asked"), "all that was asked is there"


def test_a_second_time_it_ends_at_once(tmp_path: Path) -> None:
    slow = command(tmp_path, ONE_CALL, 2, 0.2, "echo")
    code, seconds, _ = interrupted(slow, tmp_path / "book", after=4, times=2)
    assert code == 130
    assert seconds < SOON


def test_a_handler_of_another_is_left_alone() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def raised_inside() -> None:
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        assert interrupts.asked


def test_asked_to_end_at_the_very_end_it_still_ends() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            raised_inside()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)

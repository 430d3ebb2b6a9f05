"""A run killed at random moments loses no decision, doubles none, and ends with the outputs of an undisturbed run."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from refine.ledger import read_lines
from tests.refine.kill_driver import main

N, KILLS = 600, 30
FILES = ("kept.jsonl", "dropped.jsonl", "hard.jsonl")


def test_killed_at_thirty_moments_the_run_ends_as_if_undisturbed(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    main(whole, N)
    chance = random.Random(0)
    for _ in range(KILLS):
        process = subprocess.Popen([sys.executable, "-m", "tests.refine.kill_driver", str(killed), str(N)])
        books = killed / "calls.jsonl"
        started, size = time.monotonic(), books.stat().st_size if books.exists() else 0
        while (
            process.poll() is None
            and time.monotonic() < started + 10
            and (not books.exists() or books.stat().st_size == size)
        ):
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        process.wait()
    assert len(list(read_lines(killed / "outcomes.jsonl"))) < N, "every kill came after the end: nothing was tested"
    main(killed, N)

    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    calls = Counter((line["index"], line["step"], line["vote"]) for line in read_lines(killed / "calls.jsonl"))
    assert max(calls.values()) == 1, "a recorded call was asked again"
    assert calls.keys() == {(line["index"], line["step"], line["vote"]) for line in read_lines(whole / "calls.jsonl")}
    outcomes = Counter(line["index"] for line in read_lines(killed / "outcomes.jsonl"))
    assert set(outcomes.values()) == {1}
    assert sorted(outcomes) == list(range(N))
    ids = [line["id"] for name in FILES for line in read_lines(killed / name)]
    assert len(ids) == len(set(ids)) == N

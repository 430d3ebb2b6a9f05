"""Chunks over processes: in order, few at a time, and gone with the process that asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainer.workers import AHEAD, spread

KILLED = """
import time
from operator import neg
from trainer.workers import spread
if __name__ == "__main__":
    for number in spread(neg, range(1000), 2):
        print(number, flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_and_chunks_are_taken_as_they_are_needed(workers):
    taken = 0

    def chunks() -> Iterator[str]:
        nonlocal taken
        for taken in range(1, 21):
            yield "x" * taken

    results = spread(len, chunks(), workers)
    assert next(results) == 1
    assert taken <= AHEAD * workers
    assert list(results) == list(range(2, 21))


def test_an_error_in_a_process_is_an_error_here():
    with pytest.raises(TypeError):
        list(spread(len, [3], 2))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_outlives_the_one_that_asked(tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    with subprocess.Popen([sys.executable, str(tmp_path / "killed.py")], stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == b"0\n"
        children = [int(each) for each in Path(f"/proc/{asking.pid}/task/{asking.pid}/children").read_text().split()]
        assert len(children) >= 2
        os.kill(asking.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(map(_runs, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_runs, children))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

"""The fuzz programs at a size that fits the suite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.usefixtures("bfcl_data")
def test_bfcl_judging_keeps_its_promises_on_hostile_replies():
    command = [sys.executable, "-m", "tests.fuzz.bfcl", "--n", "4000"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("acebench_data")
def test_acebench_judging_keeps_its_promises_on_odd_values_and_hostile_calls(shared_data):
    command = [sys.executable, "-m", "tests.fuzz.acebench", "--every", "120"]
    environment = {**os.environ, "SHARED_DATA": str(shared_data)}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

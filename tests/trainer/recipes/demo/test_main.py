"""The whole experiment at a minute's scale, killed on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

SMALL = {
    **{"records": 24, "cold-records": 24, "cold-steps": 2, "steps": 2, "batch": 4, "rows": 4},
    **{"unseen": 4, "probe": 3, "bfcl": 2, "max-tokens": 96},
}


@pytest.mark.slow
def test_a_killed_experiment_goes_on_and_ends_with_its_page(tmp_path, bfcl_data):
    command = [sys.executable, "-m", "trainer.recipes.demo", "run", "-o", str(tmp_path), "--quick"]
    command += ["--methods", "sft"]
    command += [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not (tmp_path / "jobs/refine-1.json").exists():
        assert first.poll() is None
        time.sleep(0.1)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    mark = (tmp_path / "jobs/refine-1.json").read_bytes()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "jobs/refine-1.json").read_bytes() == mark
    text = (tmp_path / "report/demo.md").read_text()
    assert text in done.stdout
    for line in ("| SFT |", "BFCL (n 3)", "One seed says nothing"):
        assert line in text
    found = json.loads((tmp_path / "report/demo.json").read_text())
    assert set(found["models"]) == {"tiny", "base", "sft-1"}
    assert found["models"]["base"]["exact"]["n"] == 4
    assert found["refinement"]["counts"]["raw"] == 24
    assert (tmp_path / "report/report.html").stat().st_size > 10_000
    assert (tmp_path / "report/compare-sft-1.md").exists()
    for gone in ("models", "runs", "jobs", "refined"):
        shutil.rmtree(tmp_path / gone)
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "4 parts count from their records" in again.stdout
    assert text in again.stdout
    assert not (tmp_path / "jobs").exists()

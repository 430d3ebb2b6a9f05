from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import MAX_NAMES, unknown_name

HARNESS = (sys.executable, "-m", "harness.cli")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_a_full_disk_is_a_message() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*HARNESS, "list", "engines"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "error: No space left on device\n")


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes the output")
def test_a_closed_output_is_no_error() -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *HARNESS, "leaderboard", "nothing-here"], stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 2
    assert "nothing-here" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_message_lists_few_names() -> None:
    error = str(unknown_name("sample", "zzz", [f"item_{i:04d}" for i in range(MAX_NAMES + 7)]))
    assert error.endswith("item_0039 and 7 more.")
    assert str(unknown_name("sample", "zzz", [])).endswith("Known: none.")

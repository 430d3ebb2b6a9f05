from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import MAX_NAMES, unknown_name
from tests import synthetic_runs

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


PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale that knows ASCII only."""


@pytest.mark.parametrize("environment", [{}, PLAIN])
def test_bytes_that_are_no_text_are_told_as_escapes(environment: dict[str, str]) -> None:
    command = [*HARNESS, "data", "path", b"bf\xff\x1bcl"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True)
    assert done.returncode == 2
    assert b"unknown data set" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stderr


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize("arguments", [["show", "simple_python_0"], ["gate", "--min", "simple_python=0.9"]])
def test_a_locale_without_unicode_is_enough(tmp_path: Path, arguments: list[str]) -> None:
    run = synthetic_runs.write(tmp_path, "m", {"simple_python": 9}, text="\u00e9\u2713\ud800")
    command = [*HARNESS, arguments[0], str(run), *arguments[1:]]
    done = subprocess.run(command, env=os.environ | PLAIN, capture_output=True)
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 1)
    assert done.stdout


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = ["sh", "-c", '"$@" | true', "sh", *HARNESS, "list", "groups", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_message_lists_few_names() -> None:
    error = str(unknown_name("sample", "zzz", [f"item_{i:04d}" for i in range(MAX_NAMES + 7)]))
    assert error.endswith("item_0039 and 7 more.")
    assert str(unknown_name("sample", "zzz", [])).endswith("Known: none.")

"""What works without the parts of Python that only POSIX systems have: an imitation of Windows, not the real thing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import machine

WITHOUT = """
import os, platform, signal, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("sysconf", "killpg", "setsid", "pidfd_open", "sched_getaffinity", "fork", "getpgid"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGALRM", "pthread_kill", "pidfd_send_signal"):
    delattr(signal, name)
platform.system = lambda: "Windows"
import harness.cli
for line in sys.stdin.read().splitlines():
    sys.argv = ["harness", *line.split()]
    try:
        harness.cli.main()
    except SystemExit as end:
        print("exit", end.code or 0)
"""
COMMANDS = """list tasks
run --engine scripted --model one --tasks simple_python,multi_turn_base --limit 2
run --engine scripted --model two --tasks simple_python --limit 2
compare results/one results/two
gate results/two --baseline results/one --max-drop simple_python=0.9
score results/one
leaderboard results
view bundle results/one -o page.html
doctor
run --engine scripted --model one --tasks humaneval --limit 1"""


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.skipif(sys.platform != "linux", reason="takes away what Linux has")
def test_all_but_programs_work_without_posix(tmp_path: Path) -> None:
    environment = os.environ | {
        "HARNESS_CACHE": str(machine.cache_root()),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        input=COMMANDS,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    codes = [line for line in done.stdout.splitlines() if line.startswith("exit ")]
    # Programs need a sandbox: exit code 5.
    assert codes == [f"exit {code}" for code in (*(0,) * 9, 5)], done.stdout + done.stderr
    assert "no sandbox works here" in done.stderr

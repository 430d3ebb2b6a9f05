"""No server outlives the program that started it, however that program ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness import supervisor

# A server with a child of its own; both write their process ids.
SERVER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(60)
"""
STARTER = """
import subprocess, sys, time
subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids_in(file: Path) -> list[int]:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if file.exists() and len(numbers := file.read_text().split()) == 2:
            return [int(number) for number in numbers]
        time.sleep(0.02)
    raise AssertionError("the server did not start")


def gone(pids: list[int]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.02)
    return not any(map(alive, pids))


def command(pids: Path) -> list[str]:
    return supervisor.supervised([sys.executable, "-c", SERVER, str(pids)])


def test_closing_its_input_stops_the_whole_group(tmp_path: Path) -> None:
    with subprocess.Popen(command(tmp_path / "pids"), stdin=subprocess.PIPE) as process:
        pids = pids_in(tmp_path / "pids")
        assert all(map(alive, pids))
    assert process.returncode == 0
    assert gone(pids)


def test_a_killed_starter_leaves_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, *command(tmp_path / "pids")]) as starter:
        pids = pids_in(tmp_path / "pids")
        starter.send_signal(signal.SIGKILL)
    assert gone(pids)


def test_a_killed_supervisor_takes_the_server_with_it(tmp_path: Path) -> None:
    with subprocess.Popen(command(tmp_path / "pids"), stdin=subprocess.PIPE) as process:
        server, child = pids_in(tmp_path / "pids")
        process.send_signal(signal.SIGKILL)
    assert gone([server])
    os.kill(child, signal.SIGKILL)  # Its own parent's duty, which this little server does not have.


def test_a_server_that_ends_by_itself_ends_the_supervisor(tmp_path: Path) -> None:
    ends = supervisor.supervised([sys.executable, "-c", "raise SystemExit(3)"])
    with subprocess.Popen(ends, stdin=subprocess.PIPE) as process:
        assert process.wait(20) == 3


def test_what_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER
    quick = "from harness import supervisor as s; import sys; s.GRACE = 0.3; sys.exit(s.supervise(sys.argv[1:]))"
    line = [sys.executable, "-c", quick, sys.executable, "-c", stubborn, str(tmp_path / "pids")]
    with subprocess.Popen(line, stdin=subprocess.PIPE):
        pids = pids_in(tmp_path / "pids")
    assert gone(pids)


GUARDED = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]])
time.sleep(0.5)
from harness.supervisor import descendants, guarding
import os
subprocess.Popen(guarding(descendants(os.getpid())), stdin=subprocess.PIPE)
print(*descendants(os.getpid()), flush=True)
time.sleep(60)
"""


def test_a_guard_kills_what_somebody_else_started(tmp_path: Path) -> None:
    line = [sys.executable, "-c", GUARDED, SERVER, str(tmp_path / "pids")]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pids = pids_in(tmp_path / "pids")
        guarded = set(map(int, starter.stdout.readline().split()))
        assert set(pids) <= guarded
        starter.send_signal(signal.SIGKILL)
    assert gone(sorted(guarded))

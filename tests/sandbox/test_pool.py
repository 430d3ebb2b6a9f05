"""Programs in the sandbox: what is legal runs, what is wrong is told apart, limits hold."""

from __future__ import annotations

import marshal
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from harness.errors import SandboxUnavailable, UsageProblem
from harness.sandbox import backends, values
from harness.sandbox.pool import Program, Sandbox, SandboxFault, Worker

from .conftest import Run

LEGAL = {
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        def f(x):
            with ThreadPoolExecutor(8) as pool:
                return sum(pool.map(lambda n: n * x, range(100)))
    """,
    "asyncio": """
        import asyncio
        async def g(x):
            await asyncio.sleep(0.001)
            return x
        def f(x):
            return asyncio.run(g(x))
    """,
    "numpy": """
        import numpy as np
        def f(x):
            return float(np.linalg.norm(np.ones((50, 50)) @ np.full(50, x)))
    """,
    "deep recursion": """
        import sys
        sys.setrecursionlimit(20000)
        def f(x):
            return 0 if x == 0 else 1 + f(x - 1) if x < 15000 else f(14999)
    """,
    "late import": """
        def f(x):
            import xml.dom.minidom, sqlite3
            return x
    """,
    "temporary name": """
        import tempfile
        def f(x):
            return tempfile.gettempdir()
    """,
    "temporary files": """
        import os, tempfile
        def f(x):
            with tempfile.TemporaryFile("w+") as file, tempfile.NamedTemporaryFile() as named:
                file.write("x" * 1000)
                named.write(b"y")
                file.seek(0)
                assert file.read() == "x" * 1000 and os.path.getsize(named.name) == 0
            with tempfile.TemporaryDirectory() as folder, tempfile.SpooledTemporaryFile(10) as spooled:
                spooled.write(b"z" * 100)
                with open(os.path.join(folder, "a"), "w") as file:
                    file.write("a")
                return os.listdir(folder)
    """,
    "files of its own": """
        import os
        def f(x):
            with open("notes.txt", "w") as file:
                file.write("x")
            os.makedirs("a/b")
            os.rename("notes.txt", "a/b/notes.txt")
            with open("a/b/notes.txt") as file:
                return file.read()
    """,
    "output": """
        import sys
        def f(x):
            print("x" * 1000)
            sys.stderr.write("y")
            return x
    """,
    "alarm": """
        import signal
        def f(x):
            signal.signal(signal.SIGALRM, lambda *a: None)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            signal.pause()
            return x
    """,
    "dataclass and enum": """
        from dataclasses import dataclass
        import enum
        @dataclass(order=True)
        class Point:
            x: int
        class Kind(enum.Enum):
            A = 1
        def f(x):
            return [sorted([Point(2), Point(1)])[0].x, Kind(1).value]
    """,
}


def program(text: str) -> str:
    import textwrap

    return textwrap.dedent(text)


@pytest.mark.parametrize("name", LEGAL)
def test_legal_programs_run(sandbox: Sandbox, run: Run, name: str) -> None:
    if (sandbox.name, name) == ("docker", "numpy"):
        pytest.skip("the image decides which packages there are")
    (result,) = run(program(LEGAL[name]), [3], limit=5.0)
    assert result.kind == "value", result


def test_a_private_folder_is_empty_again_for_the_next_program(sandbox: Sandbox, run: Run) -> None:
    code = """
        import os, tempfile
        def f(x):
            before = os.listdir(), os.listdir(tempfile.gettempdir())
            with open("left", "w") as file:
                file.write("x" * 1000)
            os.makedirs("a/b/c")
            os.mkdir("a/locked", 0)
            return *before, os.listdir(tempfile.gettempdir()) == ["left", "a"] or sorted(os.listdir()) == ["a", "left"]
    """
    for _ in range(2):
        (result,) = run(program(code), [1])
        assert values.decode(result.body) == ([], [], True)


FILLING = {
    "bytes": "[open(str(n), 'wb').write(bytes(1 << 20)) for n in range(100_000)]",
    "entries": "[os.close(os.open(str(n), os.O_CREAT | os.O_WRONLY)) for n in range(10**7)]",
    "depth": "[(os.mkdir('x' * 200), os.chdir('x' * 200)) for n in range(10**7)]",
}


@pytest.mark.parametrize("what", FILLING)
def test_a_private_folder_cannot_be_filled(run: Run, what: str) -> None:
    code = f"import os\ndef f(x):\n    {FILLING[what]}"
    (result,) = run(code, [1], limit=20.0, budget=20.0)
    assert result.kind in ("died", "raised"), result
    assert "raised" not in result.kind or "No space left" in result.note
    assert run("import os\ndef f(x):\n    return os.listdir()", [1])[0].digest == values.digest([])


@pytest.mark.parametrize("backend", ["userns", "bwrap", "landlock"])
def test_programs_have_a_folder_also_where_the_harness_lies_in_tmp(backend: str) -> None:
    code = """
        from harness.sandbox.pool import Program, Sandbox
        import marshal, sys
        from harness.errors import SandboxUnavailable
        try:
            opened = Sandbox(sys.argv[1], workers=1)
        except SandboxUnavailable as error:
            sys.exit(f"skip: {error.args[0]}")
        code = "import tempfile\\ndef f(x):\\n    return tempfile.NamedTemporaryFile().write(x)"
        for _ in range(2):
            with opened.run(Program(code, "f", marshal.dumps([[b"x"]], 2), [5.0], 10.0)) as results:
                print([(result.kind, result.note) for result in results])
        opened.close()
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        shutil.copytree(Path(backends.__file__).parents[1], Path(folder, "harness"))
        environment = {**os.environ, "PYTHONPATH": folder}
        done = subprocess.run(
            [sys.executable, "-c", program(code), backend], env=environment, capture_output=True, text=True, check=False
        )
    if done.stderr.startswith("skip"):
        pytest.skip(done.stderr)
    assert done.stdout == "[('value', '')]\n" * 2, done.stderr


def test_threads_are_bounded(sandbox: Sandbox, run: Run) -> None:
    code = """
        import threading, time
        threading.stack_size(32768)
        def f(x):
            for _ in range(x):
                threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
            time.sleep(0.1)
            return x
    """
    assert run(program(code), [100])[0].kind == "value"
    (result,) = run(program(code), [3000], limit=5.0)
    told = {"raised": "RuntimeError: can't start new thread", "died": "ended because it had more than 128 threads"}
    assert result.note == told[result.kind]
    (short,) = run(program(code.replace("time.sleep(0.1)", "")), [400], limit=5.0)
    assert short.kind in ("raised", "died") or sandbox.name != "userns"


def test_the_folder_of_a_server_that_was_killed_is_removed_with_it() -> None:
    try:
        opened = Sandbox("landlock", workers=1)
    except SandboxUnavailable as error:
        pytest.skip(str(error).splitlines()[0])
    server = opened._free[0].server
    assert server
    assert server.folder
    assert os.stat(server.folder).st_mode & 0o777 == 0o700
    server.process.kill()
    opened.close()
    assert not os.path.exists(server.folder)


def test_the_server_imports_what_a_program_names_before_it_runs(sandbox: Sandbox) -> None:
    opened = Sandbox(sandbox.name, workers=1)

    def has_fractions(comment: str) -> bool:
        code = f"import sys\ndef f(x):\n    return x + 's' in sys.modules  {comment}"
        with opened.run(Program(code, "f", marshal.dumps([["fraction"]], 2), [1.0], 5.0)) as results:
            return bool(values.decode(next(results).body))

    try:
        assert [has_fractions("# 1/2"), has_fractions("# fractions"), has_fractions("# 1/2")] == [False, True, True]
    finally:
        opened.close()


def test_memory_of_small_objects_is_kept_between_calls_that_use_much(run: Run) -> None:
    code = """
        import resource
        def f(count):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            [str(number) for number in range(count)]
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    """
    faults = [values.decode(result.body) for result in run(program(code), *[[400_000]] * 12)]
    assert min(faults[:4]) > 5_000
    assert faults[-1] < 1_000


def test_inputs_are_read_without_going_through_what_a_program_holds(run: Run) -> None:
    code = """
        import gc
        looks = []
        gc.callbacks.append(lambda *about: looks.append(about))
        def f(x):
            return [len(looks), gc.isenabled()]
    """
    looks, collecting = values.decode(run(program(code), *[[1]] * 20_000)[0].body)
    assert looks <= 2  # one collection, should it fall into the program's own lines
    assert collecting
    without = program(code) + "gc.disable()"
    assert values.decode(run(without, [1])[0].body)[1] is False


def test_signals_are_as_python_sets_them_however_the_harness_was_started(sandbox: Sandbox) -> None:
    code = """
        import signal
        def f(x):
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            return [*map(int, blocked)], signal.getsignal(1) == 0, signal.getsignal(2) is signal.default_int_handler
    """
    kept = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGHUP, signal.SIGINT)]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        opened = Sandbox(sandbox.name, workers=1)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        for number, handler in kept:
            signal.signal(number, handler)
    with opened.run(Program(program(code), "f", marshal.dumps([[1]], 2), [1.0], 5.0)) as results:
        assert values.decode(next(results).body) == ([], True, True)
    opened.close()


def test_state_lives_between_calls_and_ends_with_the_program(run: Run) -> None:
    code = "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)"
    for _ in range(2):
        assert [values.decode(result.body) for result in run(code, [1], [1], [1])] == [1, 2, 3]


def test_standard_input_cannot_be_read(run: Run) -> None:
    (result,) = run("def f(x):\n    return input()", [1])
    assert (result.kind, result.note) == ("raised", "OSError: no standard input")


def test_results_stop_at_the_first_exception(run: Run) -> None:
    results = run("def f(x):\n    return 1 / x", [1], [0], [1])
    assert [result.kind for result in results] == ["value", "raised"]
    assert results[1].note == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("def f(x:", "raised"),
        ("raise SystemExit(0)", "raised"),
        ("def g(x): return x", "raised"),
        ("import os; os._exit(0)", "died"),
        ("while True: pass", "timeout"),
        ("import ctypes; ctypes.string_at(0)", "died"),
    ],
)
def test_programs_that_fail_before_the_first_call(run: Run, code: str, kind: str) -> None:
    (result,) = run(code, [1], budget=0.5)
    assert (result.call, result.kind) == (-1, kind)


@pytest.mark.parametrize("body", ["while True: pass", "import time; time.sleep(60)", "import signal; signal.pause()"])
def test_a_call_ends_at_its_limit(run: Run, body: str) -> None:
    start = time.process_time()
    results = run(f"def f(x):\n    if x:\n        {body}\n    return x", [0], [1], [0], limit=0.3)
    assert [result.kind for result in results] == ["value", "timeout"]
    assert time.process_time() - start < 0.2


def test_the_budget_ends_many_short_calls(run: Run) -> None:
    results = run("import time\ndef f(x):\n    time.sleep(0.05)", *[[0]] * 100, limit=0.5, budget=0.5)
    assert results[-1].kind == "timeout"
    assert 5 <= len(results) <= 11


def test_a_swallowed_exception_does_not_help_against_time(run: Run) -> None:
    code = "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass"
    assert run(code, [1], limit=0.3)[0].kind == "timeout"


FRAME_HEAD = """
import os, struct, sys, threading, time, marshal
frame = sys._getframe()
while "send" not in frame.f_locals:
    frame = frame.f_back
CHANNEL = frame.f_locals["send"]._channel
def frame_of(value):
    body = marshal.dumps(value, 2)
    return struct.pack("<BdI", 3, 0.0, len(body)) + body.ljust(16, b"\\0") + body
def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
"""Finds the channel, so that a program can write frames in pieces and at times of its own choice."""

DRIPS = {
    "a byte now and then of the frame to come": """
        def f(x):
            done = []
            def drip():
                for place in range(13):
                    if not done:
                        os.write(CHANNEL, frame_of(x)[place:place + 1])
                        busy(0.3)
            thread = threading.Thread(target=drip)
            thread.start()
            busy(3.5)
            done.append(1)
            thread.join()
            os.write(CHANNEL, frame_of(x)[13:])
            time.sleep(9)
    """,
    "a byte every half millisecond": """
        def f(x):
            for byte in frame_of("x" * 4000):
                os.write(CHANNEL, bytes([byte]))
                time.sleep(0.0005)
            busy(3)
            return x
    """,
    "bytes before the first call": """
        for byte in struct.pack("<BdI", 2, 0.0, 4000) + bytes(16) + bytes(4000):
            os.write(CHANNEL, bytes([byte]))
            time.sleep(0.0005)
        def f(x):
            return x
    """,
    "all the time": """
        def f(x):
            threading.Thread(target=lambda: [os.write(CHANNEL, b"\\3") for _ in range(10**9)], daemon=True).start()
            busy(9)
    """,
}


@pytest.mark.parametrize("name", DRIPS)
def test_bytes_that_are_no_frame_give_no_time(run: Run, name: str) -> None:
    start = time.monotonic()
    budget = 0.5 if "before" in name else 5.0
    (result,) = run(FRAME_HEAD + program(DRIPS[name]), [1], limit=0.5, budget=budget, body_limit=5000)
    assert result.kind in ("timeout", "garbled"), result
    assert result.seconds < 0.9
    assert time.monotonic() - start < 8


@pytest.mark.parametrize("pause", [0, 0.0002, 0.001, 0.02])
def test_the_budget_holds_whatever_is_sent(run: Run, pause: float) -> None:
    code = f"import time\ndef f(x):\n    time.sleep({pause})\n    return x"
    start = time.monotonic()
    *_, last = run(code, *[[0]] * 200_000, limit=1.0, budget=0.5)
    assert (last.kind, last.call > 5) == ("timeout", True)
    assert time.monotonic() - start < 8


def test_a_reader_that_was_stopped_charges_no_program(run: Run, sandbox: Sandbox) -> None:
    job = Program("def f(x): return x", "f", marshal.dumps([[1]] * 3, 2), [0.2] * 3, 0.5)
    with sandbox.run(job) as results:
        assert next(results).call == 0
        time.sleep(1)
        assert [result.kind for result in results] == ["value"] * 2


def test_memory_ends_at_the_setting(run: Run) -> None:
    results = run("def f(x):\n    return len(bytearray(x << 20))", [100], [2000], limit=10.0)
    assert [(result.kind, result.note) for result in results] == [("value", ""), ("raised", "MemoryError: ")]


def test_long_values_cross_as_digests_only(run: Run) -> None:
    (result,) = run("def f(x):\n    return list(range(x))", [500_000], limit=5.0)
    assert result.body == b""
    assert result.digest == values.digest(list(range(500_000)))


def test_results_that_are_right_are_not_reported(sandbox: Sandbox) -> None:
    right = [values.digest(2 * number) for number in range(3)]
    code = "def f(x):\n    return 7 if x == 1 else 2.0 * x"
    job = Program(code, "f", marshal.dumps([[0], [1], [2]], 2), [1.0] * 3, 5.0, right=right)
    with sandbox.run(job) as results:
        assert [(result.call, values.decode(result.body)) for result in results] == [(1, 7)]


def test_results_beyond_the_last_call_are_not_asked_for(sandbox: Sandbox) -> None:
    code = """
        import os, struct, time
        def f(x):
            frame = struct.pack("<BdI16s", 3, 0.0, 1, bytes(16)) + b"N"
            for number in range(3, 20):
                try:
                    os.write(number, 30 * frame)
                except OSError:
                    pass
            return x
    """
    with sandbox.run(Program(program(code), "f", marshal.dumps([[0], [1]], 2), [1.0] * 2, 5.0)) as results:
        assert [result.call for result in results] == [0, 1]


def test_a_program_that_ends_while_it_is_read_frees_its_worker(sandbox: Sandbox) -> None:
    endless = Program("def f(x):\n    return x", "f", marshal.dumps([[1]] * 1000, 2), [1.0] * 1000, 10.0)
    for _ in range(5):
        with sandbox.run(endless) as results:
            assert next(results).kind == "value"


def test_a_sandbox_that_is_closed_while_it_starts_leaves_nothing_behind(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, started, go_on = Sandbox(sandbox.name, workers=2), [], threading.Event()

    def slowly(backend: backends.Backend, slot: int) -> backends.Server:
        go_on.wait()
        started.append(start(backend, slot))
        return started[-1]

    start = backends.start
    monkeypatch.setattr(backends, "start", slowly)
    warming = threading.Thread(target=opened.warm)
    warming.start()
    closing = threading.Thread(target=opened.close)
    closing.start()
    go_on.set()
    warming.join()
    closing.join()
    opened.warm()
    assert len(started) <= 1
    assert all(server.control.fileno() == -1 for server in started)


def test_a_server_that_was_killed_is_replaced(sandbox: Sandbox, run: Run) -> None:
    assert run("def f(x): return x", [1])
    server = sandbox._free[0].server
    assert server
    server.process.kill()
    server.process.wait()
    time.sleep(0.1)
    outcomes = set()
    for _ in range(3):
        try:
            outcomes.add(run("def f(x): return x", [1])[0].kind)
        except Exception as error:
            outcomes.add(type(error).__name__)
    assert "value" in outcomes
    assert outcomes <= {"value", "SandboxFault"}


def test_a_program_whose_server_is_killed_has_no_verdict(sandbox: Sandbox) -> None:
    code = "import time\ndef f(x):\n    time.sleep(x)\n    return x"
    job = Program(code, "f", marshal.dumps([[0], [2]], 2), [5.0] * 2, 10.0)
    sandbox._workers[0].close()
    with sandbox.run(job) as results:
        assert next(results).kind == "value"
        server = _below(sandbox._workers[0])[-2]
        os.kill(server, signal.SIGKILL)
        with pytest.raises(SandboxFault, match="server ended"):
            next(results)


def test_ctrl_c_in_a_terminal_does_not_reach_a_program(sandbox: Sandbox, run: Run) -> None:
    sandbox._workers[0].close()
    assert run("def f(x): return x", [1])
    assert not {os.getsid(process) for process in _below(sandbox._workers[0])} & {os.getsid(0)}


def _below(worker: Worker) -> list[int]:
    """The server's processes and the job, the outermost first."""
    assert worker.server
    found = [worker.server.process.pid]
    for process in found:
        found += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
    return found


def test_threads_share_the_workers() -> None:
    pool = Sandbox(workers=2, memory=1 << 30)
    program = Program("def f(x): return x", "f", marshal.dumps([[1]], 2), [5.0], 10.0)
    kinds: list[str] = []

    def work() -> None:
        for _ in range(5):
            with pool.run(program) as results:
                kinds.extend(result.kind for result in results)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()
    assert kinds == ["value"] * 30


def test_nothing_is_left_when_a_sandbox_is_closed() -> None:
    pool = Sandbox(workers=1, memory=1 << 30)
    pool.close()
    before = set(os.listdir("/proc"))
    pool = Sandbox(workers=1, memory=1 << 30)
    with pool.run(Program("def f(x): return x", "f", marshal.dumps([[1]], 2), [5.0], 10.0)) as results:
        list(results)
    server = pool._free[0].server
    assert server
    pool.close()
    assert server.process.poll() is not None
    assert str(server.process.pid) not in set(os.listdir("/proc")) - before


def test_unknown_backend_is_refused_with_a_near_name() -> None:
    with pytest.raises(UsageProblem, match="userns"):
        backends.choose("usern")


def test_bubblewrap_is_found_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (program := shutil.which("bwrap")):
        pytest.skip("bwrap is not installed")
    shutil.copy(program, tmp_path / "bwrap")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert backends._bwrap([], "/tmp")[0] == str(tmp_path / "bwrap")
    try:
        backends.start(backends.BACKENDS["bwrap"]).close()
    except FileNotFoundError as error:
        pytest.fail(str(error))
    except OSError as error:
        pytest.skip(f"bwrap does not work here: {error}")


def test_describe_names_layers_or_reasons() -> None:
    found = backends.describe()
    assert found["chosen"] in found["backends"]
    for entry in found["backends"].values():
        assert {"seccomp", "rlimits"} <= set(entry["layers"]) if entry["works"] else entry["reason"]

"""The attack programs in `attacks/`, run in every backend that works here and never outside of one.

Each file is data: a program with a function `f`. Most are told where canaries are (`world`) and return a list of what
they got at; contained, it is empty. Those called `forge_*` are asked for a value they cannot know. Targets are made by
this test (a file, a folder, sockets, a sleeping process), so a hole would harm nothing else.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.sandbox import values
from harness.sandbox.pool import Sandbox
from tests.processes import tree

from .conftest import Run

FILES = sorted((Path(__file__).parent / "attacks").glob("*.py"))
ATTACKS = [file.stem for file in FILES if not file.stem.startswith("forge_")]
FORGERIES = [file.stem for file in FILES if file.stem.startswith("forge_")]
SECRET = "what nobody inside may read"
VARIABLE = "SANDBOX_TEST_SECRET"


class World:
    """Canaries, and whether they are still as they were."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"attack-{uuid.uuid4().hex}"
        folder.chmod(0o777)
        self.secret = folder / "secret"
        self.secret.write_text(SECRET)
        self.secret.chmod(0o666)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.unix.bind(str(folder / "service"))
        os.chmod(folder / "service", 0o777)
        self.abstract = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.abstract.bind(f"\0{self.name}")
        self.abstract.listen()
        self.sockets = [self.tcp, self.udp, self.unix, self.abstract]
        for one in self.sockets:
            one.setblocking(False)
        self.victim = subprocess.Popen(["sleep", "600"])
        self.before = self.state()

    # Not below /tmp: a job may have one of its own, and what it makes there is no escape.

    def told(self) -> dict[str, Any]:
        return {
            "secret": str(self.secret),
            "folder": str(self.folder),
            "name": self.name,
            "variable": VARIABLE,
            "harness": str(Path(harness.__file__).parent),
            "tcp": self.tcp.getsockname()[1],
            "udp": self.udp.getsockname()[1],
            "unix": str(self.folder / "service"),
            "abstract": self.name,
            "victim": self.victim.pid,
            "grader": os.getpid(),
        }

    def state(self) -> dict[str, Any]:
        about = self.secret.stat()
        shared = [place for place in ("/tmp", "/var/tmp", "/dev/shm") if os.path.isdir(place)]
        return {
            "secret": (self.secret.read_text(), about.st_mode, about.st_uid, about.st_mtime_ns, about.st_nlink),
            "folder": sorted(os.listdir(self.folder)),
            "left": [name for place in shared for name in os.listdir(place) if self.name in name],
            "reached": [bool(_received(one)) for one in self.sockets],
            "victim": (
                self.victim.poll(),
                _field(self.victim.pid, "State")[0] in "SR",
                os.getpriority(0, self.victim.pid),
            ),
        }

    def close(self) -> None:
        for one in self.sockets:
            one.close()
        self.victim.kill()
        self.victim.wait()


def _received(one: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError, OSError):
        if one.type == socket.SOCK_DGRAM:
            one.recv(1)
        else:
            one.accept()[0].close()
        return True
    return False


def _field(process: int, name: str) -> str:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{name}:"))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, SECRET)
        made = World(Path(folder))
        yield made
        made.close()


@pytest.fixture
def intact(world: World, sandbox: Sandbox, run: Run) -> Iterator[None]:
    """After an attack: all canaries as before, no process left, the next program runs as if nothing had been."""
    assert run("def f(x):\n    return x", [1], limit=5.0)[0].kind == "value"
    yield
    code = "import random, json, os\ndef f(x):\n    return [sorted(x), os.listdir()]"
    (result,) = run(code, [[3, 1, 2]], limit=1.0)
    assert (result.kind, values.decode(result.body)) == ("value", [[1, 2, 3], []])
    server = sandbox._free[0].server
    assert server
    chain = tree(server.process.pid)
    assert all(len(Path(f"/proc/{one}/task/{one}/children").read_text().split()) <= 1 for one in chain), chain
    assert len(chain) <= 3  # the started process, for bwrap one of its own, the server
    assert world.state() == world.before


def test_the_suite_is_as_large_as_it_says() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_contained(name: str, world: World, run: Run, intact: None) -> None:
    code = (Path(__file__).parent / "attacks" / f"{name}.py").read_text()
    start = time.monotonic()
    (result,) = run(code, [world.told()], limit=0.4, budget=1.0, body_limit=4096)
    if result.kind == "value" and result.body:
        assert values.decode(result.body) == []
    assert result.kind != "converted"
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("name", FORGERIES)
def test_no_forged_result_is_right(name: str, run: Run, intact: None) -> None:
    code = (Path(__file__).parent / "attacks" / f"{name}.py").read_text()
    rng = random.Random(name)
    inputs = [[[rng.randrange(10**9) for _ in range(5)]] for _ in range(3)]
    right = [values.digest(sum(numbers) * 31337 + 12345) for (numbers,) in inputs]
    results = run(code, *inputs, limit=0.4, budget=1.0)
    assert results, "a program that does not run is a failure, not silence"
    assert not {result.digest for result in results} & set(right)

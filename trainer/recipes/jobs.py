"""Run programs that need one another's files, a few side by side; a finished one leaves a mark and never runs again.

    DIR/jobs/NAME.json   mark of a finished job: its command, when it ran, its CPU seconds
    DIR/logs/NAME.log    what it printed

Jobs hold the folder's lock as long as they live, and none outlives the program that started it, even by kill -9.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import supervisor
from harness.errors import RunIncomplete
from harness.files import write_atomic

TAIL = 15
"""Lines of a failed job's log that are shown."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program with its arguments."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Jobs whose files it reads."""
    environment: Mapping[str, str] = field(default_factory=dict)
    may_end: tuple[int, ...] = (0,)
    """Exit codes that mean it is done."""

    def __str__(self) -> str:
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*variables, shlex.join(self.command)])


@dataclass(frozen=True, slots=True)
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    started: float


def program(name: str, *arguments: object, **flags: object) -> tuple[str, ...]:
    """A command of one of the three programs, in this interpreter.

    Args:
        name: harness, trainer or refine.
        *arguments: Sub-command and positional arguments.
        **flags: Flags with their values; True gives the bare flag.

    Returns:
        The words of the command.
    """
    return (sys.executable, "-m", f"{name}.cli", *map(str, arguments), *words(flags))


def words(flags: Mapping[str, object]) -> Iterator[str]:
    """Flags with their values as words of a command; True gives the bare flag."""
    for flag, value in flags.items():
        yield f"--{flag.replace('_', '-')}"
        if value is not True:
            yield str(value)


def run(
    jobs: Sequence[Job],
    folder: Path,
    lock: int,
    slots: int,
    tell: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
    finished: Callable[[], None] = lambda: None,
) -> None:
    """Run all jobs that are not finished, each when the ones it needs are.

    Args:
        jobs: All jobs, those that should start first in front.
        folder: Where marks and logs are.
        lock: Descriptor of the folder's lock, which the jobs hold on.
        slots: How many run at once.
        tell: Called with a line of progress.
        environment: Variables that all jobs get and that are not part of them, such as a server's address.
        finished: Called whenever a job has ended well, after its mark is written.

    Raises:
        RunIncomplete: A job failed; all that do not need it have run.
    """
    waiting = [job for job in jobs if mark(folder, job.name) is None]
    done = {job.name for job in jobs} - {job.name for job in waiting}
    running: list[_Running] = []
    failed: list[tuple[Job, int]] = []
    began, spent = time.time(), _children_cpu()
    if done:
        tell(f"{len(done)} of {len(jobs)} steps were finished before")
    try:
        while running or any(done.issuperset(job.needs) for job in waiting):
            ready = [job for job in waiting if done.issuperset(job.needs)]
            for job in ready[: slots - len(running)]:
                waiting.remove(job)
                running.append(_start(job, folder, lock, environment or {}))
            for one in list(running):
                if one.process.poll() is None:
                    continue
                running.remove(one)
                assert one.process.stdin
                one.process.stdin.close()
                before, spent = spent, _children_cpu()  # a child's time counts from when it was waited for
                if one.process.returncode not in one.job.may_end:
                    failed.append((one.job, one.process.returncode))
                    tell(f"{one.job.name} failed; what does not need it goes on")
                    continue
                _finish(one, folder, spent - before)
                done.add(one.job.name)
                tell(
                    f"[{len(done)}/{len(jobs)}] {clock(time.time() - began)}  {one.job.name} done in"
                    f" {time.time() - one.started:.0f} s, {len(jobs) - len(done)} to go"
                )
                finished()
            time.sleep(0.05)
    finally:
        for one in running:
            assert one.process.stdin
            one.process.stdin.close()  # its supervisor stops it
        for one in running:
            one.process.wait()
    if failed:
        job, code = failed[0]
        path = log_path(folder, job.name)
        raise RunIncomplete(
            f"{job.name} ended with exit code {code}: {job}\n{_tail(path)}",
            f"The whole log: {path}. What is finished is kept; the same command goes on.",
        )


def mark(folder: Path, name: str) -> dict[str, Any] | None:
    """What is known of a finished job; None where it is not finished."""
    path = folder / "jobs" / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def log_path(folder: Path, name: str) -> Path:
    """Where a job's output goes."""
    return folder / "logs" / f"{name}.log"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


@contextmanager
def locked(folder: Path, tell: Callable[[str], None]) -> Iterator[int]:
    """Hold a folder's lock; processes that inherit the descriptor hold it on.

    Args:
        folder: The folder.
        tell: Told if there is somebody to wait for.

    Yields:
        The lock's file descriptor.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waiting for the steps of another run in {folder} to stop")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _start(job: Job, folder: Path, lock: int, environment: Mapping[str, str]) -> _Running:
    path = log_path(folder, job.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        log.write(f"$ {job}\n".encode())
        log.flush()
        process = subprocess.Popen(
            supervisor.supervised(job.command),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),
            env=os.environ | environment | dict(job.environment) | {"OMP_NUM_THREADS": "1"},
        )
    return _Running(job, process, time.time())


def _finish(one: _Running, folder: Path, cpu: float) -> None:
    """Write the mark of a job that ended well."""
    path = folder / "jobs" / f"{one.job.name}.json"
    path.parent.mkdir(exist_ok=True)
    facts = {"command": str(one.job), "started": one.started, "ended": time.time(), "cpu_seconds": cpu}
    write_atomic(path, json.dumps(facts).encode())


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tail(path: Path) -> str:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()[-TAIL:]
    return "\n".join(f"  {line}" for line in lines)

"""Several workers: the same replies as one, also when some of them are killed on the way."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from harness.engines import _processes
from harness.engines._processes import Process, Processes
from harness.engines._spread import spread
from harness.engines._workers import Lost, Opened, Request, Word, WorkersSession
from harness.engines.hf import PLUGIN
from harness.errors import UsageProblem
from harness.types import Completion, EngineSettings, Generation, Prompt, RequestKey, Sampling
from tests.test_supervisor import gone
from tests.tinymodels import make_tiny_qwen2

PROMPTS = [Prompt((MappingProxyType({"role": "user", "content": "area " * (1 + index % 5)}),)) for index in range(30)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2(tmp_path_factory.mktemp("workers") / "base")


def drain(session: Any) -> Iterator[Completion]:
    while batch := session.collect():
        yield from batch


def submit_all(session: Any, tokens: int) -> None:
    for index, prompt in enumerate(PROMPTS):
        session.submit(RequestKey(str(index), 0, 0), prompt, Sampling(max_tokens=tokens))


def texts(completions: Iterator[Completion]) -> dict[str, str]:
    found = {}
    for done in completions:
        assert done.generation, done.fault
        assert done.key.sample_id not in found
        found[done.key.sample_id] = done.generation.text
    return found


def test_workers_answer_as_one_does_and_survive_a_killed_one(folder: Path) -> None:
    alone = PLUGIN.open(EngineSettings(str(folder)))
    submit_all(alone, 40)
    expected = texts(drain(alone))
    assert len(expected) == len(PROMPTS)
    session = PLUGIN.open(EngineSettings(str(folder), batch_size=4, options={"dp": 2}))
    assert isinstance(session, WorkersSession)
    assert (session.slots, session.version) == (64, alone.version)
    submit_all(session, 40)
    assert texts(drain(session)) == expected
    # One dies with the replies half there; another is started in its place.
    submit_all(session, 40)
    first = session.collect()
    worker = session.members[0].worker
    assert isinstance(worker, Process)
    worker.process.kill()
    assert texts(iter([*first, *drain(session)])) == expected
    assert len(session.members) == 2
    session.close()
    assert worker.process.exitcode == -signal.SIGKILL


class Scripted:
    """A worker that says what a test tells it to."""

    def __init__(self, words: Sequence[Word | Lost]) -> None:
        self.words = list(words)
        self.given: list[Request] = []
        self.stopped = False

    def give(self, requests: list[Request]) -> None:
        self.given += requests

    def take(self) -> Word:
        word = self.words.pop(0) if self.words else [answered(self.given.pop(0)[0])]
        if isinstance(word, Lost):
            raise word
        return word

    def stop(self) -> None:
        self.stopped = True


class Stage:
    """A place of such workers, in the order in which they are started."""

    def __init__(self, *workers: Scripted) -> None:
        self.workers = list(workers)
        self.closed = False

    def start(self, index: int) -> Scripted:
        return self.workers.pop(0)

    def wait(self, workers: Sequence[Scripted]) -> Sequence[Scripted]:
        return [worker for worker in workers if worker.words or worker.given]

    def close(self) -> None:
        self.closed = True


def answered(key: RequestKey) -> Completion:
    return Completion(key, Generation("yes"))


READY = Opened("engine 1", 4, 1)


def test_the_least_busy_worker_is_asked_and_the_whole_is_the_sum() -> None:
    a, b = Scripted([READY]), Scripted([Opened("engine 2", 8, 2)])
    session = WorkersSession(Stage(a, b), 2)
    assert (session.version, session.slots, session.gpus) == ("engine 1; engine 2", 12, 3)
    for number in range(5):
        session.submit(RequestKey(str(number), 0, 0), PROMPTS[0], Sampling())
    assert not a.given
    session.collect()
    assert len(a.given) + len(b.given) == 3
    assert len(list(drain(session))) == 3
    assert session.collect() == []


def test_requests_wait_for_a_replacement_where_nobody_is_left() -> None:
    dying, next_one = Scripted([READY, Lost("the power is gone")]), Scripted([READY])
    session = WorkersSession(Stage(dying, next_one), 1)
    session.submit(RequestKey("a", 0, 0), PROMPTS[0], Sampling())
    session.submit(RequestKey("b", 0, 0), PROMPTS[0], Sampling())
    assert {done.key.sample_id for done in drain(session)} == {"a", "b"}
    assert dying.stopped


def test_a_replacement_that_cannot_start_leaves_the_work_to_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    dying, broken, steady = Scripted([READY, Lost("gone")]), Scripted([UsageProblem("no model")]), Scripted([READY])
    session = WorkersSession(stage := Stage(dying, steady, broken, Scripted([Lost("at once")])), 2)
    for name in "abcd":
        session.submit(RequestKey(name, 0, 0), PROMPTS[0], Sampling())
    with caplog.at_level(logging.WARNING):
        assert {done.key.sample_id for done in drain(session)} == set("abcd")
    assert "worker 0 is lost (gone)" in caplog.text
    assert [member.worker for member in session.members] == [steady]
    session.close()
    assert steady.stopped
    assert stage.closed


def test_with_nobody_left_the_run_ends() -> None:
    dying = [Scripted([READY, Lost(f"gone {number}")]) for number in range(2)]
    session = WorkersSession(Stage(*dying), 1)
    session.submit(RequestKey("a", 0, 0), PROMPTS[0], Sampling())
    with pytest.raises(RuntimeError, match="all workers have died; the last: gone 1"):
        list(drain(session))


@pytest.mark.parametrize(
    ("word", "message"),
    [(UsageProblem("there is no such model"), "no such model"), (Lost("killed"), "ended while it started: killed")],
)
def test_what_stops_a_worker_from_starting_is_said(word: Any, message: str) -> None:
    fine = Scripted([READY])
    with pytest.raises(UsageProblem, match=message):
        WorkersSession(Stage(fine, Scripted([word])), 2)
    assert fine.stopped


def test_a_process_says_why_it_cannot_start() -> None:
    with pytest.raises(UsageProblem, match="there is no folder /no/such/model"):
        PLUGIN.open(EngineSettings("/no/such/model", options={"dp": 2}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dp": 0}, "dp cannot be 0"),
        ({"dp": "two"}, "dp cannot be 'two'"),
        ({"dp": True}, "dp cannot be True"),
        ({"runner": "rey"}, "Did you mean ray"),
        ({"ray_address": "auto"}, "--runner ray"),
    ],
)
def test_layouts_that_have_no_meaning_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        PLUGIN.open(EngineSettings("tiny", options=options))


def test_one_copy_here_is_no_spread() -> None:
    assert spread("hf", EngineSettings("tiny", options={"dp": 1, "runner": "local"})) is None


@pytest.mark.parametrize(
    ("visible", "present", "gpus", "expected"),
    [
        ("4,5,6,7", 0, 2, ["4,5", "6,7"]),
        ("", 4, 2, ["0,1", "2,3"]),
        ("GPU-a", 0, 1, ["GPU-a", "GPU-a"]),
        ("", 0, 1, ["0", "1"]),
    ],
)
def test_every_process_has_gpus_of_its_own(
    visible: str, present: int, gpus: int, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(_processes.machine, "description", lambda: {"gpus": ["H100"] * present})
    environments = Processes("hf", EngineSettings("tiny"), 2, gpus)._environments
    assert environments == [{"CUDA_VISIBLE_DEVICES": found, "OMP_NUM_THREADS": "3"} for found in expected]
    monkeypatch.delenv("OMP_NUM_THREADS")
    cores = len(os.sched_getaffinity(0))
    assert Processes("hf", EngineSettings("tiny"), 2, gpus)._environments[0]["OMP_NUM_THREADS"] == str(
        max(1, cores // 2)
    )


def test_copies_of_several_gpus_must_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    with pytest.raises(UsageProblem, match="2 copies of 2 GPUs do not fit 3"):
        Processes("hf", EngineSettings("tiny"), 2, 2)


def test_a_worker_ends_with_whoever_started_it(folder: Path, tmp_path: Path) -> None:
    """Killed by kill -9, and so without a word, in the middle of a long reply."""
    driver = (
        "import os, sys, threading; from harness.engines.hf import PLUGIN; from harness.types import *\n"
        "session = PLUGIN.open(EngineSettings(sys.argv[1], options={'dp': 2}))\n"
        "ask = Prompt(({'role': 'user', 'content': 'area'},))\n"
        "for n in range(40): session.submit(RequestKey(str(n), 0, 0), ask, Sampling(max_tokens=900))\n"
        "print(*(member.worker.process.pid for member in session.members), flush=True)\n"
        "threading.Timer(0.5, os.kill, (os.getpid(), 9)).start()\n"
        "while session.collect(): pass\n"
    )
    (tmp_path / "driver.py").write_text(f"if __name__ == '__main__':\n{textwrap.indent(driver, '    ')}")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "driver.py"), str(folder)],
        env=os.environ | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    assert gone(pids)

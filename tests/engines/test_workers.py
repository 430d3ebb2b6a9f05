"""Several workers: the same replies as one, also when some of them are killed on the way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from harness.engines._workers import WorkersSession
from harness.engines.hf import PLUGIN
from harness.errors import UsageProblem
from harness.types import Completion, EngineSettings, Prompt, RequestKey, Sampling
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
    assert session.slots == 64
    submit_all(session, 40)
    assert texts(drain(session)) == expected
    submit_all(session, 40)
    first = session.collect()
    session.workers[0].process.kill()
    assert texts(iter([*first, *drain(session)])) == expected
    assert len(session.workers) == 1
    # With nobody left there is nothing to wait for.
    submit_all(session, 40)
    session.workers[0].process.kill()
    with pytest.raises(RuntimeError, match=f"all workers have died; the last with status -{signal.SIGKILL:d}"):
        list(drain(session))
    session.close()


def test_what_stops_a_worker_from_starting_is_said() -> None:
    with pytest.raises(UsageProblem, match="there is no folder /no/such/model"):
        PLUGIN.open(EngineSettings("/no/such/model", options={"dp": 2}))

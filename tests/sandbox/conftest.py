"""A sandbox for each backend that works here, and a short way to run a program in it."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import SandboxUnavailable
from harness.sandbox.pool import Program, Result, Sandbox

MEMORY = 1 << 30
Run = Callable[..., list[Result]]


@pytest.fixture(scope="session", params=["userns", "bwrap", "docker", "landlock"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    try:
        opened = Sandbox(request.param, workers=1, memory=MEMORY)
    except SandboxUnavailable as error:
        pytest.skip(str(error).splitlines()[0])
    yield opened
    opened.close()


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    def call(code: str, *inputs: list[Any], limit: float = 1.0, budget: float = 10.0, **settings: Any) -> list[Result]:
        program = Program(code, "f", marshal.dumps(list(inputs), 2), [limit] * len(inputs), budget, **settings)
        with sandbox.run(program) as results:
            return list(results)

    return call

"""The model that plays the user of a dialogue, and how its engine and that of the measured model work side by side.

A query says whom it asks (`Query.asks`). The user has an engine, sampling and a hash of its own in the record, and is
asked by plain prompting; runs with different users are not compared and share no row.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import UsageProblem
from harness.protocols import Benchmark, Session
from harness.types import Asked, Completion, EngineSettings, Prompt, RequestKey, Sampling

HANDLER = "prompt"
"""How the user is asked, whatever handler the measured model has."""
SAMPLING = Sampling(temperature=0.001, max_tokens=1000)
"""What ACEBench's program sends to the user's model, whose name there is gpt-4o."""


@dataclass(frozen=True, slots=True)
class UserSpec:
    """Who plays the user."""

    settings: EngineSettings
    engine: str = "auto"
    sampling: Sampling = field(default_factory=lambda: SAMPLING)


def needed(benchmark: Benchmark, categories: Collection[str]) -> list[str]:
    """Of some categories those that are played with a simulated user."""
    return sorted(set(categories) & set(benchmark.with_user))


def demand(spec: UserSpec | None, categories: Sequence[str]) -> UserSpec:
    """The user that some categories need.

    Raises:
        UsageProblem: There is none.
    """
    if spec is None:
        remedy = "Name its model: --user-model NAME, and --user-base-url URL where a server has it."
        raise UsageProblem(f"{', '.join(categories)} needs a simulated user, and there is none", remedy)
    return spec


_Request = tuple[RequestKey, Prompt, Sampling]


class Sides:
    """Several sessions behind one `submit` and `collect`; each is fed by a thread of its own.

    Args:
        sessions: By whom a query asks.
    """

    def __init__(self, sessions: Mapping[Asked, Session]) -> None:
        self._out: queue.SimpleQueue[Sequence[Completion] | Exception] = queue.SimpleQueue()
        self._sides = {asked: _Side(session, self._out) for asked, session in sessions.items()}

    def submit(self, asked: Asked, request: _Request) -> None:
        """Queue one request to one side."""
        self._sides[asked].inbox.put(request)

    def collect(self) -> Sequence[Completion]:
        """Block until any side has completions; what a session raises is raised here."""
        found = self._out.get()
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """End the threads; the sessions stay open. A side that is waiting for its engine ends after that."""
        for side in self._sides.values():
            side.inbox.put(None)


class _Side(threading.Thread):
    """Submits what comes in and hands on what is finished, as the one thread of a session."""

    def __init__(self, session: Session, out: queue.SimpleQueue[Any]) -> None:
        super().__init__(name="engine side", daemon=True)
        self.inbox: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._session, self._result = session, out
        self.start()

    def run(self) -> None:
        flying = 0
        try:
            while True:
                while flying == 0 or not self.inbox.empty():
                    request = self.inbox.get()
                    if request is None:
                        return
                    self._session.submit(*request)
                    flying += 1
                completions = self._session.collect()
                flying -= len(completions)
                self._result.put(completions)
        except Exception as error:  # noqa: BLE001 - raised again by who collects
            self._result.put(error)

"""Several copies of an engine, one a GPU or a share of the cores, behind one session.

A request goes to the least busy worker. A worker that dies gives its requests back and the others get them: nothing is
lost, and nothing counted twice, because a reply counts only when it arrives here. As many workers as there were at the
start may be replaced. Where workers live is a `Place`: processes of this machine, or actors of a ray cluster.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from harness import plugins
from harness.chat import plain
from harness.errors import HarnessError, UsageProblem
from harness.types import Completion, EngineSettings, Prompt, RequestKey, Sampling

LOG = logging.getLogger(__name__)

Request = tuple[RequestKey, Prompt, Sampling]


class Opened(NamedTuple):
    """A worker's first word."""

    version: str
    slots: int
    gpus: int | None
    """As of a session."""


Word = Opened | HarnessError | list[Completion]
"""What a worker says: that it is there or why it cannot be, and then replies."""


class Lost(Exception):
    """A worker is dead; the message says how it ended."""


class Worker(Protocol):
    """A copy of an engine that lives elsewhere."""

    def give(self, requests: list[Request]) -> None:
        """Send requests; what goes wrong is told by `take`."""

    def take(self) -> Word:
        """The next word, once `Place.wait` has said that there is one. Raises `Lost`."""

    def stop(self) -> None:
        """Let it end without waiting for it or for its replies. Safe to call twice."""


class Place(Protocol):
    """Where workers live."""

    def start(self, index: int) -> Worker:
        """Start worker number `index`; it is not waited for."""

    def wait(self, workers: Sequence[Any]) -> Sequence[Any]:
        """Block until some of these workers have a word or are dead, and return those."""

    def close(self) -> None:
        """See that all stopped workers have ended, and free what the place itself holds."""


@dataclass(slots=True, eq=False)
class Member:
    """A worker in a session's books."""

    index: int
    worker: Worker
    opened: Opened | None = None
    """None until it can be asked."""
    asked: dict[RequestKey, Request] = field(default_factory=dict)
    unsent: list[Request] = field(default_factory=list)


class WorkersSession:
    """A session over several workers.

    Args:
        place: Where they live.
        count: How many.

    Raises:
        HarnessError: A worker cannot open its engine.
        UsageProblem: A worker died while it started.
    """

    def __init__(self, place: Place, count: int) -> None:
        self._place = place
        self._replacements = count
        self._waiting: list[Request] = []
        """Requests that no worker is there for."""
        self.members = [Member(index, place.start(index)) for index in range(count)]
        try:
            while not all(member.opened for member in self.members):
                self._hear(starting=True)
        except BaseException:
            self.close()
            raise
        opened = [member.opened for member in self.members if member.opened]
        self.version = "; ".join(dict.fromkeys(one.version for one in opened))
        self.slots = sum(one.slots for one in opened)
        self.gpus = None if any(one.gpus is None for one in opened) else sum(one.gpus or 0 for one in opened)

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Put a request down for the least busy worker; it is sent with the others when replies are asked for."""
        # What crosses to another process must be plain: a mapping proxy cannot.
        schema = None if prompt.schema is None else plain(prompt.schema)
        sent = replace(prompt, messages=tuple(plain(prompt.messages)), tools=tuple(plain(prompt.tools)), schema=schema)
        self._assign((key, sent, sampling))

    def collect(self) -> Sequence[Completion]:
        """Wait for a reply of any worker; empty where none is outstanding."""
        while self._waiting or any(member.asked for member in self.members):
            if done := self._hear():
                return done
        return []

    def close(self) -> None:
        """Stop all workers."""
        for member in self.members:
            member.worker.stop()
        self.members = []
        self._place.close()

    def _assign(self, request: Request) -> None:
        ready = [member for member in self.members if member.opened]
        if not ready:
            self._waiting.append(request)
            return
        member = min(ready, key=lambda member: len(member.asked))
        member.asked[request[0]] = request
        member.unsent.append(request)

    def _hear(self, *, starting: bool = False) -> list[Completion]:
        """Send what is unsent, wait for a word of any worker, and return the replies in it."""
        for member in self.members:
            if member.unsent:
                member.worker.give(member.unsent)
                member.unsent = []
        workers = {id(member.worker): member for member in self.members}
        done: list[Completion] = []
        for worker in self._place.wait([member.worker for member in self.members]):
            member = workers[id(worker)]
            try:
                done += self._understood(member, member.worker.take())
            except (Lost, HarnessError) as error:
                if starting:
                    self._refuse(error)
                self._bury(member, error)
        return done

    def _understood(self, member: Member, word: Word) -> list[Completion]:
        if isinstance(word, HarnessError):
            raise word
        if isinstance(word, Opened):
            member.opened = word
            waiting, self._waiting = self._waiting, []
            for request in waiting:
                self._assign(request)
            return []
        for completion in word:
            del member.asked[completion.key]
        return word

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, HarnessError):
            raise error
        raise UsageProblem(f"a worker ended while it started: {error}", "Its own message is above.") from None

    def _bury(self, member: Member, error: Exception) -> None:
        """Give a dead worker's requests to the others and start another in its place."""
        member.worker.stop()
        self.members.remove(member)
        if self._replacements:
            self._replacements -= 1
            LOG.warning("worker %d is lost (%s): another one is started", member.index, error)
            self.members.append(Member(member.index, self._place.start(member.index)))
        if not self.members:
            raise RuntimeError(f"all workers have died; the last: {error}")
        for request in member.asked.values():
            self._assign(request)


class Copy:
    """A worker's own side: an engine session and how many requests it has not answered.

    Args:
        engine: The engine's name.
        settings: Of one copy.
    """

    def __init__(self, engine: str, settings: EngineSettings) -> None:
        self.engine, self.settings = engine, settings
        self.outstanding = 0
        self._session: Any = None

    def open(self) -> Opened | HarnessError:
        """Open the engine; what the user can mend is returned, as exceptions do not cross to every place whole."""
        try:
            self._session = plugins.open_engine(self.engine, self.settings)
        except HarnessError as error:
            return error
        return Opened(self._session.version, self._session.slots, self._session.gpus)

    def work(self, requests: Sequence[Request]) -> list[Completion]:
        """Take requests on and wait for a reply to any; empty where none is outstanding."""
        for request in requests:
            self._session.submit(*request)
        self.outstanding += len(requests)
        done = list(self._session.collect()) if self.outstanding else []
        self.outstanding -= len(done)
        return done

    def close(self) -> None:
        """Close the engine, if it was opened."""
        if self._session is not None:
            self._session.close()

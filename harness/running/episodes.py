"""One episode under way: a play, the replies it got, and how it ends.

Whatever goes wrong inside it (the play, the handler's code, a request) becomes its `fault` and ends nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness import plugins
from harness.errors import HarnessError
from harness.protocols import Benchmark, Handler, Play
from harness.results.lines import SampleLine
from harness.running import users
from harness.types import Episode, Generation, Key, Prompt, Query, Reply, RequestKey, Sample, Step

OVERFLOW = "context_overflow"
"""Problem of a reply that could not be asked for, and code of its item's verdict."""


@dataclass(slots=True)
class Playing:
    """An episode under way; `query` is None when it has ended."""

    sample: Sample[Any]
    repeat: int
    handler: Handler
    play: Play | None = None
    query: Query | None = None
    steps: list[Step] = field(default_factory=list)
    fault: str | None = None
    started: float = field(default_factory=time.monotonic)
    recorded: float = 0.0
    """Seconds of the replies that an earlier session got."""

    @property
    def seconds(self) -> float:
        """Since the start, earlier sessions included."""
        return time.monotonic() - self.started + self.recorded

    @property
    def key(self) -> RequestKey:
        """What its query is known by."""
        return RequestKey(self.sample.id, self.repeat, len(self.steps))

    def start(self, benchmark: Benchmark, before: Mapping[str, Episode]) -> None:
        """Find what the play asks first."""

        def first() -> Query:
            self.play = benchmark.play(self.sample, before)
            return next(self.play)

        self._move("play", first)

    def ask(self) -> Prompt | None:
        """The query as its handler renders it; None where the episode has ended."""
        query = self.query
        if query is None:
            return None
        if query.scored:
            return Prompt(query.messages, scored=query.scored)
        try:
            return self.handler_of(query).render(query)
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad sample never ends a run
            self.end(explain("render", error))
            return None

    def advance(self, generation: Generation) -> None:
        """Hand the answer to the play and find what it asks next."""
        query, play = self.query, self.play
        assert query is not None
        assert play is not None
        if generation.finish == "overflow":
            self._overflow(query, generation)
            return

        def send() -> Query:
            reply = Reply(None, query.scored) if query.scored else self.handler_of(query).parse(generation, query)
            self.steps.append(Step(query.turn, generation, reply, query.asks))
            return play.send(reply)

        self._move("play", send)

    def go_on(self, replies: Mapping[RequestKey, Generation]) -> None:
        """Take what an earlier session was answered as far as that goes: the same replies lead to the same queries."""
        while self.query is not None and (generation := replies.get(self.key)) is not None:
            self.recorded += generation.seconds
            self.advance(generation)

    def _overflow(self, query: Query, generation: Generation) -> None:
        """The prompt was too long. For the measured model that ends the item, as upstream; it is not a fault."""
        if query.asks != "model":
            self.end(f"the simulated user's prompt is too long: {generation.text}")
            return
        reply = Reply(None, f"Error during inference: {generation.text}", problem=OVERFLOW)
        self.steps.append(Step(query.turn, generation, reply))
        self.query = None
        if self.play is not None:
            self.play.close()

    def handler_of(self, query: Query) -> Handler:
        """The measured model's handler, or plain prompting for the one that plays its user."""
        if query.asks == "model":
            return self.handler
        user: Handler = plugins.load("handlers", users.HANDLER)
        return user

    def end(self, fault: str) -> None:
        """End without an answer."""
        self.fault, self.query = fault, None
        if self.play is not None:
            self.play.close()

    def _move(self, where: str, step: Callable[[], Query]) -> None:
        try:
            self.query = step()
        except StopIteration:
            self.query = None
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad sample never ends a run
            self.end(explain(where, error))

    @property
    def episode(self) -> Episode:
        """What was played so far."""
        return Episode(self.sample.id, tuple(self.steps), self.fault, self.repeat)


def explain(where: str, error: BaseException) -> str:
    """A fault's text: where it happened and what."""
    return f"{where}: {type(error).__name__}: {error}"[:2000]


class Ended:
    """Finished episodes, of this session or read back from an earlier one.

    Plays are pure: stored generations lead through the same queries again.

    Args:
        benchmark: Plays the samples.
        handler: Parses the replies.
        samples: Samples by id.
        lines: Stored lines by id and repeat.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        handler: Handler,
        samples: Mapping[str, Sample[Any]],
        lines: Mapping[Key, SampleLine],
    ) -> None:
        self.benchmark, self.handler, self.samples, self.lines = benchmark, handler, samples, lines
        self._episodes: dict[Key, Episode] = {}

    def add(self, episode: Episode) -> None:
        """Remember an episode of this session."""
        self._episodes[episode.sample_id, episode.repeat] = episode

    def before(self, sample: Sample[Any], repeat: int) -> dict[str, Episode]:
        """Episodes that a sample depends on, by id."""
        return {name: self._episode((name, repeat)) for name in sample.after}

    def retrace(self, key: Key) -> Iterator[tuple[Query, Step]]:
        """The queries and answers of a stored line, in order."""
        yield from self._follow(self._begin(key), self.lines[key])

    def follow(self, key: Key) -> Episode:
        """A stored episode with its replies; its fault is the stored one, or why the play cannot be followed."""
        playing, line = self._begin(key), self.lines[key]
        steps = tuple(step for _, step in self._follow(playing, line))
        return Episode(line.id, steps, line.fault or playing.fault, line.repeat)

    def _begin(self, key: Key) -> Playing:
        playing = Playing(self.samples[key[0]], key[1], self.handler)
        playing.start(self.benchmark, self.before(playing.sample, key[1]))
        return playing

    def _follow(self, playing: Playing, line: SampleLine) -> Iterator[tuple[Query, Step]]:
        for step in line.steps:
            query = playing.query
            if query is None:
                return
            playing.advance(step.generation)
            yield query, playing.steps[-1]

    def _episode(self, key: Key) -> Episode:
        if key not in self._episodes:
            self._episodes[key] = self.follow(key)
        return self._episodes[key]

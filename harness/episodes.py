"""One episode under way: a play, the replies it got, and how it ends.

Whatever goes wrong inside it (the play, the handler's code, a request) becomes its `fault` and ends nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.errors import HarnessError
from harness.lines import SampleLine
from harness.protocols import Benchmark, Handler, Play
from harness.types import Episode, Generation, Prompt, Query, Sample, Step


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
        try:
            return self.handler.render(query)
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

        def send() -> Query:
            reply = self.handler.parse(generation, query)
            self.steps.append(Step(query.turn, generation, reply))
            return play.send(reply)

        self._move("play", send)

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


def rebuild(
    benchmark: Benchmark, handler: Handler, line: SampleLine, sample: Sample[Any], before: Mapping[str, Episode]
) -> Episode:
    """The episode of a stored line: plays are pure, so its generations lead through the same queries again.

    Args:
        benchmark: Plays the sample.
        handler: Parses the replies.
        line: What was stored.
        sample: The line's sample.
        before: Episodes of the samples in `sample.after`, by id.

    Returns:
        The episode.
    """
    playing = Playing(sample, line.repeat, handler)
    playing.start(benchmark, before)
    for step in line.steps:
        if playing.query is None:
            break
        playing.advance(step.generation)
    return replace(playing.episode, fault=line.fault or playing.fault)

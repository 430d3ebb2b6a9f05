"""Keeping an engine full: episodes advance independently, and one slow episode holds nobody up.

One thread starts plays, feeds the engine and hands each reply back to its play. Greedy results do not depend on the
order in which completions come back. A sample that depends on others (`Sample.after`) starts when they have ended.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, NoReturn

from harness.errors import HarnessError, RunIncomplete
from harness.protocols import Benchmark, Handler, Session
from harness.results.lines import SampleLine
from harness.running.episodes import Ended, Playing
from harness.running.users import Sides
from harness.types import Asked, Completion, Episode, Generation, Key, RequestKey, Sample, Sampling

BATCH = 64
"""Episodes that need no engine and are handed on together."""


class Played(NamedTuple):
    """An episode that has ended."""

    sample: Sample[Any]
    episode: Episode
    seconds: float
    """From the episode's start to its last completion."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is played, and how."""

    benchmark: Benchmark
    handler: Handler
    samples: Mapping[str, Sample[Any]]
    """Every sample of the run by id."""
    stored: Mapping[Key, SampleLine]
    """Lines of an earlier session that others depend on."""
    sampling: Sampling = field(default_factory=Sampling)
    """The repeat is added to its seed."""
    timeout: float | None = None
    """Seconds an episode may take; None for no limit."""
    user_sampling: Sampling = field(default_factory=Sampling)
    """The same for the model that plays the user."""
    replies: Mapping[RequestKey, Generation] = field(default_factory=dict)
    """What an earlier session was answered, of episodes that it did not finish."""


def never() -> bool:
    """No."""
    return False


@dataclass(frozen=True, slots=True)
class Orders:
    """Who is told and who is asked while episodes are played."""

    keep: Callable[[Iterable[tuple[RequestKey, Generation]]], None]
    """Told every reply as it arrives, before anything is made of it."""
    stop: Callable[[], bool] = never
    """Asked before new episodes are started; once true, it ends with those that are in flight."""
    hold: Callable[[], bool] = never
    """The same for now: while true, no new episode is started."""
    leave: Callable[[], bool] = never
    """Once true, nothing more is asked: what is in flight is kept as it arrives, and `KeyboardInterrupt` raised."""


class Scheduler:
    """Plays episodes through one engine session, or two where a model plays the user.

    Args:
        work: What is played.
        session: The engine; its slots are asked for when the first request is made, not before.
        orders: Who is told and who is asked.
        user: The engine of the simulated user, open; None where no sample has one.
    """

    def __init__(self, work: Work, session: Session, orders: Orders, user: Session | None = None) -> None:
        self.work, self.session, self.orders = work, session, orders
        self._sides = Sides({"model": session, "user": user}) if user is not None else None
        self._needed = {name for sample in work.samples.values() for name in sample.after}
        self._ended = Ended(work.benchmark, work.handler, work.samples, work.stored)
        self._ready: deque[Key] = deque()
        self._waiting: dict[Key, set[Key]] = {}
        self._dependents: dict[Key, list[Key]] = {}
        self._flying: dict[RequestKey, Playing | None] = {}
        self._asked = False
        self._out: list[Played] = []

    def play(self, keys: Sequence[Key]) -> Iterator[list[Played]]:
        """Play episodes.

        Args:
            keys: Which, in the order to start them.

        Yields:
            What ended, in batches, while the engine works on what comes next; an empty one where `Orders.hold` is all
            that it waits for.

        Raises:
            KeyboardInterrupt: As `Orders.leave` wants it.
            RunIncomplete: The engine broke; what was yielded stands.
        """
        try:
            yield from self._play(keys)
        finally:
            if self._sides is not None:
                self._sides.close()

    def _play(self, keys: Sequence[Key]) -> Iterator[list[Played]]:
        self._plan(keys)
        while True:
            if self.orders.leave():
                self._leave()
            self._fill()
            if self._out:
                batch, self._out = self._out, []
                yield batch
            elif any(self._flying.values()) or (self._ready and self._flying and not self.orders.hold()):
                arrived = self._receive()
                if not self.orders.leave():
                    for playing, completion in arrived:
                        self._take(playing, completion)
                    self._expire()
            elif self._ready:
                yield []
            elif self._waiting:
                key = next(iter(self._waiting))
                self._unplayed(key, f"waits in a circle for {sorted(self._waiting.pop(key))[0][0]}")
            else:
                return

    def _plan(self, keys: Sequence[Key]) -> None:
        ours = set(keys)
        for name, repeat in keys:
            missing = {(need, repeat) for need in self.work.samples[name].after} & ours
            for need in missing:
                self._dependents.setdefault(need, []).append((name, repeat))
            if missing:
                self._waiting[name, repeat] = missing
            else:
                self._ready.append((name, repeat))

    def _fill(self) -> None:
        if self.orders.stop is not never:
            if self._out:
                return  # What has ended is counted first.
            if self.orders.stop():
                self._ready.clear()
                self._waiting.clear()
        while self._ready and self._room():
            key = self._ready.popleft()
            sample = self.work.samples[key[0]]
            before = self._ended.before(sample, key[1])
            failed = next((episode for episode in before.values() if episode.fault), None)
            if failed:
                self._unplayed(key, f"depends on {failed.sample_id}, which failed: {failed.fault}")
                continue
            playing = Playing(sample, key[1], self.work.handler)
            playing.start(self.work.benchmark, before)
            if self.work.replies:
                playing.go_on(self.work.replies)
            self._submit(playing)

    def _room(self) -> bool:
        """Whether another episode may start now."""
        if self.orders.hold():
            return False
        if self._asked:
            return not self._flying or len(self._flying) < self.session.slots
        # What was answered in full is judged before an engine is loaded for the rest.
        return not self._out or (len(self._out) < BATCH and RequestKey(*self._ready[0], 0) in self.work.replies)

    def _submit(self, playing: Playing) -> None:
        """Send the episode's query to the engine, or put the episode away where it has none."""
        prompt = playing.ask()
        if prompt is None:
            self._end(Played(playing.sample, playing.episode, playing.seconds))
            return
        key = playing.key
        asked: Asked = playing.query.asks if playing.query else "model"
        if asked == "user" and self._sides is None:
            playing.end("it asks a simulated user, and there is none")
            self._submit(playing)
            return
        sampling = self.work.sampling if asked == "model" else self.work.user_sampling
        if sampling.seed is not None and playing.repeat:
            sampling = replace(sampling, seed=sampling.seed + playing.repeat)
        if prompt.stop:
            sampling = replace(sampling, stop=(*sampling.stop, *prompt.stop))
        self._flying[key] = playing
        self._asked = True
        with _engine_trouble():
            if self._sides is not None:
                self._sides.submit(asked, (key, prompt, sampling))
            else:
                self.session.submit(key, prompt, sampling)

    def _receive(self) -> list[tuple[Playing | None, Completion]]:
        """Wait for completions and keep what they bring; each with the episode that waited for it."""
        with _engine_trouble():
            completions = (self._sides or self.session).collect()
            if strangers := [completion.key for completion in completions if completion.key not in self._flying]:
                raise LookupError(f"it answers a request that was not made: {strangers[0]}")
        self.orders.keep((each.key, each.generation) for each in completions if each.generation is not None)
        return [(self._flying.pop(completion.key), completion) for completion in completions]

    def _take(self, playing: Playing | None, completion: Completion) -> None:
        if playing is None:
            return
        if completion.generation is None:
            playing.end(completion.fault or "the engine gave no reason")
        else:
            playing.advance(completion.generation)
        self._submit(playing)

    def _leave(self) -> NoReturn:
        """Keep what still arrives; whoever wants to leave sees to it that this does not take long."""
        while self._flying:
            self._receive()
        raise KeyboardInterrupt

    def _expire(self) -> None:
        """End episodes that take too long; their requests keep their slots until the engine gives them up."""
        if self.work.timeout is None:
            return
        oldest = time.monotonic() - self.work.timeout
        for key, playing in self._flying.items():
            if playing is not None and playing.started < oldest:
                playing.end(f"took longer than {self.work.timeout:g} s")
                self._flying[key] = None
                self._submit(playing)

    def _unplayed(self, key: Key, fault: str) -> None:
        self._end(Played(self.work.samples[key[0]], Episode(key[0], (), fault, key[1]), 0.0))

    def _end(self, played: Played) -> None:
        self._out.append(played)
        key = played.sample.id, played.episode.repeat
        if played.sample.id in self._needed:
            self._ended.add(played.episode)
        for dependent in self._dependents.pop(key, ()):
            missing = self._waiting.get(dependent, set())
            missing.discard(key)
            if not missing and self._waiting.pop(dependent, None) is not None:
                self._ready.append(dependent)


@contextmanager
def _engine_trouble() -> Iterator[None]:
    """A failure of the engine as a whole ends the session: what is finished is kept."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        remedy = "What is finished is kept; the same command continues."
        raise RunIncomplete(f"the engine failed: {type(error).__name__}: {error}", remedy) from error

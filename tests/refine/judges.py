"""Judges for tests: sessions whose replies are known, with latency, faults and slots as a test wants them."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable, Sequence

from harness.types import Completion, Generation, Prompt, RequestKey, Sampling

Answer = Callable[[RequestKey, Prompt], str | None]
"""Reply text to a prompt; None is a fault of the server."""


def yes(reason: str = "fine") -> str:
    return json.dumps({"reason": reason, "verdict": "yes"})


def no(reason: str) -> str:
    return json.dumps({"reason": reason, "verdict": "no"})


class KnownJudge:
    """Answers by a function, in the order of completion times that a fixed latency gives."""

    version = "test"

    def __init__(self, answer: Answer, slots: int = 4, seconds: float = 0.0) -> None:
        self.answer, self.slots, self.seconds = answer, slots, seconds
        self.asked: list[tuple[RequestKey, Prompt]] = []
        self._queue: list[tuple[float, int, Completion]] = []

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        self.asked.append((key, prompt))
        text = self.answer(key, prompt)
        done = (
            Completion(key, None, "server fault")
            if text is None
            else Completion(key, Generation(text, "stop", None, None, 10, 5))
        )
        heapq.heappush(self._queue, (time.monotonic() + self.seconds, len(self.asked), done))

    def collect(self) -> Sequence[Completion]:
        if (wait := self._queue[0][0] - time.monotonic()) > 0:
            time.sleep(wait)
        ready = []
        while self._queue and self._queue[0][0] <= time.monotonic():
            ready.append(heapq.heappop(self._queue)[2])
        return ready

    def close(self) -> None:
        pass

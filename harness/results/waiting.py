"""Replies whose episodes have no line yet: `waiting.jsonl` beside `samples.jsonl`, one line a reply, as it arrived.

    {"id": "simple_python_0", "repeat": 0, "step": 0, "generation": {"text": "[f(a=1)]", "finish": "stop", ...}}

What a model said is paid for when it arrives, and judged later: here it outlives the session that asked. Plays are
pure, so the session that continues hands these replies to them again and asks only for what is missing. The file goes
when nothing waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from harness.protocols import Report
from harness.results.lines import decode_generation
from harness.types import Generation, Key, RequestKey

WAITING = "waiting.jsonl"


def encode_reply(key: RequestKey, generation: str) -> bytes:
    """One line.

    Args:
        key: The request.
        generation: As `lines.encode_generation` gives it.

    Returns:
        JSON in ASCII.
    """
    name = json.dumps(key.sample_id)
    line = f'{{"id": {name}, "repeat": {key.repeat}, "step": {key.step}, "generation": {generation}}}\n'
    return line.encode("ascii")


def read_waiting(run: Path, report: Report) -> Iterator[tuple[RequestKey, Generation]]:
    """All readable replies of a run's `waiting.jsonl`; also those whose episode has its line by now.

    Args:
        run: The run's folder.
        report: Called with `FILE:LINE: what is damaged` for each line that is skipped.

    Yields:
        Request and reply.
    """
    path = run / WAITING
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                data = json.loads(raw.decode("utf-8"))
                key = RequestKey(data["id"], data["repeat"], data["step"])
                if not isinstance(key.sample_id, str) or any(type(place) is not int for place in key[1:]):
                    raise ValueError("a field has a wrong type")
                yield key, decode_generation(data["generation"])
            except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
                report(f"{path}:{number}: cut off or not a reply ({type(error).__name__}: {error})")


def count_waiting(run: Path, finished: set[Key]) -> int:
    """Episodes with replies that wait for the rest of them, or for a verdict.

    Args:
        run: The run's folder.
        finished: Episodes with a line.

    Returns:
        How many there are.
    """
    return len({key[:2] for key, _ in read_waiting(run, lambda _: None)} - finished)

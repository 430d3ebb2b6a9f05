"""A test engine: no model, but replies, delays and faults from a script. Its scores mean nothing.

    harness run --engine scripted --model-args script=replies.jsonl,delay=0.02,slots=8 --tasks simple_python

A script is JSONL of entries (`repeat` and `step` may be left out, then the entry answers all of them), or a JSON object
of texts, lists of texts by step, or entries by sample id:

    {"id": "simple_python_0", "step": 0, "text": "[f(a=1)]", "finish": "stop", "delay": 0.1}
    {"id": "simple_python_1", "fault": "HTTP 500"}
"""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageProblem, unknown_name
from harness.types import Completion, EngineSettings, Generation, ModelInfo, NativeCall, Prompt, RequestKey, Sampling

OPTIONS = ("script", "default", "delay", "slots")
ENTRY = ("id", "repeat", "step", "text", "finish", "tool_calls", "reasoning", "fault", "delay")
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Script:
    """What to answer."""

    entries: Mapping[tuple[str, int | None, int | None], Entry]
    """By sample id, repeat and step; None stands for any."""
    default: str
    """Reply where there is no entry."""
    delay: float
    """Seconds until a reply comes, where its entry does not say."""

    def entry(self, key: RequestKey) -> Entry:
        """The most particular entry for a request."""
        for repeat in (key.repeat, None):
            for step in (key.step, None):
                if found := self.entries.get((key.sample_id, repeat, step)):
                    return found
        return {"text": self.default}

    def answer(self, key: RequestKey) -> tuple[float, Completion]:
        """Seconds to wait, and what to say then."""
        entry = self.entry(key)
        delay = float(entry.get("delay", self.delay))
        if fault := entry.get("fault"):
            return delay, Completion(key, None, fault)
        text, calls = entry.get("text", ""), entry.get("tool_calls")
        native = None if calls is None else tuple(NativeCall(call["name"], call["arguments"]) for call in calls)
        generation = Generation(
            text,
            finish=entry.get("finish", "stop"),
            tool_calls=native,
            reasoning=entry.get("reasoning"),
            completion_tokens=len(text.split()),
            seconds=delay,
        )
        return delay, Completion(key, generation)


def _entries(file: Path) -> Iterator[Entry]:
    text = file.read_text("utf-8")
    if file.suffix == ".jsonl":
        yield from (json.loads(line) for line in text.splitlines() if line.strip())
        return
    for name, value in json.loads(text).items():
        if isinstance(value, list):
            yield from ({"id": name, "step": step, "text": text} for step, text in enumerate(value))
        else:
            yield {"id": name, "text": value} if isinstance(value, str) else {"id": name, **value}


def read_script(options: Mapping[str, Any]) -> Script:
    """Read the script that an engine's options name.

    Args:
        options: `script`, `default` and `delay`; all may be missing.

    Returns:
        The script.

    Raises:
        UsageProblem: The file is not one.
    """
    entries = {}
    file = options.get("script")
    try:
        for entry in _entries(Path(file)) if file else ():
            for name in entry:
                if name not in ENTRY:
                    raise unknown_name("field of a script", name, ENTRY)
            entries[entry["id"], entry.get("repeat"), entry.get("step")] = entry
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "See `harness/engines/scripted.py` for what a script looks like."
        raise UsageProblem(f"script {file}: {type(error).__name__}: {error}", remedy) from None
    default = options.get("default", "")
    text = default if isinstance(default, str) else json.dumps(default)
    return Script(entries, text, float(options.get("delay", 0.0)))


class Reciting:
    """A script being recited; replies come back when their delay is over.

    Args:
        script: What to answer.
        slots: Requests in flight.
    """

    version = "1"

    def __init__(self, script: Script, slots: int) -> None:
        self.slots = slots
        self._script = script
        self._due: list[tuple[float, int, Completion]] = []
        self._count = 0

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Start the clock for one reply."""
        delay, completion = self._script.answer(key)
        self._count += 1
        heapq.heappush(self._due, (time.monotonic() + delay, self._count, completion))

    def collect(self) -> Sequence[Completion]:
        """Wait for the first reply, and return all that are due by then."""
        time.sleep(max(0.0, self._due[0][0] - time.monotonic()))
        now, out = max(time.monotonic(), self._due[0][0]), []
        while self._due and self._due[0][0] <= now:
            out.append(heapq.heappop(self._due)[2])
        return out

    def close(self) -> None:
        """Nothing to free."""


class ScriptedEngine:
    """Recites scripts, for tests."""

    name = "scripted"
    layout = ("delay", "slots")

    def describe(self, settings: EngineSettings) -> ModelInfo:
        """There is no model."""
        return ModelInfo(settings.model, remote=True)

    def open(self, settings: EngineSettings) -> Reciting:
        """Read the script."""
        for name in settings.options:
            if name not in OPTIONS:
                raise unknown_name("option of engine scripted", name, OPTIONS)
        slots = settings.concurrency or int(settings.options.get("slots", 16))
        return Reciting(read_script(settings.options), slots)


PLUGIN = ScriptedEngine()

"""What a number of walks came to, for people."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.text import one_line
from refine.synth.types import Step, Trace

WIDEST = 100
"""Characters of a result or an argument that are shown."""


class Tally:
    """Counts walks.

    Args:
        tools: All tools of the environment.
    """

    def __init__(self, tools: Sequence[str]) -> None:
        self._tools = tools
        self._started = time.process_time()
        self.walks = self.calls = self.levels = 0
        self.called: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.reasons: list[tuple[int, str]] = []

    def walked(self, trace: Trace) -> None:
        """One more walk."""
        steps = list(trace.steps())
        self.walks += 1
        self.calls += len(steps)
        self.levels += sum(len(turn.levels) for turn in trace.turns)
        self.called.update(step.call.name for step in steps)
        self.kinds.update(turn.kind for turn in trace.turns)
        self.sources.update(source.kind for step in steps for source in step.sources)

    def failed(self, number: int, error: Exception) -> None:
        """A plan that could not be walked."""
        self.reasons.append((number, one_line(str(error), 2 * WIDEST)))

    def to_json(self) -> dict[str, Any]:
        """The counts as JSON values."""
        return {
            "walks": self.walks,
            "failed": dict(self.reasons),
            "calls": self.calls,
            "levels": self.levels,
            "kinds": dict(self.kinds),
            "arguments": dict(self.sources),
            "tools": {name: self.called[name] for name in self._tools},
            "cpu_seconds": round(time.process_time() - self._started, 2),
        }

    def told(self) -> str:
        """The counts as text."""
        total = sum(self.sources.values()) or 1
        shares = ", ".join(f"{100 * n / total:.0f} % {kind}" for kind, n in self.sources.most_common())
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.kinds.most_common())
        missing = [name for name in self._tools if not self.called[name]]
        lines = [
            f"{self.walks} walks, {self.calls} calls in {self.levels} levels, {len(self.reasons)} plans not walked",
            *(f"  {number}: {reason}" for number, reason in self.reasons[:10]),
            f"turns: {kinds}",
            f"arguments: {shares or 'none'}",
            f"tools called: {len(self._tools) - len(missing)} of {len(self._tools)}"
            + (f", never {', '.join(missing)}" if missing else ""),
            f"{time.process_time() - self._started:.1f} CPU seconds",
        ]
        return "\n".join(lines)

    def shown(self, trace: Trace) -> str:
        """One walk as text."""
        lines = [f"walk {trace.plan.number}"]
        for turn in trace.turns:
            lines.append(f"  {turn.kind}: {', '.join(turn.targets) or 'nothing'}")
            for number, level in enumerate(turn.levels):
                for step in level:
                    for mishap in (each for each in turn.mishaps if each.step == step.index):
                        lines.append(f"    {number} ! {mishap.call.name}: {one_line(mishap.text, WIDEST)}")
                    lines.append(f"    {number} {_written(step)} -> {one_line(step.result, WIDEST)}")
            if held := turn.held_back:
                lines.append(f"    held back: {held.tool}" + (f"({held.parameter})" if held.parameter else ""))
        return "\n".join(lines)


def _written(step: Step) -> str:
    marks = {"result": "<", "state": "@", "user": "", "constant": ""}
    kinds = {str(source.parameter[0]): source for source in step.sources}
    arguments = []
    for name, value in step.call.arguments.items():
        source = kinds.get(name)
        mark = marks[source.kind] + (str(source.step) if source.step is not None else "") if source else ""
        arguments.append(f"{name}={one_line(repr(value), WIDEST)}{mark}")
    return f"{step.index} {step.call.name}({', '.join(arguments)})"

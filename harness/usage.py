"""What a run cost: latency, tokens, steps, truncation and faults, from the recorded generations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from harness.lines import SampleLine


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals and distributions of one run."""

    samples: int = 0
    """Episodes, helpers that are not scored included."""
    replies: int = 0
    faults: int = 0
    """Episodes that could not be finished."""
    truncated: int = 0
    """Episodes with a reply that was cut at the token limit."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_mean: float | None = None
    """Seconds a reply; None where no latency was recorded. Zeros are left out, as upstream does."""
    latency_std: float | None = None
    """Sample standard deviation; 0 for a single reply."""
    latency_p95: float | None = None

    @property
    def fault_share(self) -> float:
        """Faults by samples, 0..1."""
        return self.faults / self.samples if self.samples else 0.0

    @property
    def truncated_share(self) -> float:
        """Truncated samples by samples, 0..1."""
        return self.truncated / self.samples if self.samples else 0.0

    @property
    def tokens_per_sample(self) -> float:
        """Completion tokens by samples."""
        return self.completion_tokens / self.samples if self.samples else 0.0

    @property
    def steps_per_sample(self) -> float:
        """Replies by samples."""
        return self.replies / self.samples if self.samples else 0.0

    def cost(self, prices: Mapping[str, float]) -> float:
        """USD, from prices for a million `prompt` and `completion` tokens."""
        return (self.prompt_tokens * prices["prompt"] + self.completion_tokens * prices["completion"]) / 1e6

    def as_json(self) -> dict[str, Any]:
        """All figures by name."""
        shares = ("fault_share", "truncated_share", "tokens_per_sample", "steps_per_sample")
        return {name: getattr(self, name) for name in (*(item.name for item in fields(self)), *shares)}


def measure(lines: Iterable[SampleLine]) -> Usage:
    """Usage of the episodes in some lines."""
    samples = faults = truncated = prompt = completion = 0
    seconds: list[float] = []
    for line in lines:
        generations = [step.generation for step in line.steps]
        samples += 1
        faults += line.fault is not None
        truncated += any(generation.finish == "length" for generation in generations)
        prompt += sum(generation.prompt_tokens for generation in generations)
        completion += sum(generation.completion_tokens for generation in generations)
        seconds += [generation.seconds for generation in generations]
    timed = np.array([value for value in seconds if value > 0])
    latency = _latency(timed) if timed.size else (None, None, None)
    return Usage(samples, len(seconds), faults, truncated, prompt, completion, *latency)


def _latency(seconds: Any) -> tuple[float, float, float]:
    spread = float(seconds.std(ddof=1)) if seconds.size > 1 else 0.0
    return float(seconds.mean()), spread, float(np.percentile(seconds, 95))

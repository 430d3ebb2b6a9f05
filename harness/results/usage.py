"""What a run cost: latency, tokens, steps, truncation, faults and money, from the recorded generations."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.errors import UsageProblem
from harness.results.lines import SampleLine
from harness.text import one_line
from harness.types import RunRecord, UsageInfo


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
    latency_p50: float | None = None
    latency_p99: float | None = None
    cached_tokens: int | None = None
    """Prompt tokens that were taken from the engine's prefix cache; None where no engine tells."""
    cache_hit_rate: float | None = None
    """Those by the prompt tokens of the replies for which the engine tells, 0..1."""

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

    def as_json(self) -> dict[str, Any]:
        """All figures by name."""
        shares = ("fault_share", "truncated_share", "tokens_per_sample", "steps_per_sample")
        return {name: getattr(self, name) for name in (*(item.name for item in fields(self)), *shares)}


class Counting:
    """Counts usage as lines come in; eight bytes a reply are kept."""

    def __init__(self) -> None:
        self.samples = self.faults = self.truncated = self.prompt_tokens = self.completion_tokens = 0
        self.user_prompt_tokens = self.user_completion_tokens = 0
        """Of the model that plays the user: no part of anything else here."""
        self.cached_tokens = self._told = 0
        """Prompt tokens from the cache, and all prompt tokens of the replies whose engine tells."""
        self._replies = 0
        self._seconds = array("d")

    def add(self, line: SampleLine) -> None:
        """Count one line."""
        self.samples += 1
        self.faults += line.fault is not None
        cut = False
        for step in line.steps:
            generation = step.generation
            if step.asked == "user":
                self.user_prompt_tokens += generation.prompt_tokens
                self.user_completion_tokens += generation.completion_tokens
                continue
            self._replies += 1
            self.prompt_tokens += generation.prompt_tokens
            self.completion_tokens += generation.completion_tokens
            if generation.cached_tokens is not None:
                self.cached_tokens += generation.cached_tokens
                self._told += generation.prompt_tokens
            if generation.seconds > 0:
                self._seconds.append(generation.seconds)
            cut = cut or generation.finish == "length"
        self.truncated += cut

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens as `run.json` has them: `prompt`, `completion`, `cached` where the engine tells, `user_...`."""
        more = {"cached": self.cached_tokens} if self._told else {}
        if self.user_prompt_tokens or self.user_completion_tokens:
            more |= {"user_prompt": self.user_prompt_tokens, "user_completion": self.user_completion_tokens}
        return {"prompt": self.prompt_tokens, "completion": self.completion_tokens, **more}

    def usage(self) -> Usage:
        """What was counted so far."""
        return Usage(
            samples=self.samples,
            replies=self._replies,
            faults=self.faults,
            truncated=self.truncated,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cached_tokens=self.cached_tokens if self._told else None,
            cache_hit_rate=self.cached_tokens / self._told if self._told else None,
            **_latency(self._seconds),
        )


def measure(lines: Iterable[SampleLine]) -> Usage:
    """Usage of the episodes in some lines."""
    counting = Counting()
    for line in lines:
        counting.add(line)
    return counting.usage()


def _latency(seconds: array[float]) -> dict[str, float]:
    import numpy as np

    if not seconds:
        return {}
    timed = np.frombuffer(seconds)
    p50, p95, p99 = (float(value) for value in np.percentile(timed, (50, 95, 99)))
    spread = float(timed.std(ddof=1)) if timed.size > 1 else 0.0
    named = {"latency_p50": p50, "latency_p95": p95, "latency_p99": p99}
    return {"latency_mean": float(timed.mean()), "latency_std": spread, **named}


def parse_prices(text: str, model: str | None = None) -> dict[str, float]:
    """USD for a million prompt and completion tokens.

    Args:
        text: `0.15,0.60`, or a YAML file with a line a model: `NAME: {input: 0.15, output: 0.60}`.
        model: Whose prices the file is asked for; None takes no file.

    Returns:
        Prices of `prompt` and `completion`.

    Raises:
        UsageProblem: It is not two prices, or the file has none for the model.
    """
    listed = model is not None and Path(text).is_file()
    pair = _listed(Path(text), str(model)) if listed else text.split(",")
    try:
        prompt, completion = map(float, pair)
    except (ValueError, TypeError):
        kind = "two numbers" if model is None else "two numbers, nor a file of prices"
        raise UsageProblem(f"--prices {text!r} is not {kind}", "For example --prices 0.15,0.60") from None
    if not all(math.isfinite(price) and price >= 0 for price in (prompt, completion)):
        raise UsageProblem(f"--prices {text!r}: a price is a number from 0 on", "For example --prices 0.15,0.60")
    return {"prompt": prompt, "completion": completion}


def _listed(path: Path, model: str) -> Sequence[Any]:
    """Input and output price of a model, as they stand in a file.

    Raises:
        UsageProblem: The file cannot be read, or has no prices for the model.
    """
    import yaml

    try:
        found = {str(name): prices for name, prices in yaml.safe_load(path.read_text("utf-8")).items()}
        return found[model]["input"], found[model]["output"]
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as problem:
        why = f"nothing for {problem}" if isinstance(problem, KeyError) else str(problem)
        remedy = f"It has a line a model, such as {one_line(model, 80)}: {{input: 0.15, output: 0.60}}"
        raise UsageProblem(f"--prices {path}: {one_line(why, 300)}", remedy) from None


def cost(tokens: Mapping[str, int], prices: Mapping[str, float]) -> float:
    """USD for some tokens.

    Args:
        tokens: `prompt` and `completion`.
        prices: As `parse_prices` gives them.

    Returns:
        The sum.
    """
    return (tokens["prompt"] * prices["prompt"] + tokens["completion"] * prices["completion"]) / 1e6


def account(
    counting: Counting, seconds: float, gpu_hours: float | None, prices: Mapping[str, float] | None
) -> UsageInfo:
    """What `run.json` says of a run's cost.

    Args:
        counting: Its replies.
        seconds: Wall-clock seconds in which they were made.
        gpu_hours: GPUs times hours; None on machines without, and for servers.
        prices: As `parse_prices` gives them.

    Returns:
        The figures; None where one is not known.
    """
    used = counting.usage()
    return UsageInfo(
        latency_mean=used.latency_mean,
        latency_p50=used.latency_p50,
        latency_p95=used.latency_p95,
        latency_p99=used.latency_p99,
        cache_hit_rate=used.cache_hit_rate,
        samples_per_second=used.samples / seconds if seconds else None,
        tokens_per_second=used.completion_tokens / seconds if seconds else None,
        gpu_hours=gpu_hours,
        prices=prices,
        usd=cost(counting.tokens, prices) if prices else None,
    )


def recorded_prices(record: RunRecord) -> Mapping[str, float] | None:
    """Prices from a run's record; None where there are none that can be used."""
    prices = record.usage.prices or {}
    usable = all(isinstance(prices.get(name), int | float) for name in ("prompt", "completion"))
    return prices if usable else None

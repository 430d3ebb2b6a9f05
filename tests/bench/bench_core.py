"""What the harness itself costs: start-up of the command line, and everything around the engine for each sample.

The engine answers at once. On the toy benchmark that leaves the runner and the store; on BFCL it includes loading and
hashing the data, rendering prompts, decoding and judging. fsync is reported apart: what it costs is the disk's. Time in
which other programs had the processor is not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.errors import DataError
from harness.results import store
from harness.running.plan import RunSpec
from harness.running.runner import run
from harness.running.selection import resolve
from harness.types import Completion, EngineSettings, Generation, Prompt, RequestKey, Sample, Sampling
from tests.toy import Toy, install

SAMPLES = 4000
TEXT = (
    "<think>\n"
    + "The user wants the weather in Bern, so one call is enough. " * 20
    + "\n</think>\n\n[weather(city='Bern')]"
)


class Large(Toy):
    """The toy benchmark with as many samples as a real one, which cost next to nothing to play and to judge."""

    def load(self, categories: Sequence[str]) -> Iterable[Sample[Any]]:
        (sample,) = (each for each in super().load(("echo",)) if each.id == "echo_0")
        return [replace(sample, id=f"echo_{i}") for i in range(SAMPLES)]


class Instant:
    """An engine that has answered already."""

    version, slots = "1", 64

    def __init__(self) -> None:
        self.out: list[Completion] = []

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        self.out.append(Completion(key, Generation(TEXT, prompt_tokens=500, completion_tokens=300)))

    def collect(self) -> Sequence[Completion]:
        out, self.out = self.out, []
        return out

    def close(self) -> None:
        pass


def undisturbed() -> float:
    """Wall-clock seconds without those in which this thread was ready and waited for a processor."""
    try:
        waited = int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    except OSError:
        waited = 0  # Only Linux tells.
    return time.perf_counter() - waited / 1e9


def measure(spec: RunSpec) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and seconds within fsync of one run."""
    synced = 0.0
    real: Callable[[int], None] = os.fsync

    def timed(handle: int) -> None:
        nonlocal synced
        began = undisturbed()
        real(handle)
        synced += undisturbed() - began

    os.fsync = timed
    wall, cpu = undisturbed(), time.process_time()
    try:
        run(spec)
    finally:
        os.fsync = real
    return undisturbed() - wall, time.process_time() - cpu, synced


def overhead(benchmark: str, categories: Sequence[str]) -> list[list[Any]]:
    """The rows of a fresh run, of a run in which all is cached, and of reading its lines."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        settings = EngineSettings("instant")
        spec = RunSpec(settings, benchmark, tuple(categories), engine="scripted", handler="prompt", output=Path(folder))
        costs = [("fresh run", measure(spec)), ("all cached", measure(spec))]
        wall, cpu = undisturbed(), time.process_time()
        n = sum(1 for _ in store.read_samples(store.find_runs(Path(folder))[0]))
        costs.append(("read lines", (undisturbed() - wall, time.process_time() - cpu, 0.0)))
        for what, (wall, cpu, synced) in costs:
            rows.append([f"{benchmark} ({n}): {what}", *(1000 * each / n for each in (wall - synced, cpu, synced))])
    return rows


def rows() -> list[list[Any]]:
    """Overhead on the toy benchmark and, where its data is at hand, on all of BFCL's single-turn samples."""
    import harness.engines.scripted as scripted

    scripted.Reciting = lambda *_: Instant()  # type: ignore[misc,assignment]
    install(Large())
    found = overhead("toy", ("echo",))
    try:
        found += overhead("bfcl", resolve(["single_turn"])["bfcl"])
    except DataError as error:
        print(f"without BFCL: {error}")
    return found


def help_seconds(times: int = 9) -> float:
    """Median wall seconds of `harness --help`, after one that fills the file cache."""
    found = []
    for _ in range(times + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "harness.cli", "--help"], check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - began)
    return statistics.median(found[1:])


def main() -> None:
    """Print both."""
    print(f"harness --help: {help_seconds():.3f} s (target < 0.25 s)\n")
    print(tabulate(rows(), ["ms a sample", "wall without fsync (target < 0.3)", "CPU", "fsync"], floatfmt=".3f"))


if __name__ == "__main__":
    main()

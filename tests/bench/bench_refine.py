"""Refinement against a loopback judge of fixed latency: share of the ideal rate, memory from 5,000 to 60,000, resume.

Ideal: `SLOTS` calls every `LATENCY` seconds. Memory and resume are measured with a judge that answers at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate

from tests.bench.fixed_server import fixed_server

LATENCY, SLOTS, RECORDS, STAGES = 0.25, 64, 5000, 5
ROW = {
    "messages": [{"role": "user", "content": "Weather in Oslo for three days?"}],
    "tools": [{"name": "weather", "description": "", "parameters": {"type": "dict", "properties": {}, "required": []}}],
    "think": "Oslo, three days.",
    "answer": "[weather(city='Oslo', days=3)]",
}
REPLY = json.dumps({"reason": "fine", "verdict": "yes"})
PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from refine.run import Settings, run
source, output, engine, options, urls, slots = sys.argv[1:]
began, urls = time.perf_counter(), tuple(urls.split())
run(Settings(source, Path(output), ("judge",), engine, urls, json.loads(options), concurrency=int(slots)))
seconds, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "megabytes": peak}))
"""


def refined(source: Path, output: Path, engine: str, options: dict[str, object], url: str = "") -> dict[str, float]:
    """Refine in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, str(source), str(output), engine, json.dumps(options), url, str(SLOTS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def source_of(folder: Path, number: int) -> Path:
    """A file of so many examples that differ in id and query."""
    path = folder / f"{number}.jsonl"
    with path.open("w") as file:
        for n in range(number):
            message = {"role": "user", "content": f"{ROW['messages'][0]['content']} Request {n}."}
            file.write(json.dumps(ROW | {"id": str(n), "messages": [message]}) + "\n")
    return path


def main() -> None:
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = source_of(folder, RECORDS)
        with fixed_server(LATENCY, REPLY) as url:
            got = refined(source, folder / "served", "openai", {}, url)
        ideal = RECORDS * STAGES / SLOTS * LATENCY
        rows.append(("share of the ideal rate, 5,000 records", f"{ideal / got['seconds']:.3f}", "at least 0.95"))
        instant = {"default": REPLY, "slots": SLOTS, "delay": 0.0}
        peaks = {n: refined(source_of(folder, n), folder / f"out-{n}", "scripted", instant) for n in (RECORDS, 60000)}
        for number, got in peaks.items():
            rows.append((f"peak memory, {number:,} records", f"{got['megabytes']:.0f} MB", "flat"))
        rows.append(("records a second, instant judge", f"{60000 / peaks[60000]['seconds']:.0f}", ""))
        began = time.perf_counter()
        refined(folder / "60000.jsonl", folder / "out-60000", "scripted", instant)
        rows.append(("resume on 60,000 finished records", f"{time.perf_counter() - began:.2f} s", "under 5 s"))
    print(tabulate(rows, headers=("refine", "measured", "target")))


if __name__ == "__main__":
    main()

"""The openai engine against a loopback server of fixed latency: what share of the ideal rate it reaches.

Ideal: `concurrency` replies every `LATENCY` seconds. The server runs in a process of its own and does next to nothing.
"""

from __future__ import annotations

import time

from tabulate import tabulate

from harness.engines.openai import PLUGIN
from harness.types import EngineSettings, Prompt, RequestKey, Sampling
from tests.bench.fixed_server import fixed_server

LATENCY = 1.0
CONCURRENCY = 256
ROUNDS = 12


def main() -> None:
    """Print the share of the ideal rate."""
    with fixed_server(LATENCY, "[f(a=1)]") as url:
        session = PLUGIN.open(EngineSettings("m", base_urls=(url,), concurrency=CONCURRENCY))
        prompt = Prompt(({"role": "system", "content": "x" * 2000}, {"role": "user", "content": "Hi"}))
        total, answered = CONCURRENCY * ROUNDS, 0
        began, cpu = time.perf_counter(), time.process_time()
        # As the runner does: as many in flight as there are slots, one more for each that comes back.
        for step in range(CONCURRENCY):
            session.submit(RequestKey("a", 0, step), prompt, Sampling())
        sent = CONCURRENCY
        while answered < total:
            for completion in session.collect():
                assert completion.generation, completion.fault
                answered += 1
                if sent < total:
                    session.submit(RequestKey("a", 0, sent), prompt, Sampling())
                    sent += 1
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        session.close()
    ideal = CONCURRENCY / LATENCY
    row = [CONCURRENCY, LATENCY, total / seconds, ideal, f"{total / seconds / ideal:.1%}", 1000 * cpu / total]
    header = ["in flight", "latency s", "replies/s", "ideal", "share (>= 95%)", "CPU ms a reply"]
    print(tabulate([row], header, floatfmt=".2f"))


if __name__ == "__main__":
    main()

"""Time of `compare`, `leaderboard` and `view` on runs of full size, and the error rates of the release gate.

The commands are timed whole, start-up included. The gate is simulated: pairs are drawn in which the candidate loses
and gains items at given rates, and the verdict of a `max_drop` rule is counted.
"""

from __future__ import annotations

import queue
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from tabulate import tabulate

from harness.analysis.gating import decide
from harness.stats import paired
from tests import synthetic_runs
from tests.synthetic_runs import biased

SIZES = (200, 1000, 4441)
DROPS = (-0.02, 0.0, 0.01, 0.02, 0.05, 0.10)
"""True drops of accuracy; negative is a gain."""
MARGIN, CONFIDENCE, CHURN = 0.02, 0.95, 0.08
"""Of the rule, and the share of items that flip for no reason: between two checkpoints of one model."""
TRIALS = 4000
WORDS = [f"{a}{b}" for a in ("ta", "so", "mi", "re", "fu", "la") for b in ("n", "ke", "vor", "dis", "lum", "p")]


def thinking(index: int) -> str:
    """A reply of FunReason's mean length, about 350 tokens of thinking, that compresses no better than prose."""
    rng = random.Random(index)
    return " ".join(rng.choices(WORDS, k=330)) + "\n</think>\n\n[f(a=1)]"


def gate_verdicts(n: int, drop: float, rng: np.random.Generator) -> dict[str, float]:
    """Shares of the three verdicts over many candidates with one true drop."""
    lost, gained = (CHURN + abs(drop) + drop) / 2, (CHURN + abs(drop) - drop) / 2
    counts = {"pass": 0, "inconclusive": 0, "fail": 0}
    for a, b, same in rng.multinomial(n, [lost, gained, 1 - lost - gained], size=TRIALS):
        sums = np.repeat([-1.0, 1.0, 0.0], [a, b, same])
        counts[decide(paired.paired_interval(sums, np.ones(n), 2 * CONFIDENCE - 1), -MARGIN)] += 1
    return {name: count / TRIALS for name, count in counts.items()}


def gate_table() -> str:
    """Verdicts by size and true drop."""
    rng, rows = np.random.default_rng(0), []
    for n in SIZES:
        for drop in DROPS:
            found = gate_verdicts(n, drop, rng)
            rows.append([n, f"{-100 * drop:+.0f}", *(f"{100 * share:.1f} %" for share in found.values())])
    title = f"gate: max_drop {MARGIN}, confidence {CONFIDENCE}, {100 * CHURN:.0f} % of items flip for no reason"
    return f"{title}\n{tabulate(rows, ['n', 'true change', 'pass', 'inconclusive', 'fail'])}"


def timed(*arguments: str) -> tuple[float, float]:
    """Wall and CPU seconds of one command, the better of two; on a busy machine only the CPU seconds mean something."""
    found = []
    for _ in range(2):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "harness.cli", *arguments], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((time.perf_counter() - began, used))
    return min(found)


PROBE = """<script>addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(
    () => fetch("/drawn/" + performance.now()))))</script>"""


def drawn(page: Path) -> float | None:
    """Seconds from navigation until the overview is on the screen of a headless Chromium, None without one."""
    browser = shutil.which("chromium")
    if browser is None:
        return None
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', PROBE, page.read_text()).encode()
    told: queue.Queue[str] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/drawn/"):
                told.put(self.path.rsplit("/", 1)[1])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(html if self.path == "/" else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [browser, *flags.split(), "--disable-component-update", "--disable-sync"]
        command += [f"--user-data-dir={page.with_name('profile')}", f"http://127.0.0.1:{server.server_port}/"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return float(told.get(timeout=60)) / 1000
        finally:
            process.terminate()
            process.wait()
            server.shutdown()


def main() -> None:
    """Print both tables."""
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        runs = [synthetic_runs.write(root / "two", "m", synthetic_runs.ALL, biased(i, 0.7 + i / 20)) for i in (0, 1)]
        rows.append(["compare of two 4,441-item runs", *timed("compare", *map(str, runs)), "2 s"])
        for i in range(70):
            synthetic_runs.write(root / "many", f"model-{i:02}", {"simple_python": 40, "multiple": 40}, biased(i, 0.7))
        seconds = timed("leaderboard", str(root / "many"), "-o", str(root / "out"))
        rows.append(["leaderboard of 70 runs", *seconds, "5 s"])
        sizes = {"simple_python": 400, "multiple": 163, "live_multiple": 1053, "live_irrelevance": 884}
        run = synthetic_runs.write(root / "big", "m", sizes, biased(1, 0.6), thinking, repeats=2, handler="funreason")
        page = root / "report.html"
        rows.append(["report of 5,000 samples", *timed("view", "bundle", str(run), "-o", str(page)), "3 s"])
        rows.append(["  its size, MB", page.stat().st_size / 1e6, "", "6 MB"])
        rows.append(["  until its overview is drawn", drawn(page), "", "1.5 s"])
    print(tabulate(rows, ["", "wall", "CPU", "wanted below"], floatfmt=".2f", missingval="no Chromium"))
    print(f"\n{gate_table()}")


if __name__ == "__main__":
    main()

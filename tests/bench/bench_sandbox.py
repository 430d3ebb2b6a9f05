"""Judging programs against `evalplus.evaluate`: time, memory and verdicts on the same samples in the same run.

Both are timed as whole commands with their expected outputs cached, by the clock and in CPU seconds of all their
processes; `floor` is the CPU time of the reference programs alone, run on the same inputs in this process. `--all`
adds MBPP+, EvalPlus's default settings, cold caches and, for the stability of verdicts, two more runs of ours, the last
beside a busy process on each processor (about half an hour on two processors).
"""

from __future__ import annotations

import argparse
import json
import marshal
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from harness.benchmarks.evalplus import data
from harness.benchmarks.evalplus.expected import PARTS, inputs
from harness.data import datasets
from tests.benchmarks.evalplus.mutants import mutants
from tests.processes import tree

WORKERS = 2
KNOWN = {
    "HumanEval/32": "evalplus 0.3.1 fails every program (mended upstream, unreleased)",
    "Mbpp/255": "evalplus runs out of time on a list of two million tuples",
    "Mbpp/392": "evalplus's memory limit counts what the program inherits from its own process",
}
MUTATED = ("off by one", "raises later", "endless later", "memory", "sleeps a little", "wrong later", "exits hard")
MUTATED_SHARE = 0.4
Status = dict[str, list[tuple[str, str]]]


class Run(NamedTuple):
    """One timed command."""

    seconds: float
    cpu: float
    """Seconds of all its processes, user and system."""
    memory: int
    """Peak of the whole process tree, shared pages counted once, in bytes."""
    statuses: Status


def canonical(benchmark: str) -> list[tuple[str, str]]:
    """The reference programs."""
    return [(problem.task_id, problem.reference) for problem in data.problems(benchmark).values()]


def mutated(benchmark: str) -> list[tuple[str, str]]:
    """The reference programs, two in five of them broken."""
    rng = random.Random(0)
    samples = []
    for problem in data.problems(benchmark).values():
        broken = mutants(problem.entry_point, problem.reference)[rng.choice(MUTATED)]
        samples.append((problem.task_id, broken if rng.random() < MUTATED_SHARE else problem.reference))
    return samples


def cheap(benchmark: str) -> list[tuple[str, str]]:
    """Five programs a task that end at once."""
    programs = [f"def {{name}}(*arguments):\n    return {value}" for value in ("None", "0", "''", "[]", "True")]
    return [
        (problem.task_id, program.format(name=problem.entry_point))
        for problem in data.problems(benchmark).values()
        for program in programs
    ]


def write(samples: Sequence[tuple[str, str]], folder: Path) -> Path:
    """A sample file of its own, so that neither side finds results of an earlier run."""
    file = Path(tempfile.mkdtemp(dir=folder)) / "samples.jsonl"
    file.write_text("".join(json.dumps({"task_id": name, "solution": code}) + "\n" for name, code in samples))
    return file


def timed(command: Sequence[str], environment: Mapping[str, str], results: Path) -> Run:
    """Run a command and read the results file it wrote."""
    began = time.monotonic()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=quiet, stderr=quiet)
    peak, before = [0], _children_seconds()
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    code = process.wait()
    seconds, cpu = time.monotonic() - began, _children_seconds() - before
    watcher.join()
    if not results.is_file():
        raise SystemExit(f"exit code {code}: {' '.join(command)}")
    rows = json.loads(results.read_text())["eval"]
    found = {name: [(row["base_status"], row["plus_status"]) for row in tries] for name, tries in rows.items()}
    return Run(seconds, cpu, peak[0], found)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_memory(one) for one in tree(process.pid)))
        time.sleep(0.5)


def _memory(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def theirs(benchmark: str, samples: Sequence[tuple[str, str]], folder: Path, *flags: str, cold: bool = False) -> Run:
    """`evalplus.evaluate`."""
    file = write(samples, folder)
    cache = tempfile.mkdtemp(dir=folder) if cold else str(folder / "evalplus")
    command = [sys.executable, "-m", "evalplus.evaluate", "--dataset", benchmark, "--samples", str(file), *flags]
    return timed(command, {"XDG_CACHE_HOME": cache}, file.with_name("samples_eval_results.json"))


def ours(samples: Sequence[tuple[str, str]], folder: Path, *, cold: bool = False) -> Run:
    """`harness score --from-evalplus`."""
    file = write(samples, folder)
    cache = tempfile.mkdtemp(dir=folder) if cold else str(folder / "harness")
    command = [sys.executable, "-m", "harness.cli", "score", "--from-evalplus", str(file), "-o", str(file.parent)]
    return timed(command, {"HARNESS_CACHE": cache}, file.with_name("samples_eval_results.json"))


def floor(benchmark: str) -> float:
    """CPU seconds of the reference programs on all inputs, nothing else."""
    total = 0.0
    for problem in data.problems(benchmark).values():
        for part in PARTS:
            scope: dict[str, Any] = {}
            exec(problem.reference, scope)  # noqa: S102 - the data set's own programs
            function = scope[problem.entry_point]
            copies = marshal.loads(marshal.dumps([list(item) for item in inputs(problem, part)]))
            began = time.process_time()
            for arguments in copies:
                function(*arguments)
            total += time.process_time() - began
    return total


def differing(left: Status, right: Status) -> list[str]:
    """Tasks with another outcome, as a person would count them."""
    return [
        name
        for name in left
        if [[part == "pass" for part in row] for row in left[name]]
        != [[part == "pass" for part in row] for row in right[name]]
    ]


def moved(samples: Sequence[tuple[str, str]], folder: Path) -> list[str]:
    """Tasks whose outcome is not the same in three of our runs, the last on busy processors."""
    quiet = [ours(samples, folder).statuses for _ in range(2)]
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
    try:
        last = ours(samples, folder).statuses
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return sorted({*differing(quiet[0], quiet[1]), *differing(quiet[0], last)})


def compare(title: str, benchmark: str, samples: Sequence[tuple[str, str]], folder: Path) -> list[Any]:
    """One row of the table."""
    peer = theirs(benchmark, samples, folder, "--parallel", str(WORKERS))
    own = ours(samples, folder)
    unknown = [name for name in differing(peer.statuses, own.statuses) if name not in KNOWN]
    return [title, *_times(peer, own), f"{peer.memory / 2**30:.2f}", f"{own.memory / 2**30:.2f}", _listed(unknown)]


def _times(peer: Run, own: Run) -> list[str]:
    pairs = ((peer.seconds, own.seconds), (peer.cpu, own.cpu))
    return [cell for a, b in pairs for cell in (f"{a:.1f}", f"{b:.1f}", f"{a / b:.2f}x")]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") or "none"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true")
    everything = parser.parse_args().all
    files = {name: datasets.path(name) for name in data.DATA_SETS.values()}
    os.environ["HUMANEVAL_OVERRIDE_PATH"] = str(files["humaneval_plus"])
    os.environ["MBPP_OVERRIDE_PATH"] = str(files["mbpp_plus"])
    benchmarks = ("humaneval", "mbpp") if everything else ("humaneval",)
    print(f"load average {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} processors, {WORKERS} used")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows, floors = [], []
        for benchmark in benchmarks:
            samples = canonical(benchmark)
            theirs(benchmark, samples, folder, "--parallel", str(WORKERS))
            ours(samples, folder)
            rows.append(compare(f"{benchmark}: canonical", benchmark, samples, folder))
            least, used = floor(benchmark), rows[-1][5]
            floors.append([benchmark, f"{least:.1f}", used, f"{float(used) / least:.2f}"])
            rows.append(compare(f"{benchmark}: 40 % mutated", benchmark, mutated(benchmark), folder))
            if benchmark == "humaneval":
                rows.append(compare(f"{benchmark}: five cheap a task", benchmark, cheap(benchmark), folder))
            if everything:
                peer = theirs(benchmark, samples, folder)
                own = ours(samples, folder)
                rows.append([f"{benchmark}: canonical, EvalPlus's defaults", *_times(peer, own)])
                peer = theirs(benchmark, samples, folder, "--parallel", str(WORKERS), cold=True)
                rows.append([f"{benchmark}: canonical, cold caches", *_times(peer, ours(samples, folder, cold=True))])
                for kind, programs in (("canonical", samples), ("mutated", mutated(benchmark))):
                    print(
                        f"{benchmark}, {kind}: verdicts that differ in three runs: {_listed(moved(programs, folder))}"
                    )
        measures = ["evalplus s", "ours s", "ratio", "evalplus CPU s", "ours CPU s", "ratio"]
        headers = ["samples", *measures, "evalplus GiB", "ours GiB", "unexplained differences"]
        print(tabulate(rows, headers, disable_numparse=True))
        print(tabulate(floors, ["canonical", "floor CPU s", "ours CPU s", "over the floor"], disable_numparse=True))
    for name, reason in KNOWN.items():
        print(f"known difference {name}: {reason}")


if __name__ == "__main__":
    main()

"""BFCL beside the official package: wall-clock of scoring a result folder, judging by CPU second, peak memory.

Both sides score the same files: recorded replies where `SHARED_DATA` has them, else the ground truth given back.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.benchmarks.bfcl import data, judge, official
from tests.bench import official as peer

ROUNDS = 3
PADDING = "x" * 20_000
"""Put into every line where memory is measured, so that a reader which keeps lines shows it."""

MEASURED = """
import resource, runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module("harness.cli", run_name="__main__")
except SystemExit:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

THEIRS = """
import json, sys, time
from bfcl_eval.constants.enums import Language, ReturnFormat
from bfcl_eval.eval_checker import eval_runner as runner
from bfcl_eval.utils import is_java, is_js, is_relevance_or_irrelevance, load_dataset_entry, load_ground_truth_entry
results, name = json.load(open(sys.argv[1])), sys.argv[2]
handler = runner.get_handler(name)
seconds = passed = 0
for category, records in results.items():
    questions = load_dataset_entry(category, include_prereq=False, include_language_specific_hint=False)
    answers = [None] * len(questions) if is_relevance_or_irrelevance(category) else load_ground_truth_entry(category)
    by_id = {question["id"]: pair for pair in zip(questions, answers) for question in pair[:1]}
    language = "JAVA" if is_java(category) else "JAVASCRIPT" if is_js(category) else "PYTHON"
    began = time.process_time()
    for record in records:
        question, answer = by_id[record["id"]]
        if answer is None:
            verdict = runner._evaluate_single_relevance_entry(
                handler, record["id"], record["result"], question, name, category)
        else:
            verdict = runner._evaluate_single_ast_entry(
                handler, record["id"], record["result"], answer["ground_truth"], question, name, category,
                language=Language[language], return_format=ReturnFormat[language])
        passed += verdict["valid"]
    seconds += time.process_time() - began
print(json.dumps([seconds, passed]))
"""


def results() -> dict[str, list[dict[str, Any]]]:
    """Result records of all single-turn items by category, native calls, names without dots."""
    found: dict[str, list[dict[str, Any]]] = {category: [] for category in data.SINGLE_TURN}
    file = Path(os.environ.get("SHARED_DATA", "../shared/data")) / "bfcl-oracle" / "gptoss_single_turn.jsonl.gz"
    if file.exists():
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for case in map(json.loads, lines):
                found[case["category"]].append(_record(case["id"], case["raw"]))
        return found
    for category, records in found.items():
        for question, expected in zip(data.questions(category), data.answers(category), strict=True):
            calls = [next(iter(call.items())) for call in expected]
            raw = [
                {name.replace(".", "_"): json.dumps({key: values[0] for key, values in accepted.items() if values})}
                for name, accepted in calls
            ]
            records.append(_record(question["id"], raw))
    return found


def _record(sample_id: str, raw: Any) -> dict[str, Any]:
    latency = 1 + len(sample_id) / 100
    return {"id": sample_id, "result": raw, "input_token_count": 500, "output_token_count": 50, "latency": latency}


def write(root: Path, found: dict[str, list[dict[str, Any]]], share: float = 1, **extra: Any) -> None:
    """Write the records, or the first share of each category, as an official result folder."""
    folder = root / "result" / peer.REGISTERED
    for category, records in found.items():
        part = records[: max(1, round(len(records) * share))]
        official.write_results(folder, category, [record | extra for record in part])


def score(root: Path, *options: str) -> None:
    """Run `harness score` on the folder in a process of its own."""
    command = [Path(sys.executable).parent / "harness", "score", "--from-bfcl", root / "result" / peer.REGISTERED]
    options = ("--mode", "fc", "--underscore-names", "--partial", *options)
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seconds(action: Callable[[], None]) -> tuple[float, float]:
    """Median wall-clock and CPU seconds of a child process over the rounds."""
    walls, cpus = [], []
    for _ in range(ROUNDS):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        action()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        walls.append(time.perf_counter() - began)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls), statistics.median(cpus)


def judged_by_us(found: dict[str, list[dict[str, Any]]]) -> tuple[float, int]:
    """CPU seconds to judge all records in this process, data loaded before, and how many pass."""
    passed, spent = 0, 0.0
    for records in found.values():
        judge(records[0]["id"], records[0]["result"], mode="fc")
        began = time.process_time()
        for record in records:
            passed += judge(record["id"], record["result"], mode="fc", underscore_names=True).outcome == "pass"
        spent += time.process_time() - began
    return spent, passed


def judged_by_them(root: Path, found: dict[str, list[dict[str, Any]]]) -> tuple[float, int]:
    """The same in a process of the official package."""
    (root / "results.json").write_text(json.dumps(found))
    python = peer.environment() / "bin" / "python"
    command = [python, "-c", THEIRS, root / "results.json", peer.REGISTERED]
    done = subprocess.run(command, env=peer.variables(root), capture_output=True, text=True, check=True)
    spent, passed = json.loads(done.stdout.splitlines()[-1])
    return spent, passed


def peak_memory(root: Path) -> float:
    """Peak resident megabytes of `harness score` on a folder."""
    arguments = ["harness", "score", "--from-bfcl", root / "result", "--mode", "fc", "--underscore-names", "--partial"]
    done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def disagreements(root: Path, categories: Iterable[str]) -> int:
    """Failed items and error types on which the two sets of score files differ."""
    differing = 0
    for category in categories:
        sides = []
        for folder in ("score", "ours"):
            lines = official.file_of(root / folder / peer.REGISTERED, category, "score").read_text().splitlines()[1:]
            sides.append({(failure["id"], failure["error_type"]) for failure in map(json.loads, lines)})
        differing += len(sides[0] ^ sides[1])
    return differing


def main() -> None:
    """Print the table."""
    found = results()
    items = sum(map(len, found.values()))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, found)
        their_wall, their_cpu = seconds(lambda: peer.evaluate(root, ["single_turn"]))
        our_wall, our_cpu = seconds(lambda: score(root, "-o", str(root / "ours")))
        our_judging, our_passed = min(judged_by_us(found) for _ in range(ROUNDS))
        their_judging, their_passed = min(judged_by_them(root, found) for _ in range(ROUNDS))
        differing = disagreements(root, found)
        small, large = root / "small", root / "large"
        write(small, found, 0.1, reasoning_content=PADDING)
        write(large, found, reasoning_content=PADDING)
        memory = peak_memory(small), peak_memory(large)
    rows = [
        ("command, wall-clock s", their_wall, our_wall, their_wall / our_wall),
        ("command, CPU s", their_cpu, our_cpu, their_cpu / our_cpu),
        ("judging, items a CPU s", items / their_judging, items / our_judging, their_judging / our_judging),
    ]
    print(tabulate(rows, (f"{items} single-turn items", "official", "harness", "ratio"), floatfmt=".2f"))
    print(f"passed: official {their_passed}, harness {our_passed}; score files differ in {differing} items")
    print(f"peak memory of harness score: {memory[0]:.0f} MB for a tenth of the lines, {memory[1]:.0f} MB for all")


if __name__ == "__main__":
    main()

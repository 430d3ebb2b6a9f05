"""Multi-turn: judging beside the official evaluator, and how close a run comes to its ideal time.

Both sides judge the same results: recorded ones where `SHARED_DATA` has them, else the ground truth, a step a turn.
Imports are not counted; loading questions and answers is shown apart.
"""

from __future__ import annotations

import ast
import gzip
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.benchmarks.bfcl import data, multi_turn
from harness.benchmarks.bfcl.multi_turn import modules, world
from harness.running.plan import RunSpec
from harness.running.runner import run
from harness.types import EngineSettings
from tests.bench import official as peer

CATEGORIES = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param")
SIDES = ("ours", "theirs")
ROUNDS = 3
"""The best of each side counts."""
SLOTS, DELAY = 32, 0.02

THEIRS = """
import contextlib, io, json, sys, time
from pathlib import Path
from bfcl_eval.constants.executable_backend_config import CLASS_FILE_PATH_MAPPING
from bfcl_eval.eval_checker import eval_runner
from bfcl_eval.utils import load_dataset_entry, load_ground_truth_entry
import importlib
[importlib.import_module(module) for module in list(CLASS_FILE_PATH_MAPPING.values())[:8]]
results, registered = json.load(open(sys.argv[1])), sys.argv[2]
handler = eval_runner.get_handler(registered)
load = score = passed = 0
for category, lines in results.items():
    began = time.process_time()
    questions, answers = load_dataset_entry(category), load_ground_truth_entry(category)
    loaded = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        accuracy, count = eval_runner.multi_turn_runner(
            handler, lines, questions, answers, registered, category, Path(sys.argv[1]).parent)
    load, score = load + loaded - began, score + time.process_time() - loaded
    passed += round(accuracy * count)
print(json.dumps([load, score, passed]))
"""


def recorded() -> dict[str, list[dict[str, Any]]]:
    """Result lines by category, native calls."""
    file = Path(os.environ.get("SHARED_DATA", "../shared/data")) / "bfcl-oracle" / "gptoss_multi_turn.jsonl.gz"
    found: dict[str, list[dict[str, Any]]] = {category: [] for category in CATEGORIES}
    if file.exists():
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for case in map(json.loads, lines):
                found[case["category"]].append({"id": case["id"], "result": case["raw"]})
        return found
    for category in CATEGORIES:
        for record, expected in zip(data.questions(category), data.answers(category), strict=True):
            result = [[[_native(call) for call in turn]] for turn in expected]
            found[category].append({"id": record["id"], "result": result})
    return found


def _native(call: str) -> dict[str, str]:
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    return {ast.unparse(node.func): json.dumps({key.arg: ast.literal_eval(key.value) for key in node.keywords})}


def ours(results: dict[str, list[dict[str, Any]]]) -> tuple[float, float, int]:
    """CPU seconds to load and to judge, and how many pass."""
    for name in data.FUNCTION_DOCS.values():
        if not name.startswith(("memory", "web")):
            modules.load(name)
    for category in CATEGORIES:
        data.answer(results[category][0]["id"])
    began = time.process_time()
    for category in CATEGORIES:
        data.records(data.package() / "data" / f"BFCL_v4_{category}.json")
        data.records(data.package() / "data" / "possible_answer" / f"BFCL_v4_{category}.json")
    loaded = time.process_time()
    world._kept.cache_clear()  # nothing is known from the round before
    verdicts = [multi_turn.judge(line["id"], line["result"], mode="fc") for lines in results.values() for line in lines]
    return loaded - began, time.process_time() - loaded, sum(verdict.outcome == "pass" for verdict in verdicts)


def theirs(results: dict[str, list[dict[str, Any]]]) -> tuple[float, float, int]:
    """The same of the official package."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        file.write_text(json.dumps(results))
        command = [peer.environment() / "bin" / "python", "-c", THEIRS, file, peer.REGISTERED]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=peer.variables(Path(folder)))
    load, score, passed = json.loads(done.stdout.splitlines()[-1])
    return load, score, passed


def judging() -> None:
    """Items per CPU second of both sides."""
    results = recorded()
    n = sum(map(len, results.values()))
    rounds = [(ours(results), theirs(results)) for _ in range(ROUNDS)]
    sides = {side: min((row[place] for row in rounds), key=lambda row: row[1]) for place, side in enumerate(SIDES)}
    rows = [
        [side, n, passed, load, score, n / score, n / (load + score)] for side, (load, score, passed) in sides.items()
    ]
    heads = ("judging", "items", "passed", "load CPU s", "judge CPU s", "items/CPU s", "with loading")
    print(tabulate(rows, headers=heads, floatfmt=".3g"))
    print(f"ratio: {rows[0][5] / rows[1][5]:.1f} judging, {rows[0][6] / rows[1][6]:.1f} with loading (aim: 5)")


def playing() -> None:
    """A run of 200 items on a scripted engine against the time it could take at best."""
    script = {
        record["id"]: [text for turn in expected for text in [*([f"[{call}]" for call in turn]), "Done."]]
        for record, expected in zip(data.questions(CATEGORIES[0]), data.answers(CATEGORIES[0]), strict=True)
    }
    replies = sum(map(len, script.values()))
    ideal = DELAY * max(max(map(len, script.values())), replies / SLOTS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.json"
        file.write_text(json.dumps(script))
        settings = EngineSettings("scripted", options={"script": str(file), "delay": DELAY, "slots": SLOTS})
        spec = RunSpec(settings, "bfcl", CATEGORIES[:1], engine="scripted", handler="prompt", output=Path(folder))
        began = time.perf_counter()
        score = run(spec).scores[CATEGORIES[0]]
        took = time.perf_counter() - began
    heads = ("playing", "replies", "passed", "ideal s", "took s", "ratio (aim: 1.3)")
    print(tabulate([[score.judged, replies, score.passed, ideal, took, took / ideal]], headers=heads, floatfmt=".3g"))


def main() -> None:
    """Print both tables."""
    judging()
    print()
    playing()


if __name__ == "__main__":
    main()

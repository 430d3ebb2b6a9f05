"""EvalPlus's own files.

    samples.jsonl               {"task_id": "HumanEval/0", "solution": "def has_close_elements..."}   a line each
    samples/HumanEval_0/0.py    the same as a folder
    samples_eval_results.json   {"date": ..., "hash": ..., "eval": {"HumanEval/0": [{"base_status": "pass", ...}]}}

A line may hold `completion` in place of `solution`: the problem's prompt goes before it. Formats: `load_solutions` in
evalplus/data/utils.py and `evaluate` in evalplus/evaluate.py (0.3.1).
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from harness.benchmarks.evalplus import data
from harness.data import datasets
from harness.errors import UsageProblem
from harness.protocols import Report
from harness.text import first_line
from harness.types import Verdict

_FOLDER = re.compile(r"(HumanEval|Mbpp)_(\d+)")


class Program(NamedTuple):
    """One program of a sample file."""

    task_id: str
    solution: str


def read_samples(path: Path, report: Report) -> Iterator[Program]:
    """Read programs; what cannot be used is reported and passed over.

    Args:
        path: A `.jsonl` or `.jsonl.gz` file, or a folder of `HumanEval_0/0.py`.
        report: Told about each line that is not a sample of a known task.

    Yields:
        Programs in the file's order, in a folder by task and number.
    """
    for where, row in _folder(path, report) if path.is_dir() else _lines(path, report):
        problem = _problem(row, where, report)
        if problem is None:
            continue
        solution, completion = row.get("solution"), row.get("completion")
        if isinstance(solution, str):
            yield Program(problem.task_id, solution)
        elif isinstance(completion, str):
            yield Program(problem.task_id, problem.prompt + completion)
        else:
            report(f"{where}: neither `solution` nor `completion` is a text")


def _problem(row: Any, where: str, report: Report) -> data.Problem | None:
    if not isinstance(row, dict) or not isinstance(row.get("task_id"), str):
        report(f"{where}: no `task_id`")
        return None
    try:
        return data.problem(row["task_id"])
    except UsageProblem as error:
        report(f"{where}: {first_line(error)}")
        return None


def _lines(path: Path, report: Report) -> Iterator[tuple[str, Any]]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                text = line.removeprefix(codecs.BOM_UTF8)  # also of files that were joined
                if not text.strip():
                    continue
                try:
                    yield f"{path}:{number}", json.loads(text.decode("utf-8"), parse_int=float)  # of any length
                except (ValueError, RecursionError) as error:
                    report(f"{path}:{number}: not JSON ({error})")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageProblem(
            f"{path} cannot be read: {error}", "Give EvalPlus's samples as .jsonl or a folder."
        ) from error


def _folder(path: Path, report: Report) -> Iterator[tuple[str, Any]]:
    """Programs of a folder; other folders in it are passed over, as EvalPlus does."""
    folders = [(match, folder) for folder in path.iterdir() if (match := _FOLDER.fullmatch(folder.name))]
    for match, folder in sorted(folders, key=lambda pair: (pair[0][1], int(pair[0][2]))):
        files = [file for file in folder.glob("*.py") if file.stem.isdecimal()]
        for file in sorted(files, key=lambda file: int(file.stem)):
            try:
                text = file.read_text(encoding="utf-8-sig", errors="replace")
            except OSError as error:
                report(f"{file}: cannot be read ({error.strerror})")
            else:
                yield str(file), {"task_id": f"{match[1]}/{match[2]}", "solution": text}


def write_samples(path: Path, programs: Iterable[Program]) -> int:
    """Write programs as EvalPlus reads them.

    Args:
        path: The `.jsonl` file; replaced.
        programs: What to write.

    Returns:
        How many.
    """
    count = 0
    partial = path.with_name(f"{path.name}.part")
    with partial.open("w", encoding="ascii") as file:
        for program in programs:
            file.write(json.dumps(program._asdict()) + "\n")
            count += 1
    partial.replace(path)
    return count


def write_results(path: Path, judged: Iterable[tuple[Program, Mapping[str, Verdict]]]) -> int:
    """Write verdicts as `evalplus.evaluate` does; a program without one is left out, as the format has no word for it.

    Args:
        path: `..._eval_results.json`; replaced. EvalPlus prints scores from it instead of running the programs.
        judged: Programs of one benchmark, each with its `base` and `plus` verdict, or the first alone.

    Returns:
        How many were left out.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    left_out = 0
    for program, verdicts in judged:
        if any(verdict.outcome == "unscored" for verdict in verdicts.values()):
            left_out += 1
            continue
        found[program.task_id].append(
            {
                **program._asdict(),
                "plus_status": None,
                "plus_fail_tests": [],
                **{f"{part}_status": verdict.code or "pass" for part, verdict in verdicts.items()},
                **{f"{part}_fail_tests": [] for part in verdicts},
            }
        )
    benchmark = data.problem(next(iter(found))).benchmark if found else "humaneval"
    document = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "hash": datasets.sha256(data.DATA_SETS[benchmark]),
        "eval": found,
    }
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(json.dumps(document), encoding="ascii")
    partial.replace(path)
    return left_out

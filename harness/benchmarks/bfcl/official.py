"""Result and score folders of the official `bfcl` command, read and written line by line.

    result/<model>/non_live/BFCL_v4_simple_python_result.json
    {"id": "simple_python_0", "result": "[calculate_triangle_area(base=10, height=5)]", "latency": 1.2, ...}
    score/<model>/non_live/BFCL_v4_simple_python_score.json
    {"accuracy": 0.95, "correct_count": 380, "total_count": 400}, then one object for each failed item

Layout: `get_directory_structure_by_category` in `bfcl_eval/utils.py`; score lines: `eval_checker/eval_runner.py`.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import stdev
from typing import Any

from harness.benchmarks.bfcl import data
from harness.errors import UsageProblem
from harness.protocols import Report
from harness.types import Verdict


def log(problem: str) -> None:
    """Report where no one else is told."""
    logging.getLogger(__name__).warning("%s", problem)


_RESULT = re.compile(r"BFCL_v\d+_(\w+)_result\.json")


V3_NAMES = {"simple": "simple_python", "java": "simple_java", "javascript": "simple_javascript"}
"""Categories of version 3 -> what they are called now; ids begin with these names, too."""


def place(category: str) -> str:
    """Folder of a category below a model's folder."""
    if category in data.MEMORY:
        return f"agentic/memory/{category.removeprefix('memory_')}"
    if category == data.FORMAT_SENSITIVITY:
        return category
    groups = {"live": data.LIVE, "multi_turn": data.MULTI_TURN, "agentic": data.WEB_SEARCH}
    return next((group for group, categories in groups.items() if category in categories), "non_live")


def file_of(model_folder: Path, category: str, kind: str) -> Path:
    """Path of a `result` or `score` file."""
    return model_folder / place(category) / f"BFCL_{data.VERSION}_{category}_{kind}.json"


def model_of(path: Path, category: str) -> str:
    """Model that a result file belongs to: the folder above the category's place, or its own where laid out flat."""
    folder = path.resolve().parent
    depth = len(Path(place(category)).parts)
    nested = folder.parts[-depth:] == Path(place(category)).parts
    return folder.parents[depth - 1].name if nested else folder.name


def result_files(folder: Path, report: Report = log) -> dict[str, Path]:
    """Result files of one model by category, in the official order of categories.

    Args:
        folder: The model's folder, or any folder above it that holds no other model.
        report: Told about files of categories that are not known; they are left out.

    Returns:
        The files; pre-conversations of memory are not scored and left out.

    Raises:
        UsageProblem: There are none, or those of several models.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("BFCL_v*_result.json")):
        match = _RESULT.fullmatch(path.name)
        if match is None or match[1].endswith("_prereq"):
            continue
        category = V3_NAMES.get(match[1], match[1])
        if category in found:
            remedy = f"Give the folder of one model, such as {path.parent.parent}."
            raise UsageProblem(f"{folder} has two files for {category}: {found[category]} and {path}", remedy)
        found[category] = path
    if not found:
        raise UsageProblem(f"no BFCL_v4_*_result.json below {folder}", "Give the folder of one model.")
    order = {name: index for index, name in enumerate((*data.COLLECTIONS["all"], *data.EXECUTABLE))}
    for path in (path for name, path in found.items() if name not in order):
        report(f"{path}: skipped, it is of no category of {data.VERSION}")
    kept = [name for name in found if name in order]
    if not kept:
        raise UsageProblem(f"no file below {folder} is of a known category", f"Known: {', '.join(order)}.")
    return {name: found[name] for name in sorted(kept, key=order.__getitem__)}


def ids_of(category: str) -> list[str]:
    """All ids of a category in the official order."""
    if category == data.FORMAT_SENSITIVITY:
        from harness.benchmarks.bfcl.format_sensitivity import samples

        return [sample.id for sample in samples(category)]
    return [record["id"] for record in data.questions(category)]


def read_results(path: Path, ids: Iterable[str], report: Report) -> Iterator[dict[str, Any] | None]:
    """Read one result file, one line at a time.

    Args:
        path: The file.
        ids: Ids of its category.
        report: Told `FILE:LINE: why` for each line that cannot be used.

    Yields:
        A record with at least `id` and `result`; None for a line that cannot be read. Lines of unknown items, and all
        but the first of one item, are only reported.
    """
    known, seen = set(ids), dict[str, int]()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            record = _renamed(result_record(line))
            if isinstance(record, str):
                report(f"{path}:{number}: {record}")
                yield None
            elif record["id"] not in known:
                report(f"{path}:{number}: {record['id']!r} is not an item of this category")
            elif record["id"] in seen:
                report(f"{path}:{number}: a second line for {record['id']!r} (first in line {seen[record['id']]})")
            else:
                seen[record["id"]] = number
                yield record


def _renamed(record: dict[str, Any] | str) -> dict[str, Any] | str:
    """A record under today's id where its id is one of version 3."""
    if isinstance(record, str):
        return record
    category, _, number = record["id"].rpartition("_")
    return record | {"id": f"{V3_NAMES[category]}_{number}"} if category in V3_NAMES else record


def result_record(line: bytes) -> dict[str, Any] | str:
    """The record in a line of a result file, or what is wrong with the line; ACEBench's files have the same form."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(record, dict) or not isinstance(record.get("id"), str) or "result" not in record:
        return 'not a result (an object with "id" and "result" is expected)'
    return record


def write_results(model_folder: Path, category: str, records: Iterable[Mapping[str, Any]]) -> Path:
    """Write one result file.

    Args:
        model_folder: Folder of the model.
        category: The category.
        records: In the official order.

    Returns:
        The file.
    """
    path = file_of(model_folder, category, "result")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    return path


class ScoreFile:
    """One score file, written as items are judged: failures wait in a temporary file, the header comes first.

    Args:
        model_folder: Folder of the model below `score`.
        category: The category.
    """

    def __init__(self, model_folder: Path, category: str) -> None:
        self.path, self.category, self.model = file_of(model_folder, category, "score"), category, model_folder.name
        self._failures = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 - closed by `finish`
        self._passed: Counter[str] = Counter()
        self._judged: Counter[str] = Counter()

    def add(self, sample_id: str, raw: Any, verdict: Verdict) -> None:
        """Count a verdict; unscored ones are not part of an official score."""
        if verdict.outcome == "unscored":
            return
        config = sample_id.split(":")[1] if ":" in sample_id else ""
        self._judged[config] += 1
        self._passed[config] += verdict.outcome == "pass"
        if verdict.outcome == "fail":
            head = {"id": sample_id, "model_name": self.model, "test_category": self.category, "valid": False}
            self._failures.write(json.dumps(head | _failure(sample_id, raw, verdict), default=str) + "\n")

    def finish(self) -> Path:
        """Write the file.

        Returns:
            Its path.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        header = _counts(self._passed.total(), self._judged.total())
        if self.category == data.FORMAT_SENSITIVITY:
            configs = {name: _counts(self._passed[name], n) for name, n in self._judged.items()}
            header |= _spread([counts["accuracy"] for counts in configs.values()]) | configs
        self._failures.seek(0)
        with self._failures, self.path.open("w", encoding="ascii") as file:
            file.write(json.dumps(header) + "\n")
            file.writelines(self._failures)
        return self.path


def _counts(passed: int, judged: int) -> dict[str, Any]:
    return {"accuracy": passed / judged if judged else 0.0, "correct_count": passed, "total_count": judged}


def _spread(accuracies: list[float]) -> dict[str, float]:
    deviation = stdev(accuracies) if len(accuracies) > 1 else 0.0
    delta = max(accuracies) - min(accuracies) if accuracies else 0.0
    points = {"max_delta": delta * 100, "variance": deviation**2 * 100**2, "std": deviation * 100}
    return {f"accuracy_{name}": round(value, 2) for name, value in points.items()}


def _failure(sample_id: str, raw: Any, verdict: Verdict) -> dict[str, Any]:
    category, source_id = data.category_of(sample_id), sample_id.rpartition(":")[2]
    prompt = {**data.question(source_id), "id": sample_id}
    calls = verdict.evidence.get("calls")
    if category in data.UNANSWERED:
        found = {"error": [verdict.message], "error_type": verdict.code}
        return {"prompt": prompt, "model_result": raw, "decoded_result": calls, **found}
    rest: dict[str, Any] = {"prompt": prompt, "model_result_raw": raw}
    if calls is not None:
        rest["model_result_decoded"] = calls
    rest["possible_answer"] = data.answer(source_id)
    if category in (*data.MULTI_TURN, *data.AGENTIC):
        return {"error": {"error_message": [verdict.message], "error_type": verdict.code}, **rest}
    return {"error": [verdict.message], "error_type": verdict.code, **rest}

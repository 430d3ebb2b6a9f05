"""API-Bank's own prediction files: judged as the official programs judge them, in the file's order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from harness.benchmarks.apibank import data, official
from harness.benchmarks.apibank.embedding import VARIABLE
from harness.benchmarks.apibank.judging import judge_call
from harness.benchmarks.apibank.official import Prediction
from harness.benchmarks.apibank.scenes import Stage
from harness.benchmarks.apibank.verdicts import call_verdict, response_verdict
from harness.errors import UsageProblem
from harness.protocols import Report
from harness.results.lines import SampleLine
from harness.results.tally import Tallies
from harness.types import Verdict

SCENES = 50


def score(path: Path, report: Report) -> Tallies:
    """Judge a prediction file.

    Args:
        path: What `evaluator_by_json.py` or `lv3_evaluator.py` reads.
        report: Told about lines that cannot be used, and where the official program would end.

    Returns:
        Counts of the categories that the file has predictions for, and the official rows.

    Raises:
        UsageProblem: It holds no prediction at all.
    """
    predictions = list(official.read_predictions(path, report))
    if not predictions:
        raise UsageProblem(f"{path} holds no prediction", "Give JSON Lines with `pred` and the official ids.")
    judged = _judged(predictions)
    categories = Counter(_category(prediction) for prediction in predictions)
    tallies = Tallies(["upstream"], {name: max(_size(name), count) for name, count in categories.items()})
    for prediction, verdict in judged:
        category = _category(prediction)
        tallies.add(SampleLine(prediction.item.id, 0, category, ()), {"upstream": {category: verdict}})
    for name, count in categories.items():
        if count < _size(name):
            tallies.lost += _size(name) - count
            report(f"{path}: {_size(name) - count} of {_size(name)} items of {name} are missing")
    ended = [prediction.item.id for prediction, verdict in judged if _ends(verdict)]
    if ended:
        report(f"{path}: the official program would end at {ended[0]} ({len(ended)} such predictions)")
    if unknown := sum(verdict.outcome == "unscored" for _, verdict in judged):
        report(
            f"{path}: {unknown} searches are for keywords that only the embedding model knows ({VARIABLE}=model); "
            "the official rows count them as wrong"
        )
    tallies.official_rows["upstream"] = dict(_rows(judged))
    return tallies


def _judged(predictions: list[Prediction]) -> list[tuple[Prediction, Verdict]]:
    """Verdicts; of the items of levels 1 and 2 only the last prediction counts, as in the official program."""
    last = {prediction.item.id: place for place, prediction in enumerate(predictions) if prediction.item.level != 3}
    stage = Stage()
    found = []
    for place, prediction in enumerate(predictions):
        item, is_call, text, search = prediction
        if last.get(item.id, place) != place:
            continue
        if not is_call:
            verdict = response_verdict(item, text)
        else:
            verdict = call_verdict(item, partial(stage.judge if item.level == 3 else judge_call, item, text, search))
        found.append((prediction, verdict))
    return found


def _category(prediction: Prediction) -> str:
    if not prediction.is_call:
        return f"apibank_responses_level{prediction.item.level}"
    return "apibank_level3_calls" if prediction.item.level == 3 else f"apibank_level{prediction.item.level}"


def _size(category: str) -> int:
    level = int("".join(char for char in category if char.isdigit()))
    if "responses" in category:
        return sum(item.level == level for item in data.responses().values())
    return len(data.items(level))


def _ends(verdict: Verdict) -> bool:
    return str(verdict.code).startswith(("CRASH", "HANG"))


def _rows(judged: list[tuple[Prediction, Verdict]]) -> Mapping[str, Mapping[str, float]]:
    """The official programs' numbers: levels 1 and 2 over all items, level 3 over the file's predictions."""
    by_category: dict[str, list[tuple[Prediction, Verdict]]] = defaultdict(list)
    for prediction, verdict in judged:
        by_category[_category(prediction)].append((prediction, verdict))
    rows: dict[str, dict[str, float]] = {}
    for category, pairs in by_category.items():
        correct = sum(verdict.outcome == "pass" for _, verdict in pairs)
        if "responses" in category:
            scores = [verdict.evidence["credit"] for _, verdict in pairs]
            rows[category] = {"Rouge-L": sum(scores) / len(scores), "responses": len(scores)}
            continue
        total = len(pairs) if category == "apibank_level3_calls" else _size(category)
        rows[category] = {"Total API calls": total, "Correct API calls": correct, "Accuracy": correct / total}
        if category == "apibank_level3_calls":
            wrong = {prediction.item.id.partition(":")[0] for prediction, verdict in pairs if verdict.outcome != "pass"}
            rows[category]["Sample Accuracy"] = (SCENES - len(wrong)) / SCENES
    return rows

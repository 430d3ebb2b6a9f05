"""Logs of lm-evaluation-harness (`results_*.json` with `samples_*.jsonl`, written with `--log_samples`).

Files that `harness export --to lm-eval` wrote come back as the benchmark and categories they were. Any other log
becomes a run of the benchmark `lm_eval` with a category for each task; a sample passes where its metric is 1. Of
several filters of one sample the first counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageProblem
from harness.results.lines import RecordedStep, SampleLine
from harness.types import Generation, ModelInfo, RunRecord, Sampling, Score, Verdict

METRICS = ("acc", "exact_match", "pass@1", "pass_at_1", "em", "acc_norm")
"""Metrics of right or wrong, in order of preference."""


def read(source: Path) -> tuple[RunRecord, list[SampleLine]]:
    """Read the newest results below a folder.

    Args:
        source: A folder, or one results file.

    Returns:
        Record and samples.

    Raises:
        UsageProblem: There is no results file, or no samples beside it.
        DataError: A file is damaged.
    """
    path = source if source.is_file() else max(source.rglob("results_*.json"), key=lambda p: p.name, default=None)
    if path is None:
        raise UsageProblem(f"no results_*.json in {source}", "Give the folder that lm_eval's --output_path named.")
    results = _json(path.read_bytes(), str(path))
    stamp = path.stem.removeprefix("results_")
    files = sorted(path.parent.glob(f"samples_*_{stamp}.jsonl"))
    if not files:
        raise UsageProblem(f"no samples beside {path}", "Evaluate with --log_samples.")
    lines: dict[tuple[str, int, str], SampleLine] = {}
    for file in files:
        task = file.name.removeprefix("samples_").removesuffix(f"_{stamp}.jsonl")
        for line in _samples(file, task):
            lines.setdefault((line.id, line.repeat, line.category), line)
    try:
        return _record(results, lines.values()), _merged(lines.values())
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise DataError(f"{path} is damaged: {type(error).__name__}: {error}") from None


def _json(text: bytes | str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is damaged: {error}") from None
    if not isinstance(found, dict):
        raise DataError(f"{where} is damaged: not an object")
    return found


def _samples(file: Path, task: str) -> Iterator[SampleLine]:
    for number, text in enumerate(file.read_bytes().splitlines(), 1):
        if text.strip():
            where = f"{file}:{number}"
            sample = _json(text, where)
            try:
                yield _line(sample, task, where)
            except (KeyError, TypeError, AttributeError, IndexError) as error:
                raise DataError(f"{where} is not a sample: {type(error).__name__}: {error}") from None


def _line(sample: Mapping[str, Any], task: str, where: str) -> SampleLine:
    doc = sample["doc"] if isinstance(sample.get("doc"), dict) else {}
    known = "category" in doc and "id" in doc
    name = str(doc["id"]) if known else f"{task}_{doc.get('task_id', sample['doc_id'])}"
    category = str(doc["category"]) if known else task
    verdict = _verdict(sample, where)
    texts = [str(text) for text in sample["resps"][0]]
    steps = tuple(RecordedStep(0, Generation(text)) for text in texts)
    return SampleLine(name, 0, category, steps, None, {category: verdict})


def _verdict(sample: Mapping[str, Any], where: str) -> Verdict:
    metrics = [name for name in (*METRICS, *sample.get("metrics", ())) if isinstance(sample.get(name), int | float)]
    if not metrics:
        raise UsageProblem(f"{where}: no metric that is a number", f"Known: {', '.join(METRICS)}.")
    value = float(sample[metrics[0]])
    if value not in (0.0, 1.0):
        raise UsageProblem(f"{where}: {metrics[0]} is {value}, which is neither right nor wrong")
    evidence = {"expected": sample.get("target"), "got": sample.get("filtered_resps")}
    if value:
        return Verdict("pass", evidence=evidence)
    return Verdict("fail", str(sample.get("error_type") or f"lm_eval:{metrics[0]}"), evidence=evidence)


def _merged(lines: Any) -> list[SampleLine]:
    """One line a sample: a program that counts in two categories was written twice."""
    found: dict[tuple[str, int], SampleLine] = {}
    for line in lines:
        before = found.get(line.key)
        if before is not None:
            line = SampleLine(
                line.id, line.repeat, before.category, before.steps, None, {**before.verdicts, **line.verdicts}
            )
        found[line.key] = line
    return list(found.values())


def _record(results: Mapping[str, Any], lines: Any) -> RunRecord:
    own = results.get("harness") or {}
    config = results.get("config") or {}
    options = config.get("gen_kwargs") or {}
    options = options if isinstance(options, dict) else {}
    sizes = {task: counts.get("original", 0) for task, counts in (results.get("n-samples") or {}).items()}
    categories = sorted({line.category for line in lines})
    name = own.get("name", "lm_eval")
    if not re.fullmatch(r"\w+", name):  # it becomes a folder
        raise ValueError(f"{name!r} names no benchmark")
    scores = {
        category: Score(int(sizes.get(category) or sizes.get(f"{name}_{category}") or 0), 0, 0, 0)
        for category in categories
    }
    hashes = json.dumps(results.get("task_hashes") or {}, sort_keys=True)
    about = {
        "name": name,
        "version": own.get("version") or f"lm_eval {results.get('lm_eval_version', '')}".strip(),
        "data_sha256": own.get("data_sha256") or hashes,
        "checker_sha256": own.get("checker_sha256") or json.dumps(results.get("versions") or {}, sort_keys=True),
        "categories": categories,
        "limit": None,
        "ids": [],
    }
    model = ModelInfo(str(results.get("model_name") or config.get("model_args") or "model"), remote=True)
    started = datetime.fromtimestamp(float(results.get("date") or 0), UTC)
    return RunRecord(
        run_id="",
        started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        status="complete",
        model=model,
        benchmark=about,
        handler=str(own.get("handler") or "prompt"),
        engine={"name": str(config.get("model") or "lm_eval"), "version": results.get("lm_eval_version")},
        sampling=Sampling(temperature=float(options.get("temperature") or 0.0)),
        rules=str(own.get("rules") or "upstream"),
        repeats=1,
        code={"git": results.get("git_hash"), "dirty": False},
        machine={},
        config_sha256="",
        scores=scores,
        seconds=float(results.get("total_evaluation_time_seconds") or 0.0),
    )

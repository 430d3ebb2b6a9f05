"""lm-evaluation-harness's files: `results_<time>.json` and one `samples_<task>_<time>.jsonl` a category.

The layout of version 0.4.13 (`loggers/evaluation_tracker.py`, `result_schema.py`), which its own tools and dashboards
read: metric `acc`, filter `none`. Averages of the run become groups. Items without a verdict have no place in that
format: they lower `n-samples.effective` and are left out.

Files that were written here come back as the benchmark and categories they were. Any other log (written with
`--log_samples`) becomes a run of the benchmark `lm_eval` with a category for each task; a sample passes where its
metric is 1. Of several filters of one sample the first counts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageProblem
from harness.exchange import Exported, ExportRequest
from harness.files import write_atomic
from harness.results import store
from harness.results.lines import RecordedStep, SampleLine
from harness.running.retelling import Retold, retell
from harness.stats.averages import evaluate
from harness.stats.views import load_view
from harness.types import (
    BenchmarkInfo,
    CodeInfo,
    EngineInfo,
    Generation,
    Key,
    MachineInfo,
    ModelInfo,
    RunRecord,
    Sampling,
    Score,
    Verdict,
)

METRIC, FILTER = "acc", "none"
GROUPS = ("v4", "funreason")
SOURCE = ("name", "version", "data_sha256", "checker_sha256")
"""What files that are written here say of their benchmark, so that they come back as what they were."""


def write(request: ExportRequest) -> Exported:
    """Write one repeat of a run.

    Args:
        request: The run and where it goes.

    Returns:
        The files.
    """
    record = store.read_run(request.run)
    lines = {line.key: line for line in store.read_samples(request.run) if line.repeat == (request.repeat or 0)}
    told = retell(record, lines)
    judged: dict[str, list[SampleLine]] = defaultdict(list)
    for line in lines.values():
        for category, verdict in line.verdicts.items():
            if verdict.outcome != "unscored":
                judged[category].append(line)
    name = request.model_name or record.model.name
    folder = request.output / _file_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.fromisoformat(record.started).replace(tzinfo=None).isoformat(timespec="microseconds")
    stamp = stamp.replace(":", "-")
    written, hashes = [], {}
    for category, found in judged.items():
        task = task_of(record, category)
        samples = [_sample(record, number, category, line, told[line.key]) for number, line in enumerate(found)]
        path = folder / f"samples_{_file_name(task)}_{stamp}.jsonl"
        write_atomic(path, "".join(json.dumps(sample, default=str) + "\n" for sample in samples).encode())
        written.append(path)
        hashes[task] = _hash("".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in samples))
    path = folder / f"results_{stamp}.json"
    write_atomic(path, json.dumps(_results(record, judged, name, hashes), indent=2, default=str).encode())
    lost = sum(verdict.outcome == "unscored" for line in lines.values() for verdict in line.verdicts.values())
    notes = (f"{lost} unscored verdicts are left out",) if lost else ()
    return Exported((path, *written), sum(map(len, judged.values())), notes)


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "__", text)[:100]


def task_of(record: RunRecord, category: str) -> str:
    """Task name: the category, with its benchmark's name in front where it does not say it."""
    benchmark = record.benchmark.name
    return category if category.startswith(benchmark) else f"{benchmark}_{category}"


def _sample(record: RunRecord, number: int, category: str, line: SampleLine, told: Retold) -> dict[str, Any]:
    verdict = line.verdicts[category]
    asked = [entry for entry in told.talk if entry["role"] != "reply"]
    doc = {"id": line.id, "category": category, "messages": asked, "tools": list(told.tools)}
    prompt = json.dumps(asked, default=str)
    expected = verdict.evidence.get("expected")
    target = expected if isinstance(expected, str) else json.dumps(expected, default=str)
    sampling = {name: getattr(record.sampling, name) for name in ("temperature", "top_p", "max_tokens")}
    return {
        "doc_id": number,
        "doc": doc,
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": sampling}},
        "resps": [[_said(step.generation) for step in line.steps]],
        "filtered_resps": [_answer(line, told)],
        "filter": FILTER,
        "metrics": [METRIC],
        "doc_hash": _hash(json.dumps(doc, default=str)),
        "prompt_hash": _hash(prompt),
        "target_hash": _hash(target),
        METRIC: float(verdict.outcome == "pass"),
        "error_type": verdict.code,
    }


def _said(generation: Generation) -> str:
    calls = [{call.name: call.arguments} for call in generation.tool_calls or ()]
    return generation.text or (json.dumps(calls) if calls else "")


def _answer(line: SampleLine, told: Retold) -> str:
    reply = told.replies[-1] if told.replies else None
    if reply is None or reply.calls is None:
        return reply.text if reply else ""
    return json.dumps([{call.name: dict(call.arguments)} for call in reply.calls], default=str)


def _results(
    record: RunRecord, judged: Mapping[str, Sequence[SampleLine]], name: str, hashes: Mapping[str, str]
) -> dict[str, Any]:
    tasks = {category: task_of(record, category) for category in judged}
    score = {category: _accuracy(category, lines) for category, lines in judged.items()}
    size = {category: record.scores[category].n // record.repeats for category in judged if category in record.scores}
    groups = dict(_groups(record))
    model = {"pretrained": record.model.name, "revision": record.model.revision, "peft": record.model.adapter}
    return {
        "results": {
            tasks[category]: {"name": tasks[category], "alias": tasks[category], "sample_len": len(lines)}
            | dict(zip((f"{METRIC},{FILTER}", f"{METRIC}_stderr,{FILTER}"), score[category], strict=True))
            for category, lines in judged.items()
        },
        "groups": groups,
        "group_subtasks": {task: [] for task in tasks.values()} | {group: [] for group in groups},
        "configs": {task: {"task": task, "output_type": "generate_until"} for task in tasks.values()},
        "versions": dict.fromkeys(tasks.values(), record.benchmark.version),
        "n-shot": dict.fromkeys(tasks.values(), 0),
        "higher_is_better": {task: {METRIC: True} for task in tasks.values()},
        "n-samples": {
            tasks[category]: {"original": size.get(category, len(lines)), "effective": len(lines)}
            for category, lines in judged.items()
        },
        "config": {
            "model": record.engine.name,
            "model_args": {key: value for key, value in model.items() if value},
            "gen_kwargs": {"temperature": record.sampling.temperature, "max_gen_toks": record.sampling.max_tokens},
            "batch_size": record.engine.batch_size,
            "limit": record.benchmark.limit,
        },
        "harness": {key: getattr(record.benchmark, key) for key in SOURCE}
        | {"rules": record.rules, "handler": record.handler, "run_id": record.run_id},
        "git_hash": record.code.git,
        "date": datetime.fromisoformat(record.started).timestamp(),
        "model_source": record.engine.name,
        "model_name": name,
        "model_name_sanitized": re.sub(r"[\"<>:/|\\?*\[\]]+", "__", name),
        "task_hashes": dict(hashes),
        "total_evaluation_time_seconds": str(record.seconds),
    }


def _accuracy(category: str, lines: Sequence[SampleLine]) -> tuple[float, float | str]:
    """Accuracy and the standard error of a mean as that tool computes it (sample deviation over the root of n)."""
    n = len(lines)
    p = sum(line.verdicts[category].outcome == "pass" for line in lines) / n
    return p, sqrt(p * (1 - p) / (n - 1)) if n > 1 else "N/A"


def _groups(record: RunRecord) -> Iterator[tuple[str, dict[str, Any]]]:
    for view in map(load_view, GROUPS):
        for column, cell in evaluate(view, record.scores, repeats=record.repeats).items():
            if column in view.nodes and cell.value is not None:
                name = f"{view.name}_{column}"
                alias = f"{view.title}: {view.title_of(column)}"
                value = {f"{METRIC},{FILTER}": cell.value, f"{METRIC}_stderr,{FILTER}": "N/A"}
                yield name, {"name": name, "alias": alias, "sample_len": cell.n, **value}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


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
    found: dict[Key, SampleLine] = {}
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
    about = BenchmarkInfo(
        name=name,
        version=str(own.get("version") or f"lm_eval {results.get('lm_eval_version', '')}".strip()),
        data_sha256=str(own.get("data_sha256") or hashes),
        checker_sha256=str(own.get("checker_sha256") or json.dumps(results.get("versions") or {}, sort_keys=True)),
        categories=tuple(categories),
    )
    model = ModelInfo(str(results.get("model_name") or config.get("model_args") or "model"), remote=True)
    started = datetime.fromtimestamp(float(results.get("date") or 0), UTC)
    return RunRecord(
        run_id="",
        started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        status="complete",
        model=model,
        benchmark=about,
        handler=str(own.get("handler") or "prompt"),
        engine=EngineInfo(str(config.get("model") or "lm_eval"), _text(results.get("lm_eval_version"))),
        sampling=Sampling(temperature=float(options.get("temperature") or 0.0)),
        rules=str(own.get("rules") or "upstream"),
        repeats=1,
        code=CodeInfo(_text(results.get("git_hash")), dirty=False),
        machine=MachineInfo(),
        config_sha256="",
        scores=scores,
        seconds=float(results.get("total_evaluation_time_seconds") or 0.0),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)

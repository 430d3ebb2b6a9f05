"""lm-evaluation-harness's files: `results_<time>.json` and one `samples_<task>_<time>.jsonl` a category.

The layout of version 0.4.13 (`loggers/evaluation_tracker.py`, `result_schema.py`), which its own tools and dashboards
read: metric `acc`, filter `none`. Averages of the run become groups. Items without a verdict have no place in that
format: they lower `n-samples.effective` and are left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import sqrt
from typing import Any

from harness.exports import Exported, Request
from harness.files import write_atomic
from harness.results import store
from harness.results.lines import SampleLine
from harness.running.retelling import Retold, retell
from harness.stats.averages import evaluate
from harness.stats.views import load_view
from harness.types import Generation, RunRecord

METRIC, FILTER = "acc", "none"
GROUPS = ("v4", "funreason")


def write(request: Request) -> Exported:
    """Write one repeat of a run.

    Args:
        request: The run and where it goes.

    Returns:
        The files.
    """
    record = store.read_run(request.run)
    lines = {line.key: line for line in store.read_samples(request.run) if line.repeat == request.repeat}
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
    benchmark = str(record.benchmark["name"])
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
        "versions": dict.fromkeys(tasks.values(), record.benchmark.get("version")),
        "n-shot": dict.fromkeys(tasks.values(), 0),
        "higher_is_better": {task: {METRIC: True} for task in tasks.values()},
        "n-samples": {
            tasks[category]: {"original": size.get(category, len(lines)), "effective": len(lines)}
            for category, lines in judged.items()
        },
        "config": {
            "model": record.engine.get("name"),
            "model_args": {key: value for key, value in model.items() if value},
            "gen_kwargs": {"temperature": record.sampling.temperature, "max_gen_toks": record.sampling.max_tokens},
            "batch_size": record.engine.get("batch_size"),
            "limit": record.benchmark.get("limit"),
        },
        "harness": {key: record.benchmark.get(key) for key in ("name", "version", "data_sha256", "checker_sha256")}
        | {"rules": record.rules, "handler": record.handler, "run_id": record.run_id},
        "git_hash": record.code.get("git"),
        "date": datetime.fromisoformat(record.started).timestamp(),
        "model_source": record.engine.get("name"),
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

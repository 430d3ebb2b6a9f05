"""Result files of the official evaluator: `DIR/result/<model>/<group>/BFCL_v4_<category>_result.json`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.benchmarks.bfcl import data, official
from harness.benchmarks.bfcl.judging import raw_answer
from harness.data import datasets
from harness.errors import HarnessError
from harness.exchange import Exported, ExportRequest
from harness.protocols import Report
from harness.results.lines import SampleLine
from harness.results.tally import Tallies
from harness.running.rejudging import episodes
from harness.types import Step, Verdict

REGISTERED = {"prompt": "gpt-4o-2024-11-20", "fc": "gpt-4o-2024-11-20-FC"}
"""Names in the official model list that read results in our two conventions; it evaluates no name outside its list."""


def write(request: ExportRequest) -> Exported:
    """Write the replies of a BFCL run; what faulted is left out.

    Args:
        request: The run and where it goes.

    Returns:
        The files, and the command that evaluates them.

    Raises:
        UsageProblem: The run is of another benchmark.
    """
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    modes: Counter[str] = Counter()
    notes: list[str] = []
    faults = 0
    for episode, category in episodes(request.run, "bfcl", request.repeat or 0, notes.append):
        if category in data.EXECUTABLE or "_prereq" in episode.sample_id:
            continue
        faults += episode.fault is not None
        if episode.fault is None:
            modes.update(raw_answer(step.reply)[1] for step in episode.steps)
            found[category][episode.sample_id] = {"id": episode.sample_id, **_result(category, episode.steps)}
    if faults:
        notes.append(f"{faults} faulted items are left out: evaluate with --partial-eval, or finish the run first.")
    name = request.model_name or REGISTERED[modes.most_common(1)[0][0] if modes else "prompt"]
    folder = request.output / "result" / name.replace("/", "_")
    files = [
        official.write_results(folder, category, [by_id[key] for key in official.ids_of(category) if key in by_id])
        for category, by_id in found.items()
    ]
    whole = not faults and all(len(by_id) == len(official.ids_of(category)) for category, by_id in found.items())
    partial = "" if whole else " --partial-eval"
    command = f"bfcl evaluate --model {name} --test-category {','.join(found)}{partial}"
    notes.append(f"BFCL_PROJECT_ROOT={request.output.resolve()} {command}")
    return Exported(tuple(files), sum(map(len, found.values())), tuple(notes))


def _result(category: str, steps: Sequence[Step]) -> dict[str, Any]:
    """The fields of a result record; nested by turn and step where an item has several."""
    fields = [_fields(step) for step in steps]
    if category not in (*data.MULTI_TURN, *data.AGENTIC):
        return fields[-1]
    turns = range(steps[-1].turn + 1)
    return {
        key: [[part[key] for part, step in zip(fields, steps, strict=True) if step.turn == turn] for turn in turns]
        for key in fields[-1]
    }


def _fields(step: Step) -> dict[str, Any]:
    generation = step.generation
    return {
        "result": _answer(step),
        "input_token_count": generation.prompt_tokens,
        "output_token_count": generation.completion_tokens,
        "latency": generation.seconds,
        "reasoning_content": step.reply.think or "",
    }


def _answer(step: Step) -> Any:
    """Text, or native calls with arguments as JSON text and names as such models are sent them, without dots."""
    raw, mode = raw_answer(step.reply)
    if mode == "prompt" or isinstance(raw, str):
        return raw
    return [{name.replace(".", "_"): _text(arguments) for name, arguments in call.items()} for call in raw]


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


@dataclass(frozen=True, slots=True)
class Convention:
    """How the model of an official result folder was asked."""

    mode: str
    """`prompt` or `fc`."""
    underscore_names: bool = False


def score(
    folder: Path, convention: Convention, rules: Sequence[str], report: Report, output: Path | None = None
) -> Tallies:
    """Judge a folder of official results.

    Args:
        folder: Holds the result files of one model.
        convention: Prompting or native calls.
        rules: Rule sets to judge by.
        report: Told about lines that cannot be used.
        output: `score` folder for official score files by the first rule set; None for none.

    Returns:
        The counts.
    """
    from harness.benchmarks.bfcl import official

    files = official.result_files(folder)
    with datasets.no_collection():
        tallies = Tallies(rules, {category: len(official.ids_of(category)) for category in files})
    for category, path in files.items():
        written = official.ScoreFile(output / official.model_of(path, category), category) if output else None
        ids = official.ids_of(category)
        seen = 0
        for record in official.read_results(path, ids, report):
            seen += 1
            line = SampleLine(record["id"] if record else "", 0, category, ())
            verdicts = {name: {category: _judge(record, convention, name)} for name in rules}
            tallies.add(line, verdicts)
            if written and record:
                written.add(line.id, record["result"], verdicts[rules[0]][category])
        if seen < len(ids):
            tallies.lost += len(ids) - seen
            report(f"{path}: {len(ids) - seen} of {len(ids)} items are missing")
        if written:
            written.finish()
    return tallies


def _judge(record: Mapping[str, Any] | None, convention: Convention, rules: str) -> Verdict:
    from harness.benchmarks.bfcl import judge

    if record is None:
        return Verdict("unscored", "unreadable", "the line cannot be read")
    try:
        return judge(
            record["id"],
            record["result"],
            mode=convention.mode,
            underscore_names=convention.underscore_names,
            rules=rules,
        )
    except HarnessError:
        raise
    except Exception as error:  # noqa: BLE001 - one bad item never ends a run
        return Verdict("unscored", "fault", f"{type(error).__name__}: {error}"[:2000])

"""Result files that the official `bfcl evaluate` reads: `DIR/result/<model>/<group>/BFCL_v4_<category>_result.json`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from harness.benchmarks.bfcl import data, official
from harness.benchmarks.bfcl.judging import raw_answer
from harness.exports import Exported, Request
from harness.running.rejudging import episodes
from harness.types import Step

REGISTERED = {"prompt": "gpt-4o-2024-11-20", "fc": "gpt-4o-2024-11-20-FC"}
"""Names in the official model list that read results in our two conventions; it evaluates no name outside its list."""


def write(request: Request) -> Exported:
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
    for episode, category in episodes(request.run, "bfcl", request.repeat, notes.append):
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

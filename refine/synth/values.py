"""The value writer: realistic values for parameters that only a user can know, once for a parameter and kept.

A walk that invents a name takes `alpha`; with these it takes what people would say. They are written before the first
walk, into `values.json` of the run's folder, and never again: a run that goes on walks as it walked before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.files import write_atomic
from harness.types import Example, Sampling, Tool
from refine.checks import parameters
from refine.judge import Judge
from refine.ledger import Ledger, read_lines
from refine.pipeline import Pipeline, Tally
from refine.synth.roles import VALUES
from refine.types import Ask, Item, Result, Way

FILE, FOLDER = "values.json", "values"
MOST = 8
"""Values of a parameter."""


def write_values(
    folder: Path,
    tools: Sequence[Tool],
    known: Mapping[str, Sequence[Any]],
    given: Mapping[str, Sequence[Any]],
    judge: Judge | None,
    sampling: Sampling,
    stop: Callable[[Tally], bool] = lambda tally: False,
) -> dict[str, list[Any]] | None:
    """Have values written for every free text parameter, unless a run's folder holds them.

    Args:
        folder: The run's folder.
        tools: Documents of the environment's tools.
        known: Values that the environment brings, by `tool.parameter` or `parameter`; nothing is written for these.
        given: Values that a user gave; kept with those that are written.
        judge: The writer; None writes nothing.
        sampling: How it writes.
        stop: Asked before each parameter; once true, what was written so far is kept for another session.

    Returns:
        Values by `tool.parameter`; parameters without a readable reply are missing. None where it was stopped.
    """
    path = folder / FILE
    if not path.exists():
        wanted = [
            (tool, name)
            for tool in tools
            for name in _free(tool)
            if judge and f"{tool['name']}.{name}" not in known and name not in known
        ]
        with Ledger(folder / FOLDER, {"values": [f"{tool['name']}.{name}" for tool, name in wanted]}) as ledger:
            finished = ledger.finished()
            items = (
                Item(n, f"{tool['name']}.{name}", _way(tool, name))
                for n, (tool, name) in enumerate(wanted)
                if n not in finished
            )
            if judge:
                pipeline = Pipeline([judge], ledger, sampling=sampling, stop=stop)
                for _ in pipeline.run(items, ledger.unfinished_calls(finished)):
                    pass
                if pipeline.stopped and next(items, None):
                    return None
        lines = {line["index"]: line for line in read_lines(folder / FOLDER / "outcomes.jsonl")}
        found = {line["id"]: json.loads(line["example"]["answer"]) for _, line in sorted(lines.items())}
        kept = {name: values for name, values in found.items() if values} | {key: list(v) for key, v in given.items()}
        write_atomic(path, json.dumps(kept, indent=1).encode())
    return read_values(folder)


def read_values(folder: Path) -> dict[str, list[Any]]:
    """The values that a run's folder holds."""
    path = folder / FILE
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _free(tool: Tool) -> Iterator[str]:
    """Parameters whose values are free text."""
    schemas, _ = parameters(tool)
    for name, schema in schemas.items():
        if str(schema.get("type")).lower() in ("string", "str") and not schema.get("enum"):
            yield name


def _way(tool: Tool, name: str) -> Way:
    shown = {key: tool[key] for key in ("name", "description", "parameters") if key in tool}
    material = {"Function": json.dumps(shown, ensure_ascii=False), "Parameter": name}
    answer = yield Ask("values", VALUES, material)
    values = _texts(answer["values"]) if answer else []
    example = Example(f"{tool['name']}.{name}", (), (), None, json.dumps(values))
    return Result("kept" if values else "dropped", "values", "" if values else "no readable values", example)


def _texts(text: str) -> list[str]:
    """The texts of a JSON list, each once; none where it is something else."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return []
    texts = [each.strip() for each in read if isinstance(each, str)] if isinstance(read, list) else []
    return [each for each in dict.fromkeys(texts) if each and len(each) <= 200][:MOST]

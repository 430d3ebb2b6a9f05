"""One static page about one or two runs: `harness view`.

The page holds an index (scores, distributions, one row a judged sample) as JSON, and the samples themselves in
compressed chunks that the browser unpacks when one is opened. Nothing is fetched: the only script is the page's own,
allowed by its hash, and it puts text on the page as text only. Replies over a limit are cut with a note; the run folder
keeps them whole.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.analysis import comparison
from harness.analysis.gathering import gather
from harness.analysis.labels import facts, name_of, tell_apart
from harness.errors import UsageProblem
from harness.reports.overview import Side, about, read_side
from harness.reports.scripted import scripted
from harness.results.lines import SampleLine
from harness.text import one_line, without_folders
from harness.types import Key, Verdict

CHUNK = 100
"""Samples in one compressed chunk."""
LIMIT, LEAST, BUDGET = 20_000, 2_000, 30_000_000
"""Characters of one text that the page keeps: at most, at least however many replies there are, and of all together."""
DEPTH = 40
"""Nesting of evidence that is shown."""
SHOWN = ("outcome", "code", "message")
EXACT = 2**53
"""Integers up to here are the same in JavaScript."""
SCRIPTS = ("dom", "data", "charts", "overview", "samples", "sample", "main")


def page(folders: Sequence[Path], limit: int | None = None, home: str | None = None) -> str:
    """The page.

    Args:
        folders: One run, or two to be set side by side; the first is the baseline.
        limit: Characters of one text to keep; by default fewer, the more replies there are.
        home: Name of the page over many runs that lies beside this one.

    Returns:
        HTML.

    Raises:
        UsageProblem: There are more than two runs.
    """
    if len(folders) > 2:
        raise UsageProblem(f"{len(folders)} runs do not fit one page", "Give one or two; `harness compare` takes more.")
    sides = [read_side(folder) for folder in folders]
    replies = sum(len(line.steps) for side in sides for line in side.lines.values())
    most = limit or max(LEAST, min(LIMIT, BUDGET // max(1, replies)))
    keys = list(dict.fromkeys(key for side in sides for key in side.lines))
    records = [side.record for side in sides]
    labels = tell_apart(
        [name_of(record.model.name) for record in records],
        [facts(record) for record in records],
        [side.folder.name for side in sides],
    )
    index = {
        "runs": [about(side) | {"label": label} for side, label in zip(sides, labels, strict=True)],
        "comparison": _comparison(sides),
        "rows": list(_rows(sides, keys)),
        "chunk": CHUNK,
        "limit": most,
    }
    chunks = [_chunk(sides, keys[start : start + CHUNK], most) for start in range(0, len(keys), CHUNK)]
    words = {"title": " and ".join(labels), "chunks": chunks, "two": len(sides) > 1, "home": home}
    return scripted("report.html.j2", [f"report/{name}.js" for name in SCRIPTS], index, **words)


def _comparison(sides: Sequence[Side]) -> dict[str, Any] | None:
    if len(sides) < 2:
        return None
    a, b = (gather({side.folder: side.record}, side.folder, {side.folder: list(side.lines.values())}) for side in sides)
    try:
        (found,) = comparison.compare(a, [b], comparison.Options(force=True, resamples=2000))
    except UsageProblem as error:
        return {"problem": without_folders(str(error))}
    values = comparison.as_json(found)
    return values | {name: [without_folders(why) for why in values[name]] for name in ("forced", "cautions")}


def _rows(sides: Sequence[Side], keys: Sequence[Key]) -> Iterator[list[Any]]:
    """One a sample and category: [line, id, repeat, category, outcomes, codes, tokens, seconds, question]."""
    for number, key in enumerate(keys):
        lines = [side.lines.get(key) for side in sides]
        there = [line for line in lines if line is not None]
        question = next((text for side in sides if key in side.told and (text := side.told[key].question)), "")
        tokens = [None if line is None else _tokens(line) for line in lines]
        seconds = [None if line is None else line.seconds for line in lines]
        for category in dict.fromkeys(name for line in there for name in line.verdicts or (line.category,)):
            found = [line.verdicts.get(category) if line is not None else None for line in lines]
            outcomes = [None if verdict is None else verdict.outcome for verdict in found]
            codes = [None if verdict is None else verdict.code for verdict in found]
            yield [number, *key, category, outcomes, codes, tokens, seconds, one_line(question, 120)]


def _tokens(line: SampleLine) -> int:
    return sum(step.generation.completion_tokens for step in line.steps)


def _chunk(sides: Sequence[Side], keys: Sequence[Key], limit: int) -> str:
    """Samples of all sides, gzipped JSON in base64; tools that samples share are stored once."""
    tools: dict[str, int] = {}
    samples = [[_sample(side, key, tools, limit) for side in sides] for key in keys]
    text = f'{{"tools": [{", ".join(tools)}], "samples": {json.dumps(samples)}}}'
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


def _sample(side: Side, key: Key, tools: dict[str, int], limit: int) -> dict[str, Any] | None:
    line = side.lines.get(key)
    if line is None:
        return None
    told = side.told[key]
    named = [tools.setdefault(json.dumps(tool, default=str), len(tools)) for tool in told.tools]
    verdicts = {name: _verdict(verdict, limit) for name, verdict in line.verdicts.items()}
    talk = [
        entry | {"calls": exact(cut(entry["calls"], limit))} if entry.get("calls") else entry for entry in told.talk
    ]
    problem, fault = (text and without_folders(text) for text in (told.problem, line.fault))
    return cut({"tools": named, "talk": talk, "problem": problem, "fault": fault, "verdicts": verdicts}, limit)


def _verdict(verdict: Verdict, limit: int) -> dict[str, Any]:
    """A verdict's words; where it judges, they may quote the model and stay as they are."""
    words = {part: getattr(verdict, part) for part in SHOWN}
    if verdict.outcome == "unscored":
        words["message"] = without_folders(verdict.message)
    return words | {"evidence": exact(cut(verdict.evidence, limit))}


def exact(value: Any) -> Any:
    """A JSON value in which numbers that JavaScript would change are `{"#": text}`: 6.0 is not 6 to a judge."""
    if isinstance(value, Mapping):
        return {"# " if key == "#" else key: exact(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [exact(inner) for inner in value]
    changed = value.is_integer() if isinstance(value, float) else isinstance(value, int) and abs(value) > EXACT
    return {"#": repr(value)} if changed else value


def cut(value: Any, limit: int, depth: int = DEPTH) -> Any:
    """A JSON value with every text longer than the limit cut and marked, and nothing nested deeper than is shown."""
    if isinstance(value, str):
        note = f"\n[... {len(value) - limit} more characters in samples.jsonl]"
        return value if len(value) <= limit else value[:limit] + note
    if isinstance(value, Mapping):
        return {str(key): cut(inner, limit, depth - 1) for key, inner in value.items()} if depth else "{...}"
    if isinstance(value, list | tuple):
        return [cut(inner, limit, depth - 1) for inner in value] if depth else "[...]"
    return value

"""Read training data of any common shape as `Example`s; `refine` and `trainer` both read here.

| format | a line |
| --- | --- |
| `example` | `{"id", "messages", "tools", "think", "answer", "said", "source"}`: what `refine` writes |
| `xlam` | `{"id", "query", "answers", "tools"}`, the last two JSON text, as in xLAM's function-calling 60k |
| `openai` | `{"messages", "tools"}` with `tool_calls` or `function_call`; `messages` may be JSON text, as in Toucan |
| `sharegpt` | `{"conversations": [{"from", "value"}], "tools", "system"}`: LLaMA-Factory, Hermes, APIGen-MT, ToolACE |
| `trl` | `{"prompt", "completion", "tools"}`, texts or messages |
| `alpaca` | `{"instruction", "input", "output", "system", "history"}` |
| `glaive` | `{"system", "chat"}` of Glaive's function calling v2 |

Earlier assistant turns of a conversation stay in `messages`, calls in `tool_calls`, thinking in `reasoning_content`;
the last one is the answer. What cannot be used is reported with its line and the reason, and never ends the reading.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness import files
from harness.data import arrays, shapes
from harness.data.shapes import Row
from harness.data.turns import ROLES
from harness.errors import DataError, UsageProblem, unknown_name
from harness.types import Example

_ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[")
NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Unusable:
    """A row that is not an example."""

    line: int
    """From 1, as an editor counts."""
    reason: str


def read(
    source: str | Path, form: str = "auto", *, columns: Mapping[str, str] = NONE, roles: Mapping[str, str] = NONE
) -> Iterator[Example | Unusable]:
    """Read a data set, one row at a time.

    Args:
        source: A JSONL file, a JSON file with one array, or the hub id of a data set (`name` or `name:split`).
        form: A key of `shapes.READERS`, or `auto` to tell by each row's keys.
        columns: Names of fields here -> those of the data set.
        roles: Further names of speakers -> a key of `turns.ROLES`.

    Yields:
        An example, or what was wrong with the row.

    Raises:
        DataError: The source does not exist, or no row is of a known shape.
        UsageProblem: `form` or a role is unknown.
    """
    if form != "auto" and form not in shapes.READERS:
        raise unknown_name("data format", form, shapes.READERS)
    if strange := next((role for role in roles.values() if role not in ROLES), None):
        raise unknown_name("role", strange, ROLES)
    strangers, known = 0, False
    for line, row in _rows(str(source)):
        if isinstance(row, Unusable):
            yield row
            continue
        named = _named(row, columns)
        shape = form if form != "auto" else shapes.form_of(named)
        known = known or shape is not None
        strangers += shape is None
        if shape is None:
            yield Unusable(line, f"fields of no known format: {', '.join(sorted(map(str, row)))[:200]}")
            continue
        try:
            yield shapes.read_row(shape, named, line, roles)
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as problem:
            reason = f"no field {problem}" if isinstance(problem, KeyError) else str(problem)
            yield Unusable(line, reason or type(problem).__name__)
    if strangers and not known:
        raise DataError(f"{source}: rows are of no known format", f"Known: {', '.join(shapes.READERS)}; see --columns.")


def _named(row: Row, columns: Mapping[str, str]) -> Row:
    """A row with its fields under the names that they have here."""
    if not columns:
        return row
    return {**row, **{ours: row[theirs] for ours, theirs in columns.items() if theirs in row}}


def pairs(flag: str, text: str) -> dict[str, str]:
    """The value of `--columns` or `--roles`: `ours=theirs,...`.

    Args:
        flag: Its name, for the error.
        text: Its value; may be empty.

    Returns:
        What stands left of each `=` -> what stands right of it.

    Raises:
        UsageProblem: A part has no `=`.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if wrong := next((part for part in parts if "=" not in part), None):
        raise UsageProblem(f"{flag} {wrong!r} has no =", f"For example: {flag} messages=dialog,tools=functions")
    return {left.strip(): right.strip() for left, _, right in (part.partition("=") for part in parts)}


def sha256(source: str | Path) -> str:
    """Digest that names a data set: of a file's content, or of the name of what is streamed.

    Raises:
        DataError: It is a folder.
    """
    path = _file(str(source))
    if path is not None and path.is_file():  # a pipe can be read once
        return files.sha256(path)
    return hashlib.sha256(str(source).encode()).hexdigest()


def _rows(source: str) -> Iterator[tuple[int, Row | Unusable]]:
    """Numbered rows of a file or a hub data set."""
    path = _file(source)
    if path is None:
        yield from _hub_rows(source)
        return
    with path.open("rb") as file:
        if opening := _ARRAY.match(file.read(64)):
            file.seek(opening.end())
            try:
                yield from ((number, _row(number, row)) for number, row in enumerate(arrays.items(file), 1))
            except (ValueError, RecursionError) as problem:
                raise DataError(f"{source} is not JSON: {problem}", "Give one array, or one object a line.") from None
            return
        file.seek(0)
        for number, raw in enumerate(file, 1):
            if raw.strip():
                yield number, _parse(number, raw)


def _file(source: str) -> Path | None:
    """The file that a source names; None where it is a hub id."""
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{source} is a folder", "Give a JSONL file or the hub id of a data set.")
    return path if path.exists() else None


def _parse(number: int, raw: bytes) -> Row | Unusable:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        return Unusable(number, f"not JSON: {problem}")
    return _row(number, row)


def _row(number: int, row: Any) -> Row | Unusable:
    return row if isinstance(row, dict) else Unusable(number, "not a JSON object")


def _hub_rows(source: str) -> Iterator[tuple[int, Row]]:
    """Rows of a data set on the hub, or in the local cache of `datasets`."""
    if "/" not in source or source.count("/") > 1 or source.startswith((".", "/", "~")):
        raise DataError(f"no such file: {source}", "Give a JSONL file or the hub id of a data set.")
    from datasets import load_dataset

    name, _, split = source.partition(":")
    try:
        rows = load_dataset(name, split=split or "train", streaming=True)
    except Exception as problem:
        raise DataError(f"data set {source} cannot be loaded: {problem}", "Give a local JSONL file.") from problem
    yield from enumerate(rows, 1)

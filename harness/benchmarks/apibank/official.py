"""The official evaluators' own prediction files, as JSON Lines or as one JSON list.

    {"file": "QueryStock-level-1-1.jsonl", "id": 0, "pred": "API-Request: [QueryStock(...)]"}     levels 1 and 2
    {"sample_id": 0, "api_id": 3, "pred": "API-Request: [EmailReminder(...)]"}                     level 3
    {"sample_id": 0, "api_id": 4, "output": "...", "pred": "I have sent ..."}                      responses of level 3

What a line is, its ids say: an id of levels 1 and 2 is a call or a response, and the files of the two levels differ.
Calls and responses of level 3 share their ids; a line with `output` is a response where that is the recorded one. Of
this project's own making is a field `search`: the API that ToolSearcher found.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harness.benchmarks.apibank import data
from harness.benchmarks.apibank.data import Item
from harness.errors import UsageProblem
from harness.protocols import Report

LARGEST = 2**30
"""Bytes of a prediction file."""


class Prediction(NamedTuple):
    """One line of a prediction file."""

    item: Item
    is_call: bool
    text: Any
    """The prediction; the official program ends where it is not text."""
    search: str | None
    """The API that ToolSearcher is taken to find."""


def read_predictions(path: Path, report: Report) -> Iterator[Prediction]:
    """Read predictions in the file's order; what cannot be used is reported and passed over.

    Args:
        path: A `.json`, `.jsonl` or gzip file.
        report: Told about each line that is not a prediction of a known item.

    Yields:
        The predictions.

    Raises:
        UsageProblem: The file cannot be read.
    """
    for where, row in _rows(path, report):
        if not isinstance(row, dict) or "pred" not in row:
            report(f"{where}: no `pred`")
            continue
        found = _item(row)
        if found is None:
            names = {name: row.get(name) for name in ("file", "id", "sample_id", "api_id") if name in row}
            report(f"{where}: no item of API-Bank has the ids {names}")
            continue
        search = row.get("search")
        yield Prediction(found, bool(found.truth), row["pred"], search if isinstance(search, str) else None)


def _item(row: Mapping[str, Any]) -> Item | None:
    known = _by_source()
    try:
        if "sample_id" in row:
            key = ("scene", row["sample_id"], row["api_id"])
            response = known.get((*key, "response"))
            if response is not None and row.get("output") == response.expected:
                return response
            return known.get(key)
        return known.get((row["file"], row["id"]))
    except (KeyError, TypeError):
        return None


@cache
def _by_source() -> Mapping[tuple[Any, ...], Item]:
    found: dict[tuple[Any, ...], Item] = {}
    for item in (*data.items(1).values(), *data.items(2).values(), *data.items(3).values(), *data.responses().values()):
        source = item.source
        if "file" in source:
            found[source["file"], source["id"]] = item
        else:
            kind = () if item.truth else ("response",)
            found["scene", source["sample_id"], source["api_id"], *kind] = item
    return found


def _rows(path: Path, report: Report) -> Iterator[tuple[str, Any]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            text = file.read(LARGEST + 1).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} cannot be read: {error}", "Give a prediction file of API-Bank.") from error
    if len(text) > LARGEST:
        raise UsageProblem(f"{path} is larger than any prediction file", "Give a prediction file of API-Bank.")
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageProblem(f"{path} is not JSON: {error}", "Give JSON Lines or one JSON list.") from error
        yield from ((f"{path}, item {number}", row) for number, row in enumerate(rows, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        try:
            if line.strip():
                yield f"{path}:{number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            report(f"{path}:{number}: not JSON ({error})")

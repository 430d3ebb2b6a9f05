"""API-Bank's dialogues, prompts and databases, as they lie in the pinned files.

    {"file": "QueryStock-level-1-1.jsonl", "id": 0, "instruction": "...API descriptions:\\n{...}", "input": "User: ...",
     "expected_output": "API-Request: [QueryStock(stock_code='AAPL', date='2022-03-12')]"}

An id counts the samples of a dialogue: for each API line two, the line itself (even) and the line after it (odd). A
line that follows another API line is an item twice. What is returned is cached and shared: copy before changing it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.benchmarks.apibank.rules import without_topic
from harness.data import datasets
from harness.errors import DataError, UsageProblem, unknown_name

NAME = "apibank"
SEARCHER = "ToolSearcher"
LEVELS = (1, 2, 3)
_DIALOGUES = {1: "level-1-given-desc.jsonl", 2: "level-2-toolsearcher.jsonl"}
_DESCRIPTIONS = "API descriptions:\n"


@dataclass(frozen=True, slots=True)
class Item:
    """One call or response that is asked for."""

    id: str
    """`level-1/<file>#<id>`, `level-3/<scene>:<call>`, `level-1-response/<file>#<id>` or `level-3-response/<scene>`."""
    level: int
    instruction: str
    """The prompt with the descriptions of the APIs."""
    input: str
    """The dialogue so far."""
    expected: str
    """The recorded answer as text."""
    truth: Mapping[str, Any]
    """The recorded result: `api_name`, `input`, `output`, `exception`; empty for responses."""
    source: Mapping[str, Any]
    """How official result files name it: `file` and `id`, or `sample_id` and `api_id`."""
    api: str = ""
    """Name of the recorded call; empty for responses."""


@cache
def items(level: int) -> Mapping[str, Item]:
    """All calls of a level by id, in the official order.

    Args:
        level: 1, 2 or 3.

    Returns:
        399, 135 or 245 items.

    Raises:
        UsageProblem: There is no such level.
        DataError: The data is missing or damaged.
    """
    if level not in LEVELS:
        raise UsageProblem(f"API-Bank has no level {level!r}", "Its levels are 1, 2 and 3.")
    with datasets.no_collection():
        made = _scene_calls() if level == 3 else _dialogue_calls(level)
        return {item.id: item for item in made}


def _dialogue_calls(level: int) -> Iterator[Item]:
    dialogues = _dialogues(level)
    for row in _json(f"level-{level}-api.json"):
        file, number = row["file"], row["id"]
        samples = _samples(dialogues[file])
        line = samples[number]
        truth = line["result"]
        if any(line is earlier for earlier in samples[:number]):
            truth = {**truth, "input": without_topic(truth, line["api_name"])}  # the first item's checker deleted it
        yield Item(
            f"level-{level}/{file}#{number}",
            level,
            row["instruction"],
            row["input"],
            row["expected_output"],
            truth,
            {"file": file, "id": number},
            line["api_name"],
        )


def _scene_calls() -> Iterator[Item]:
    scenes = _json("level-3.json")
    for row in _json("level-3-batch-inf.json"):
        scene, number = row["sample_id"], row["api_id"]
        call = scenes[scene]["apis"][number]
        yield Item(
            f"level-3/{scene}:{number}",
            3,
            row["instruction"],
            row["input"],
            row["output"],
            call["output"],
            {"sample_id": scene, "api_id": number},
            call["api_name"],
        )


@cache
def responses() -> Mapping[str, Item]:
    """All 528 responses by id: levels 1, 2, 3 in this order."""
    found = []
    for level in (1, 2):
        for row in _json(f"level-{level}-response.json"):
            source = {"file": row["file"], "id": row["id"]}
            name = f"level-{level}-response/{row['file']}#{row['id']}"
            found.append(Item(name, level, row["instruction"], row["input"], row["expected_output"], {}, source))
    for row in _json("level-3-batch-inf-response.json"):
        source = {"sample_id": row["sample_id"], "api_id": row["api_id"]}
        name = f"level-3-response/{row['sample_id']}"
        found.append(Item(name, 3, row["instruction"], row["input"], row["output"], {}, source))
    return {item.id: item for item in found}


@cache
def exact_items(level: int) -> Mapping[str, Mapping[str, Any]]:
    """ToolRL's items of a level by id (`Level1_0`): `system`, `user`, and `answer`, one call."""
    rows = _json(f"toolrl-level-{level}-api_processed.json")
    answers = [row["answer"][0] if isinstance(row["answer"], list) else row["answer"] for row in rows]
    return {
        f"Level{level}_{place}": {**row, "answer": answer}
        for place, (row, answer) in enumerate(zip(rows, answers, strict=True))
    }


def item(level: int, sample_id: str) -> Item:
    """One call; the id may lack what stands before its last `/`.

    Raises:
        UsageProblem: There is no such level or id; near ones are offered.
    """
    known = items(level)
    if not isinstance(sample_id, str):
        raise UsageProblem(f"{sample_id!r} is not an API-Bank id", f"For example {next(iter(known))}.")
    found = known.get(sample_id) or known.get(f"level-{level}/{sample_id}")
    if found is None:
        raise unknown_name(f"API-Bank item of level {level}", sample_id, known)
    return found


def database(name: str) -> Any:
    """One of the initial databases, read-only by agreement."""
    return _databases()[f"{name}.json"]


@cache
def calls(api: str) -> list[Mapping[str, Any]]:
    """The recorded results of an API in levels 1 and 2."""
    return [each.truth for level in (1, 2) for each in items(level).values() if each.api == api]


@cache
def descriptions(level: int) -> Mapping[str, Mapping[str, Any]]:
    """Documents of the APIs by name, as a search returns them.

    Args:
        level: 3 for the APIs of level 3, which only recorded searches describe; else those that the prompts describe.

    Returns:
        `name`, `description`, `input_parameters` and `output_parameters` of each.
    """
    if level == 3:
        found = [each.truth["output"] for each in items(3).values() if each.api == SEARCHER]
    else:
        prompts = [each.instruction for each in (*items(1).values(), *responses().values()) if each.level != 3]
        lines = {line for text in prompts for line in text.partition(_DESCRIPTIONS)[2].split("\n") if line.strip()}
        found = [json.loads(line) for line in sorted(lines)]
    return {each["name"]: each for each in found}


def recorded_searches(level: int) -> Mapping[str, str]:
    """What searches found, by their keywords, in the recorded results of a level."""
    found = {}
    for each in items(level).values():
        if each.api == SEARCHER:
            output = each.truth["output"]
            found[each.truth["input"]["keywords"]] = (output[-1] if isinstance(output, list) else output)["name"]
    return found


def _samples(history: list[Any]) -> list[Any]:
    """The lines that are asked for, by the number that is an item's id."""
    return [history[place + step] for place, line in enumerate(history) if line["role"] == "API" for step in (0, 1)]


@cache
def _dialogues(level: int) -> Mapping[str, list[Any]]:
    lines = _read(_DIALOGUES[level]).splitlines()
    return {row["file"]: row["history"] for row in map(json.loads, lines)}


@cache
def _databases() -> Mapping[str, Any]:
    with datasets.no_collection():
        found: Mapping[str, Any] = _json("init_database.json")
        return found


def _json(name: str) -> Any:
    return json.loads(_read(name))


def _read(name: str) -> bytes:
    file = _folder() / name
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {file}: {error}", f"Run: harness data fetch {NAME}") from error


@cache
def _folder() -> Path:
    return datasets.path(NAME)

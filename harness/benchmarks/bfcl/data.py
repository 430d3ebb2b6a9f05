"""BFCL v4's questions and ground truth, as they lie in the pinned `bfcl-eval` wheel.

Questions and answers are aligned by position: the ground truth of memory and web search keeps unexpanded ids. What is
returned is cached and shared, so it is read-only by agreement: copy before changing anything.

Names, collections and ids follow `bfcl_eval/constants/category_mapping.py` and `bfcl_eval/utils.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.data import datasets
from harness.errors import DataError, unknown_name

VERSION = "v4"

NON_LIVE = (
    "simple_python",
    "simple_java",
    "simple_javascript",
    "multiple",
    "parallel",
    "parallel_multiple",
    "irrelevance",
)
LIVE = (
    "live_simple",
    "live_multiple",
    "live_parallel",
    "live_parallel_multiple",
    "live_irrelevance",
    "live_relevance",
)
MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
MEMORY = ("memory_kv", "memory_vector", "memory_rec_sum")
WEB_SEARCH = ("web_search_base", "web_search_no_snippet")
EXECUTABLE = ("exec_simple", "exec_multiple", "exec_parallel", "exec_parallel_multiple", "rest")
"""Retired upstream in April 2025; part of no official collection."""
FORMAT_SENSITIVITY = "format_sensitivity"

SINGLE_TURN = NON_LIVE + LIVE
AGENTIC = MEMORY + WEB_SEARCH
ALL_SCORING = SINGLE_TURN + MULTI_TURN + AGENTIC

COLLECTIONS: Mapping[str, tuple[str, ...]] = {
    "all": (*ALL_SCORING, FORMAT_SENSITIVITY),
    "all_scoring": ALL_SCORING,
    "single_turn": SINGLE_TURN,
    "non_live": NON_LIVE,
    "live": LIVE,
    "python": tuple(name for name in SINGLE_TURN if not name.startswith("simple_java")),
    "non_python": ("simple_java", "simple_javascript"),
    "multi_turn": MULTI_TURN,
    "memory": MEMORY,
    "web_search": WEB_SEARCH,
    "agentic": AGENTIC,
    "executable": EXECUTABLE,
}
"""Names the official `--test-category` accepts, and `executable`, with their categories."""

UNANSWERED = ("irrelevance", "live_irrelevance", "live_relevance")
"""Categories without ground truth: only whether a call is made counts."""

FUNCTION_DOCS = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
    "WebSearchAPI": "web_search",
    "MemoryAPI_kv": "memory_kv",
    "MemoryAPI_vector": "memory_vector",
    "MemoryAPI_rec_sum": "memory_rec_sum",
}
"""Environment class -> file in `multi_turn_func_doc/`."""


def package() -> Path:
    """The wheel's `bfcl_eval` folder; `DataError` where it is missing or damaged."""
    return datasets.path("bfcl") / "bfcl_eval"


def category_of(sample_id: str) -> str:
    """The category of an id: the text before the first colon, cut at its last underscore."""
    return sample_id.split(":", 1)[0].rpartition("_")[0].removesuffix("_prereq")


@cache
def questions(category: str) -> list[dict[str, Any]]:
    """All question records of one category in the official order, ids expanded.

    Format sensitivity is not stored as questions: see `format_sensitivity_ids`.

    Raises:
        UsageProblem: The category is unknown.
        DataError: The data is missing or damaged.
    """
    return [_expand(record, category) for record in records(_file(category, "question"))]


@cache
def answers(category: str) -> list[Any]:
    """Ground truth of one category, by the position of its question; empty lists where a category has none."""
    if category in UNANSWERED:
        return [[] for _ in questions(category)]
    return [record["ground_truth"] for record in answer_records(category)]


@cache
def answer_records(category: str) -> list[dict[str, Any]]:
    """Whole ground-truth records by position (`execution_result_type` of the executable categories, `source`, ...)."""
    return records(_file(category, "answer"))


def question(sample_id: str) -> dict[str, Any]:
    """One question record.

    Raises:
        UsageProblem: There is no such id.
    """
    category = category_of(sample_id)
    return questions(category)[_position(category, sample_id)]


def answer(sample_id: str) -> Any:
    """The ground truth of one question.

    Raises:
        UsageProblem: There is no such id.
    """
    category = category_of(sample_id)
    return answers(category)[_position(category, sample_id)]


@cache
def function_docs(class_name: str) -> list[dict[str, Any]]:
    """The function documents of one environment class, in file order."""
    return records(package() / "data" / "multi_turn_func_doc" / f"{FUNCTION_DOCS[class_name]}.json")


@cache
def memory_conversations(scenario: str, category: str) -> list[dict[str, Any]]:
    """The pre-conversations that fill the memory for a scenario (`customer`, ...), ids expanded for a category."""
    file = package() / "data" / "memory_prereq_conversation" / f"memory_{scenario}.json"
    return [_expand(record, category) for record in records(file)]


@cache
def format_sensitivity_ids() -> Mapping[str, list[str]]:
    """Source ids of the 200 format-sensitivity items by source category, in the order of the data set."""
    file = package() / "data" / "BFCL_v4_format_sensitivity.json"
    chosen = json.loads(_text(file))
    return {
        category: [record["id"] for record in questions(category) if record["id"] in set(ids)]
        for category, ids in chosen.items()
        if ids
    }


def records(file: Path) -> list[dict[str, Any]]:
    """Read a JSON Lines file of the wheel.

    Raises:
        DataError: It is missing, or a line is not JSON.
    """
    # Not splitlines: the questions contain U+2028 and the like, which are not line ends in JSON Lines.
    found = []
    for number, line in enumerate(_text(file).split("\n"), 1):
        try:
            if line.strip():
                found.append(json.loads(line))
        except ValueError as error:
            raise DataError(f"{file}:{number} is not JSON: {error}", "Run: harness data fetch bfcl") from error
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {file}: {error}", "Run: harness data fetch bfcl") from error


def _file(category: str, kind: str) -> Path:
    """Where a category's questions or answers are."""
    known = (*ALL_SCORING, *EXECUTABLE)
    if category not in known:
        raise unknown_name("BFCL category", category, known)
    stored = "memory" if category in MEMORY else "web_search" if category in WEB_SEARCH else category
    folder = package() / "data"
    if category in EXECUTABLE:
        folder = folder / "unused_datasets" / ("question" if kind == "question" else "possible_answer")
    elif kind == "answer":
        folder = folder / "possible_answer"
    return folder / f"BFCL_{VERSION}_{stored}.json"


def _expand(record: dict[str, Any], category: str) -> dict[str, Any]:
    """Give a record that several categories share the id it has in one of them."""
    if category in MEMORY:
        return {**record, "id": record["id"].replace("memory", category), "involved_classes": [_backend(category)]}
    if category in WEB_SEARCH:
        return {**record, "id": record["id"].replace("web_search", category)}
    return record


def _backend(category: str) -> str:
    return f"MemoryAPI_{category.removeprefix('memory_')}"


@cache
def _positions(category: str) -> Mapping[str, int]:
    return {record["id"]: position for position, record in enumerate(questions(category))}


def _position(category: str, sample_id: str) -> int:
    positions = _positions(category)
    if sample_id not in positions:
        raise unknown_name("BFCL id", sample_id, positions)
    return positions[sample_id]

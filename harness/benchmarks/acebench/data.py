"""ACEBench's questions and ground truth, as they lie in the pinned files of its repository.

{"id": "normal_atom_bool_0", "question": "user: ...\\n", "function": [{"name": ..., "parameters": {...}}], "time": ""}
ground truth: {"planner_list": {"meal_type": "dinner", "vegetarian": true}}

An id exists in both languages with different content, so that language and id together are the key. What is returned
is cached and shared, so it is read-only by agreement. Layout and names: repository commit 56dd66cf, `category.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.data import datasets
from harness.errors import DataError, unknown_name

LANGUAGES = ("en", "zh")

SINGLE_TURN = ("normal_single_turn_single_function", "normal_single_turn_parallel_function")
MULTI_TURN = ("normal_multi_turn_user_adjust", "normal_multi_turn_user_switch")
"""Dialogues whose steps are questions of their own: each holds the earlier conversation with the reference's calls."""
ATOM = (
    "normal_atom_bool",
    "normal_atom_enum",
    "normal_atom_number",
    "normal_atom_list",
    "normal_atom_object_deep",
    "normal_atom_object_short",
)
NORMAL = (*SINGLE_TURN, *MULTI_TURN, "normal_similar_api", "normal_preference", *ATOM)
SPECIAL = ("special_incomplete", "special_error_param", "special_irrelevant")
MULTI_STEP = "agent_multi_step"
AGENT_TURNS = "agent_multi_turn"
AGENT = (MULTI_STEP, AGENT_TURNS)
CATEGORIES = (*NORMAL, *SPECIAL, *AGENT)
GROUPS: Mapping[str, tuple[str, ...]] = {"normal": NORMAL, "special": SPECIAL, "agent": AGENT}

_NUMBERS = re.compile(r"_\d+(?:_\d+)?$")


def category_of(sample_id: str) -> str:
    """The category of an id: the text before its number, or before dialogue and step.

    Raises:
        UsageProblem: It is none of the 17.
    """
    category = _NUMBERS.sub("", sample_id)
    if category not in CATEGORIES:
        raise unknown_name("ACEBench id", sample_id, [f"{name}_0" for name in CATEGORIES])
    return category


@cache
def questions(language: str, category: str) -> Mapping[str, dict[str, Any]]:
    """All question records of one category in the official order, by id.

    Raises:
        DataError: The data is missing or damaged.
        UsageProblem: The language or the category is unknown.
    """
    return {record["id"]: record for record in _records(_file(language, category))}


@cache
def answers(language: str, category: str) -> Mapping[str, dict[str, Any]]:
    """Whole ground-truth records of one category by id: `ground_truth`, for agents also `mile_stone`.

    Raises:
        DataError: The data is missing or damaged.
        UsageProblem: The language or the category is unknown.
    """
    return {record["id"]: record for record in _records(_file(language, category, "possible_answer"))}


def question(language: str, sample_id: str) -> dict[str, Any]:
    """One question record.

    Raises:
        UsageProblem: There is no such id.
    """
    known = questions(language, category_of(sample_id))
    if sample_id not in known:
        raise unknown_name("ACEBench id", sample_id, known)
    return known[sample_id]


def answer(language: str, sample_id: str) -> dict[str, Any]:
    """The ground-truth record of one question.

    Raises:
        UsageProblem: There is no such id.
    """
    question(language, sample_id)
    return answers(language, category_of(sample_id))[sample_id]


def _file(language: str, category: str, *inside: str) -> Path:
    if language not in LANGUAGES:
        raise unknown_name("ACEBench language", language, LANGUAGES)
    if category not in CATEGORIES:
        raise unknown_name("ACEBench category", category, CATEGORIES)
    return datasets.path("acebench").joinpath("data_all", f"data_{language}", *inside, f"data_{category}.json")


@datasets.no_collection()
def _records(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    try:
        # Not splitlines: texts may contain U+2028 and the like, which are not line ends in JSON Lines.
        for line in file.read_text(encoding="utf-8").split("\n"):
            if line.strip():
                found.append(json.loads(line))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}:{len(found) + 1}: {error}", "Run: harness data fetch acebench") from error
    return found

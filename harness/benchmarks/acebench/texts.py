"""Prompts, result texts and initial states, read from the official sources by parsing; nothing there is executed.

Each text is found by the first digits of its sha256 (`texts.json`: name -> English, Chinese), so that none is copied
here and none can be mistaken for another. An f-string counts as a template with `{}` for each of its values.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.benchmarks.acebench.data import LANGUAGES
from harness.data import datasets
from harness.data.sources import texts_in
from harness.errors import DataError

SOURCES = "acebench_sources"
SERVICES = {
    "BaseApi": "phone_platform/base_api",
    "MessageApi": "phone_platform/message",
    "ReminderApi": "phone_platform/reminder",
    "FoodPlatform": "phone_platform/food_services",
    "Travel": "travel",
}
"""Class -> its file in `multi_turn/scenarios<language>/`; the multi-step copies hold the same."""

_REMEDY = f"Run: harness data fetch {SOURCES}"


def text(language: str, name: str) -> str:
    """One official text.

    Args:
        language: `en` or `zh`.
        name: A name of `texts.json`.

    Returns:
        The text, with `{...}` where values go.

    Raises:
        DataError: The sources are not there, or do not hold it.
    """
    digest = _digests()[name][LANGUAGES.index(language)]
    found = _texts()
    if digest not in found:
        raise DataError(f"the official sources do not hold the text {name!r} ({language}, sha256 {digest})", _REMEDY)
    return found[digest]


def say(language: str, name: str, *values: Any) -> str:
    """A result text with its values."""
    return text(language, name).format(*values)


@cache
def _digests() -> Mapping[str, tuple[str, str]]:
    found: Mapping[str, tuple[str, str]] = json.loads((Path(__file__).parent / "texts.json").read_text("utf-8"))
    return found


@cache
def _texts() -> Mapping[str, str]:
    folder = datasets.path(SOURCES)
    return {
        digest: found for file in sorted(folder.rglob("*.py")) for digest, found in texts_in(file.read_bytes()).items()
    }


@cache
def states(language: str) -> Mapping[str, Mapping[str, Any]]:
    """Initial attributes of each service class; to be copied before anything changes them.

    Args:
        language: `en` or `zh`.

    Returns:
        Class -> attribute -> value: the literals that its `__init__` assigns.

    Raises:
        DataError: The sources are not there, or are not what was pinned.
    """
    folder = datasets.path(SOURCES) / "model_inference" / "multi_turn" / f"scenarios{language}"
    return {name: _assigned(folder / f"{file}.py", name) for name, file in SERVICES.items()}


def _assigned(file: Path, name: str) -> dict[str, Any]:
    tree = ast.parse(file.read_bytes())
    found: dict[str, Any] = {}
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef) and cls.name == name:
            for node in ast.walk(next(node for node in cls.body if _is_init(node))):
                target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
                if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Attribute) and node.value:
                    found[target.attr] = ast.literal_eval(node.value)
    if not found:
        raise DataError(f"{file} has no class {name} with attributes", _REMEDY)
    return found


def _is_init(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__init__"

"""The sentence model behind ToolSearcher, for those who want it: `HARNESS_APIBANK_SEARCH=model`.

It needs the extra `memory-vector` and the model's files. The data describes 49 of the 52 APIs
that upstream searches in levels 1 and 2 (AddScene, ModifyScene and CheckToken occur in no prompt): keywords whose
nearest API is one of these three find another one here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from harness import machine
from harness.benchmarks.apibank import data
from harness.errors import UsageProblem

VARIABLE = "HARNESS_APIBANK_SEARCH"
WAYS = ("recorded", "model")
MODEL = "sentence-transformers/paraphrase-MiniLM-L3-v2"


def way() -> str:
    """How unknown keywords are searched: `recorded` (not at all) or `model`.

    Raises:
        UsageProblem: The environment names another way.
    """
    chosen = os.environ.get(VARIABLE) or WAYS[0]
    if chosen not in WAYS:
        raise UsageProblem(f"{VARIABLE} is {chosen!r}", f"It can be {' or '.join(WAYS)}.")
    return chosen


def nearest(level: int, keywords: str) -> str | None:
    """The API whose description is nearest to some keywords.

    Args:
        level: Whose APIs.
        keywords: As the search gets them.

    Returns:
        Its name; None where the model is not wanted, or nothing is near.
    """
    return _nearest(level, keywords) if way() == "model" else None


@lru_cache(maxsize=4096)
def _nearest(level: int, keywords: str) -> str | None:
    names = [name for name in data.descriptions(level) if name != data.SEARCHER]
    wanted = _encode([keywords])[0]
    scores = [float(wanted @ each) for each in _documents(level, tuple(names))]
    best = max(scores)
    return names[scores.index(best)] if best > 0 else None


@cache
def _documents(level: int, names: tuple[str, ...]) -> Any:
    found = data.descriptions(level)
    return _encode([_split(name) + found[name]["description"] for name in names])


def _split(name: str) -> str:
    """`QueryStock` as `query stock`."""
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()


def _encode(texts: Sequence[str]) -> Any:
    return _model().encode(list(texts), normalize_embeddings=True)


@cache
def _model() -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise UsageProblem(
            f"{VARIABLE}=model needs the package sentence-transformers",
            f"Run: {machine.install('memory-vector')}",
        ) from error
    try:
        return SentenceTransformer(MODEL, device="cpu", local_files_only=machine.is_offline())
    except (OSError, ValueError) as error:
        raise UsageProblem(f"cannot load {MODEL}: {error}", f"Fetch it, or unset {VARIABLE}.") from error

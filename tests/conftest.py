"""What many tests need: the benchmark data, and the shared parity cases where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from harness.data import datasets
from harness.errors import DataError

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def bfcl_data() -> Path:
    """The unpacked BFCL data; fetched where it is not there, skipped where it cannot be."""
    try:
        datasets.fetch("bfcl")
    except DataError as error:
        pytest.skip(f"no BFCL data: {error}")
    return datasets.path("bfcl")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of parity cases that is not part of the repository."""
    folder = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no parity cases in {folder}; name their folder in SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def acebench_data(request: pytest.FixtureRequest) -> Path:
    """The unpacked ACEBench questions; taken from the shared copies where they are not there, skipped without any."""
    try:
        return datasets.path("acebench")
    except DataError:
        shared: Path = request.getfixturevalue("shared_data")
        try:
            return datasets.fetch("acebench", shared / "acebench", offline=True)
        except DataError as error:
            pytest.skip(f"no ACEBench data: {error}")

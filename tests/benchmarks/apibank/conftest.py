"""API-Bank's data, taken from the shared copy where it is not in the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import datasets
from harness.errors import DataError


@pytest.fixture(scope="session")
def apibank_data(shared_data: Path) -> Path:
    try:
        return datasets.fetch("apibank", shared_data / "apibank", offline=True)
    except DataError as error:
        pytest.skip(f"no API-Bank data: {error}")


@pytest.fixture(scope="session")
def apibank_oracle(shared_data: Path, apibank_data: Path) -> Path:
    folder = shared_data / "apibank-oracle"
    if not folder.is_dir():
        pytest.skip(f"no parity cases in {folder}")
    return folder

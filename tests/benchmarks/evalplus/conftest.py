"""HumanEval+ and MBPP+ for the tests, with a cache of expected outputs of their own, and a sandbox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import sandbox
from harness.data import datasets
from harness.errors import DataError, SandboxUnavailable

FILES = {
    "humaneval_plus": ("HUMANEVAL_OVERRIDE_PATH", "HumanEvalPlus.jsonl.gz"),
    "mbpp_plus": ("MBPP_OVERRIDE_PATH", "MbppPlus.jsonl.gz"),
}


def _file(name: str, shared_name: str) -> Path:
    try:
        return datasets.path(name)
    except DataError as error:
        shared = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"), "evalplus")
        if not (shared / shared_name).is_file():
            pytest.skip(f"{error}; and {shared} has none")
        return shared / shared_name


@pytest.fixture(scope="session")
def evalplus_files() -> dict[str, str]:
    """Where the data is, as environment variables."""
    return {variable: str(_file(name, shared_name)) for name, (variable, shared_name) in FILES.items()}


@pytest.fixture(scope="session")
def evalplus_environment(evalplus_files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same, and one cache of expected outputs for the session."""
    return evalplus_files | {"HARNESS_CACHE": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture
def evalplus_data(evalplus_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in evalplus_environment.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture(scope="session")
def sandbox_pool() -> Iterator[None]:
    try:
        sandbox.configure(workers=1)
        sandbox.shared()
    except SandboxUnavailable as error:
        pytest.skip(str(error).splitlines()[0])
    yield
    sandbox.close()


@pytest.fixture
def judging(evalplus_data: None, sandbox_pool: None) -> None:
    pass

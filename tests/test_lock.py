"""constraints.txt: a pin for every direct dependency, and lower bounds that are read off pyproject.toml."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = """
[project]
name = "it"
dependencies = ["pytest>=1.5,!=1.6", "pyyaml", "click >= 8 ; python_version >= '3.11'"]
[project.optional-dependencies]
more = ["hypothesis[cli]>=6.1,<9"]
unused = ["no-such-package>=1"]
dev = ["it[more]", "ruff>=0.6"]
"""


@pytest.fixture
def lock(tmp_path: Path) -> Any:
    """Runs the script on a project; returns the pins."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "lock.py", tmp_path / ".ci")
    (tmp_path / "pyproject.toml").write_text(PROJECT)

    def run(*arguments: str) -> list[str]:
        subprocess.run([sys.executable, tmp_path / ".ci" / "lock.py", *arguments], check=True)
        head, *pins = (tmp_path / "constraints.txt").read_text().splitlines()
        assert head.startswith("# ")
        return pins

    return run


def test_what_is_installed_is_pinned(lock: Any) -> None:
    version = {name: metadata.version(name) for name in ("pytest", "pyyaml", "click", "hypothesis", "ruff")}
    assert lock() == [
        f"click=={version['click']}; python_version >= '3.11'",
        f"hypothesis=={version['hypothesis']}",
        f"pytest=={version['pytest']}",
        f"pyyaml=={version['pyyaml']}",
        f"ruff=={version['ruff']}",
    ]


def test_lower_bounds_are_those_of_the_project(lock: Any) -> None:
    assert lock("--lowest") == [
        "click==8; python_version >= '3.11'",
        "hypothesis==6.1",
        "pytest==1.5",
        "ruff==0.6",
    ]


def test_every_direct_dependency_has_a_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = runpy.run_path(str(ROOT / ".ci" / "lock.py"))["direct"]
    wanted = {found["name"].lower() for found in [*direct(project), *direct(project, "dev")]}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    if not lines:
        pytest.skip("the newest releases are tried: nothing is pinned")
    assert {line.partition("==")[0].lower() for line in lines if not line.startswith("#")} == wanted

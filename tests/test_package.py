"""The wheel holds everything that a command needs, away from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness import machine

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "trainer", "refine", "leaderboards")
JUNK = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy, so that no build folder is left in the checkout or taken from it."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=JUNK)
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(source.glob("*.whl"))


def test_every_file_is_in_it(wheel: Path) -> None:
    files = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = {Path(name).name for name in archive.namelist() if "/licenses/" in name}
    assert sorted(files - packed) == []
    assert {name.split("/")[0] for name in packed} == set(PACKAGES)
    assert licences == {"LICENSE", "NOTICE"}


@pytest.mark.usefixtures("bfcl_data")
def test_it_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = os.environ | {"PYTHONPATH": str(site), "HARNESS_CACHE": str(machine.cache_root())}

    def run(program: str, *arguments: str) -> str:
        command = [sys.executable, "-m", f"{program}.cli", *arguments]
        done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    code = "import harness, refine, trainer; print(*(p.__file__ for p in (harness, refine, trainer)), sep='\\n')"
    found = subprocess.run([sys.executable, "-c", code], cwd=elsewhere, env=environment, capture_output=True, text=True)
    assert all(line.startswith(str(site)) for line in found.stdout.split())
    assert "bfcl" in run("harness", "data", "list")
    assert "simple_python" in run("harness", "run", "--model", "tiny", "--tasks", "simple_python", "--limit", "1")
    assert "Published" in run("harness", "leaderboard", "results", "--output", "board")
    assert (elsewhere / "board").is_dir()
    assert "response" in run("refine", "run", "--help")
    assert "msl" in run("trainer", "run", "--help")

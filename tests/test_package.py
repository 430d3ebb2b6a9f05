"""The wheel holds everything that a command needs, away from the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import machine
from harness.cli import cli
from harness.running.settings import RunSettings

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


@pytest.fixture(scope="module")
def image() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile, with what they are given."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_is_the_command_for_an_ordinary_user(image: list[tuple[str, str]]) -> None:
    words = [word for word, _ in image]
    given = dict(image)
    assert json.loads(given["ENTRYPOINT"]) == ["harness"]
    assert CliRunner().invoke(cli, json.loads(given["CMD"])).exit_code == 0
    assert given["USER"] not in ("", "root", "0")
    assert words.index("USER") > max(place for place, word in enumerate(words) if word == "RUN")


def test_results_and_cache_of_the_image_are_volumes(image: list[tuple[str, str]]) -> None:
    given = dict(image)
    volumes = json.loads(given["VOLUME"])
    variables = dict(pair.split("=") for pair in given["ENV"].split())
    results = f"{given['WORKDIR']}/{RunSettings(model='m', tasks='t').output}"
    assert volumes == [results, variables["HARNESS_CACHE"]]
    assert variables["HF_HOME"].startswith(variables["HARNESS_CACHE"])
    (made,) = (rest for word, rest in image if word == "RUN" and "useradd" in rest)
    assert all(folder in made.split("install --directory")[1] for folder in volumes)


def test_the_image_installs_extras_that_exist_with_the_tested_versions(image: list[tuple[str, str]]) -> None:
    arguments = dict(rest.split("=", 1) for word, rest in image if word == "ARG")
    assert arguments["TORCH_INDEX"] == ""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(arguments["EXTRAS"].split(",")) <= project["optional-dependencies"].keys()
    (installs,) = (rest for word, rest in image if word == "RUN" and "pip install" in rest)
    assert installs.count("--constraint /tmp/install/constraints.txt") == installs.count("pip install") == 2
    assert '${TORCH_INDEX:+--index-url "$TORCH_INDEX"}' in installs.split("&&")[0]
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not {"constraints.txt", "pyproject.toml", "README.md", *PACKAGES} & set(ignored)

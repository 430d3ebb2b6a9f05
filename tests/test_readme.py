"""Every command of the documentation runs, in the order of its page, in a copy of the checkout.

A block of `sh` or `python` is run. A comment before a block steers it: `<!-- not run: REASON -->` leaves it out (its
commands are still looked up: programs, sub-commands, flags, targets, modules), `<!-- file: PATH -->` writes it to that
file, as the text around it tells the reader to do, and `<!-- printed by: COMMAND -->` stands before what was printed.
Where a page asks 50 items of a category, two are asked here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import machine
from tests import commandlines

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "trainer", "refine", "leaderboards")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/README.md")])
PAGES += sorted(page for package in (*PACKAGES, "results") for page in (ROOT / package).rglob("README.md"))
RUN_ELSEWHERE = {ROOT / "examples" / "plugin" / "README.md": "tests/test_example_plugin.py"}
"""Pages whose commands would change this environment -> the test that gives them one of their own."""
WIDTH = 80
"""Columns of the terminal whose output is shown."""
FENCE = re.compile(
    r"(?:^<!-- (?P<what>not run|file|printed by): (?P<value>[^\n]+?) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
RUN = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
SECONDS, LIMIT = 240, "2"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    what: str | None
    """`not run`, `file` or `printed by`."""
    value: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        yield Block(page, line, found["language"], found["text"], found["what"], found["value"] or "")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout whose commands run the copy."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    if (ROOT / "examples").is_dir():
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name in ("harness", "trainer", "refine"):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {name}.cli "$@"\n')
        (commands / name).chmod(0o755)
    # Newer than the files it depends on: `make` has nothing to install.
    (folder / ".venv" / ".ready").touch()
    return folder


def environment(checkout: Path) -> dict[str, str]:
    path = f"{checkout / '.venv' / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {"PATH": path, "PYTHONPATH": str(checkout), "HARNESS_CACHE": str(machine.cache_root()), "LIMIT": LIMIT}
    left_out = ("HARNESS_", "TRAINER_", "REFINE_", "GITHUB_", "COV_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | own | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": str(WIDTH)}


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in RUN_ELSEWHERE], ids=lambda page: str(page.relative_to(ROOT))
)
def test_commands_run(page: Path, checkout: Path) -> None:
    for block in blocks(page):
        if block.what == "file":
            file = checkout / block.value
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.what is None and block.language in RUN:
            command = [*RUN[block.language], block.text.replace("--limit 50", f"--limit {LIMIT}")]
            done = subprocess.run(
                command, cwd=checkout, env=environment(checkout), capture_output=True, text=True, timeout=SECONDS
            )
            assert done.returncode == 0, f"{block}\n{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_say_what_they_are(page: Path) -> None:
    for block in blocks(page):
        assert block.language, f"{block}: a block without a language"
        assert block.language not in ("bash", "shell", "console"), f"{block}: commands are `sh`"
        if block.language == "text" and page.parent in (ROOT, ROOT / "docs"):
            assert block.what == "printed by", f"{block}: which command printed this?"
        if block.what == "printed by":
            assert [line for line in block.text.splitlines() if len(line) > WIDTH] == [], f"{block}: wider than {WIDTH}"
    for what in ("not run", "printed by"):
        assert page.read_text().count(f"<!-- {what}:") == sum(block.what == what for block in blocks(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_not_run_exist(page: Path, tmp_path: Path) -> None:
    script = "\n".join(block.text for block in blocks(page) if (block.what, block.language) == ("not run", "sh"))
    for line in commandlines.of(script, tmp_path):
        commandlines.check(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_the_front_page_is_short() -> None:
    page = (ROOT / "README.md").read_text()
    assert page.count("\n") <= 250
    first, second = [block for block in blocks(ROOT / "README.md") if block.language == "sh"][:2]
    assert (first.text, second.text) == ("make run\n", "make test\n")


def test_the_index_names_every_page() -> None:
    index = (ROOT / "llms.txt").read_text()
    listed = re.findall(r"^- \[[^]]+\]\(([^)]+)\): \S", index, re.MULTILINE)
    assert index.startswith("# funreason-harness\n\n> ")
    assert len(listed) == len(set(listed)) == index.count("](")
    assert {ROOT / target for target in listed} == {*PAGES}


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"version = {{{version}}}" in (ROOT / "README.md").read_text()
    assert f"`{version}`" in (ROOT / "docs" / "install.md").read_text()
    (newest, *_) = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest == version.partition(".dev")[0]


def test_the_table_of_extras_is_that_of_the_script() -> None:
    if len((ROOT / "constraints.txt").read_text().splitlines()) < 2:
        pytest.skip("the newest releases are tried: nothing is pinned")
    command = [sys.executable, ROOT / ".ci" / "extras.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_tree_is_there() -> None:
    (tree,) = (block.text for block in blocks(ROOT / "docs" / "extend.md") if block.language == "tree")
    folders: list[str] = []
    for line in tree.splitlines():
        # Two spaces a level; one or more names; two spaces; what they are.
        indent, names = re.match(r"( *)(.*?)(?:  |$)", line).groups()  # type: ignore[union-attr]
        for name in names.split():
            folders[len(indent) // 2 :] = [name]
            assert (ROOT / "/".join(folders)).exists(), f"{'/'.join(folders)} is not there"

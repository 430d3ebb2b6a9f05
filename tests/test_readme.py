"""Every command of the documentation runs, in the order of its page, in a copy of the checkout.

A block of `sh` or `python` is run. A comment before a block steers it: `<!-- not run: REASON -->` leaves it out,
`<!-- file: PATH -->` writes it to that file, as the text around it tells the reader to do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import machine

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "trainer", "refine", "leaderboards")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PAGES += sorted(page for package in PACKAGES for page in (ROOT / package).rglob("README.md"))
FENCE = re.compile(
    r"(?:^<!-- (?P<what>not run|file): (?P<value>[^\n]+?) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
RUN = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
SECONDS = 240


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    what: str | None
    """`not run` or `file`."""
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
    own = {"PATH": path, "PYTHONPATH": str(checkout), "HARNESS_CACHE": str(machine.cache_root()), "LIMIT": "2"}
    left_out = ("HARNESS_", "TRAINER_", "REFINE_", "GITHUB_", "COV_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | own | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "120"}


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_run(page: Path, checkout: Path) -> None:
    for block in blocks(page):
        if block.what == "file":
            file = checkout / block.value
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.what is None and block.language in RUN:
            command = [*RUN[block.language], block.text]
            done = subprocess.run(
                command, cwd=checkout, env=environment(checkout), capture_output=True, text=True, timeout=SECONDS
            )
            assert done.returncode == 0, f"{block}\n{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_say_what_they_are(page: Path) -> None:
    for block in blocks(page):
        assert block.language, f"{block}: a block without a language"
        assert block.language not in ("bash", "shell", "console"), f"{block}: commands are `sh`"
    assert page.read_text().count("<!-- not run:") == sum(block.what == "not run" for block in blocks(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_the_tree_of_the_readme_is_there() -> None:
    (tree,) = (block.text for block in blocks(ROOT / "README.md") if block.language == "tree")
    folders: list[str] = []
    for line in tree.splitlines():
        # Two spaces a level; one or more names; two spaces; what they are.
        indent, names = re.match(r"( *)(.*?)(?:  |$)", line).groups()  # type: ignore[union-attr]
        for name in names.split():
            folders[len(indent) // 2 :] = [name]
            assert (ROOT / "/".join(folders)).exists(), f"{'/'.join(folders)} is not there"

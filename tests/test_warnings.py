"""What a warning does to a test: ours fail it, those of packages about themselves are shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
THEIRS = """
import warnings

def warn(category, level):
    warnings.warn("about " + category.__name__, category, stacklevel=level)
"""
OURS = """
import warnings
from pathlib import Path

import pytest
import theirs

def test_fails_our_own():
    warnings.warn("careful")

def test_fails_what_we_do_wrong():
    theirs.warn(UserWarning, level=2)

def test_fails_a_file_left_open():
    open(__file__)

def test_fails_a_coroutine_not_awaited():
    async def never(): ...
    never()

def test_fails_a_raise_that_nobody_can_catch():
    class Broken:
        def __del__(self):
            raise ValueError("lost")
    Broken()

def test_fails_doubtful_syntax():
    compile("1 is 1", str(Path(__file__).with_name("more.py")), "exec")

@pytest.mark.parametrize("category", [UserWarning, RuntimeWarning, DeprecationWarning, FutureWarning])
def test_passes_what_they_say_of_themselves(category):
    theirs.warn(category, level=1)

@pytest.mark.parametrize("category", [DeprecationWarning, PendingDeprecationWarning, FutureWarning])
def test_passes_what_goes_away(category):
    theirs.warn(category, level=2)

def test_passes_their_doubtful_syntax():
    compile("1 is 1", "/lib/site-packages/theirs.py", "exec")
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of the two files under the rules of pyproject.toml."""
    folder = tmp_path_factory.mktemp("warnings")
    (folder / "tests").mkdir()
    (folder / "tests" / "__init__.py").touch()
    (folder / "tests" / "test_ours.py").write_text(OURS)
    (folder / "theirs.py").write_text(THEIRS)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONWARNINGS"))}
    options = ["-c", ROOT / "pyproject.toml", "--rootdir", folder, "-rA", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, folder / "tests"],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_ours_fail_and_theirs_do_not(outcome: str) -> None:
    ends = re.findall(r"^(PASSED|FAILED|ERROR) \S*::test_(fails|passes)", outcome, re.MULTILINE)
    assert sorted(ends) == [("FAILED", "fails")] * OURS.count("def test_fails") + [("PASSED", "passes")] * 8, outcome


def test_what_does_not_fail_is_shown(outcome: str) -> None:
    summary = outcome.partition("warnings summary")[2]
    for name in ("UserWarning", "RuntimeWarning", "DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"):
        assert f"about {name}" in summary, outcome

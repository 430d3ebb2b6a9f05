"""The folder of a job: what is too much is seen at once, and everything can be removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.sandbox import folders


def test_little_is_not_too_much(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(bytes(1 << 20))
    assert not folders.overfull(str(tmp_path), 2)
    assert folders.overfull(str(tmp_path), 0)
    assert not folders.overfull(str(tmp_path / "gone"), 2)


@pytest.mark.parametrize("count", [folders.MOST_ENTRIES, folders.MOST_ENTRIES + 1])
def test_entries_are_counted(tmp_path: Path, count: int) -> None:
    (tmp_path / "below").mkdir()
    for number in range(count - 1):
        (tmp_path / "below" / str(number)).touch()
    assert folders.overfull(str(tmp_path), 2) is (count > folders.MOST_ENTRIES)


def nest(folder: Path, depth: int) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("x" * 250, dir_fd=here)
        below = os.open("x" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("last", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@pytest.mark.parametrize("depth", [folders.DEEPEST - 1, folders.DEEPEST, 400])
def test_deep_folders_are_too_much_and_can_be_removed(tmp_path: Path, depth: int) -> None:
    nest(tmp_path, depth)
    assert folders.overfull(str(tmp_path), 2) is (depth >= folders.DEEPEST)
    folders.empty(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_locked_folders_odd_names_and_links_are_removed_and_nothing_else(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for folder in (outside, inside):
        folder.mkdir()
    (outside / "kept").write_text("kept")
    (inside / "link").symlink_to(outside)
    (inside / "locked").mkdir()
    (inside / "locked" / "below").mkdir(mode=0)
    (inside / "locked").chmod(0)
    os.mkdir(os.fsencode(inside) + b"/\xff\n")
    folders.empty(str(inside))
    assert os.listdir(inside) == []
    assert (outside / "kept").read_text() == "kept"

"""An export writes over nothing that it was not told to replace."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from tests import synthetic_runs


def export(run: Path, output: Path, *flags: str) -> object:
    return CliRunner().invoke(cli, ["export", str(run), str(output), "--to", "lm-eval", *flags]).exception


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs of one name and time."""
    outcomes = (synthetic_runs.biased(seed, 0.6) for seed in (1, 2))
    return [synthetic_runs.write(tmp_path / "runs", "m", {"multiple": 40}, marks) for marks in outcomes]


def test_other_content_is_refused_as_a_whole(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert export(runs[0], out) is None
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert "is there already, with other content" in str(export(runs[1], out))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert export(runs[0], out) is None, "the same files again change nothing"
    assert export(runs[1], out, "--overwrite") is None
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} != before


def test_no_temporary_folder_is_left(runs: list[Path], tmp_path: Path) -> None:
    export(runs[0], tmp_path / "out")
    export(runs[1], tmp_path / "out")
    assert not list((tmp_path / "out").glob(".export-*"))

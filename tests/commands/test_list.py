"""`harness list` in narrow terminals."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from tests import synthetic_runs


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize(
    ("arguments", "column"),
    [
        (["tasks"], "task"),
        (["groups"], "task"),
        (["handlers"], "about"),
        (["dialects"], "about"),
        (["engines"], "about"),
        (["runs"], "run"),
        (["runs", "--results", "."], "folder"),
    ],
)
def test_a_list_fits_the_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], column: str, width: int
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("m", "organisation/a-model-whose-name-is-long-as-such-names-are-7B"):
        synthetic_runs.write(Path("results"), name, {"multiple": 3})
    result = CliRunner().invoke(cli, ["list", *arguments], env={"COLUMNS": str(width)})
    assert result.exit_code == 0, result.output
    said = result.stdout.splitlines()
    assert column in said[0].split()
    assert [line for line in said if len(line) > width] == []

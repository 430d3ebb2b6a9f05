"""The command line in this process."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from tests.toy import SIZE, Toy, install

Command = Callable[..., int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs `harness` with the toy benchmark in an empty folder and returns its exit code."""
    install(Toy(), monkeypatch.setattr)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.json").write_text(json.dumps({f"echo_{i}": f"echo_{i}" for i in range(SIZE)}))
    old = signal.getsignal(signal.SIGTERM)

    def harness(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
        finally:
            signal.signal(signal.SIGTERM, old)
        return 0

    return harness

"""The official BFCL package in a virtual environment of its own: the peer of the BFCL benchmarks.

`BFCL_ORACLE_VENV` names the environment; without it `.venv-oracle` is made in the repository, which takes minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ("bfcl-eval==2026.3.23", "soundfile")
"""Its import needs soundfile without saying so."""

REGISTERED = "gpt-4o-2024-11-20-FC"
"""A model the official package knows whose results are lists of names with JSON arguments, names without dots."""


def environment() -> Path:
    """The virtual environment, made where it is not there."""
    folder = Path(os.environ.get("BFCL_ORACLE_VENV", ROOT / ".venv-oracle"))
    if not (folder / "bin" / "bfcl").exists():
        print(f"making {folder} for the official package ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", *PACKAGE], check=True)
    return folder


def variables(root: Path) -> dict[str, str]:
    """Environment variables for a run of the package that reads and writes below `root`."""
    return {**os.environ, "BFCL_PROJECT_ROOT": str(root), "OPENAI_API_KEY": "unused", "PYTHONWARNINGS": "ignore"}


def evaluate(root: Path, categories: list[str]) -> None:
    """Run `bfcl evaluate` on `root/result/<REGISTERED>`; scores appear in `root/score`."""
    command = [environment() / "bin" / "bfcl", "evaluate", "--model", REGISTERED]
    command += ["--test-category", ",".join(categories)]
    done = subprocess.run(command, env=variables(root), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])

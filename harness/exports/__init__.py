"""Other tools' file formats, one module each. To add one: export `write(request) -> Exported`."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

from harness.errors import unknown_name


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be written, and where."""

    run: Path
    """Folder of a run."""
    output: Path
    model_name: str | None = None
    """Name of the model in the other tool's files; None lets the format choose."""
    repeat: int = 0
    """Which repeat of a run that asked each item more than once."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: tuple[Path, ...]
    items: int
    notes: tuple[str, ...] = ()
    """What was left out, and how the other tool is told to read the files."""


def names() -> list[str]:
    """All formats; `-` and `_` are alike."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def write(format_name: str, request: Request) -> Exported:
    """Write a run in another tool's format.

    Args:
        format_name: One of `names()`.
        request: The run and where it goes.

    Returns:
        What was written.

    Raises:
        UsageProblem: The format is unknown; near ones are offered.
    """
    module = format_name.replace("-", "_")
    if module not in names():
        raise unknown_name("format", format_name, names())
    exported: Exported = importlib.import_module(f"{__name__}.{module}").write(request)
    return exported

"""Other tools' file formats, one module each. To add one: export `write(request) -> Exported`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness import plugins
from harness.errors import UsageProblem
from harness.results import store


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


def write(format_name: str, request: Request) -> Exported:
    """Write a run in another tool's format.

    Args:
        format_name: A module here.
        request: The run and where it goes.

    Returns:
        What was written.

    Raises:
        UsageProblem: The format is unknown (near ones are offered), or the run has no such repeat.
    """
    writer = plugins.module(__name__, "format", format_name)
    repeats = store.read_run(request.run).repeats
    if request.repeat >= repeats:
        raise UsageProblem(f"{request.run} has no repeat {request.repeat}", f"It has {repeats}, counted from 0.")
    exported: Exported = writer.write(request)
    return exported

"""Other tools' files, one module a tool.

To add one, export one or more of `write(request) -> Exported` (`harness export`), `read(source) -> (RunRecord, lines)`
(`harness import`: judged by the other tool, and listed, compared, gated and shown like any run) and `score`, which
judges what the other tool generated (`harness score --from-...`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness import files, plugins
from harness.errors import UsageProblem, unknown_name
from harness.results import store
from harness.results.lines import SampleLine, encode
from harness.results.tally import Tally
from harness.types import RunRecord


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be written, and where."""

    run: Path
    """Folder of a run."""
    output: Path
    model_name: str | None = None
    """Name of the model in the other tool's files; None lets the format choose."""
    repeat: int | None = None
    """Which repeat of a run that asked each item more than once; None for all where the format holds them, else 0."""
    overwrite: bool = False
    """Replace files that are there."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: tuple[Path, ...]
    items: int
    notes: tuple[str, ...] = ()
    """What was left out, and how the other tool is told to read the files."""


def write(format_name: str, request: ExportRequest) -> Exported:
    """Write a run in another tool's format.

    Args:
        format_name: A module here that writes.
        request: The run and where it goes.

    Returns:
        What was written.

    Raises:
        UsageProblem: The format is unknown (near ones are offered), the run has no such repeat, or a file is there.
    """
    writer = _module(format_name, "write")
    repeats = store.read_run(request.run).repeats
    if request.repeat is not None and request.repeat >= repeats:
        raise UsageProblem(f"{request.run} has no repeat {request.repeat}", f"It has {repeats}, counted from 0.")
    request.output.mkdir(parents=True, exist_ok=True)
    # Beside the place where the files belong, so that a file that is there is seen before anything is written over it.
    with TemporaryDirectory(dir=request.output, prefix=".export-") as staged:
        exported: Exported = writer.write(replace(request, output=Path(staged)))
        return _moved(exported, Path(staged), request)


def _moved(exported: Exported, staged: Path, request: ExportRequest) -> Exported:
    """Put what was written where it belongs."""
    targets = {file: request.output / file.relative_to(staged) for file in exported.files}
    there = [str(target) for file, target in targets.items() if target.exists() and not _same(file, target)]
    if there and not request.overwrite:
        others = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise UsageProblem(
            f"{there[0]}{others} is there already, with other content", "Give --overwrite to replace it."
        )
    for file, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    notes = tuple(note.replace(str(staged.resolve()), str(request.output.resolve())) for note in exported.notes)
    return replace(exported, files=tuple(targets.values()), notes=notes)


def _same(file: Path, target: Path) -> bool:
    return target.is_file() and file.read_bytes() == target.read_bytes()


def read(format_name: str, source: Path, results: Path) -> Path:
    """Read another tool's results and store them as a run.

    Args:
        format_name: A module here that reads.
        source: The other tool's folder or file.
        results: Where runs are stored.

    Returns:
        The run's folder.

    Raises:
        UsageProblem: The format is unknown; near ones are offered.
    """
    record, lines = _module(format_name, "read").read(source)
    return keep(record, lines, results)


def _module(format_name: str, function: str) -> Any:
    """A module here that has the function."""
    known = {name: import_module(f"{__name__}.{name}") for name in plugins.modules(__name__)}
    able = {name: module for name, module in known.items() if hasattr(module, function)}
    if (name := format_name.replace("-", "_")) not in able:
        raise unknown_name("format", format_name, able)
    return able[name]


def keep(record: RunRecord, lines: Sequence[SampleLine], results: Path) -> Path:
    """Store a run made elsewhere.

    Args:
        record: Its record; scores are counted here, where the record has none.
        lines: Its samples.
        results: Where runs are stored.

    Returns:
        The run's folder.
    """
    tally = Tally(Counter(line.category for line in lines))
    for line in lines:
        tally.add(line)
    folder = store.new_run(results, record.model, record.benchmark.name)
    files.write_atomic(folder / store.SAMPLES, b"".join(map(encode, lines)))
    scores = {name: replace(score, n=max(score.n, _size(record, name))) for name, score in tally.scores().items()}
    store.write_run(folder, replace(record, run_id=folder.name, scores=scores, tokens=tally.tokens))
    return folder


def _size(record: RunRecord, category: str) -> int:
    """Items of a category in its data, as far as the source says."""
    return record.scores[category].n if category in record.scores else 0

"""Pictures of trainings and reports of refinements beside runs, found by the files that those programs write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.text import one_line

PICTURES = (".svg", ".png")


@dataclass(frozen=True, slots=True)
class Beside:
    """One file to be linked."""

    kind: str
    """`training` or `refinement`."""
    title: str
    path: Path

    def page(self, number: int) -> str:
        """Its name beside the page: nothing of the path is in it."""
        return f"beside-{number}{self.path.suffix}"


def look(roots: Sequence[Path]) -> list[Beside]:
    """Look in folders, two levels deep, and in the folders next to them.

    Args:
        roots: Where runs are.

    Returns:
        Reports that `refine run` wrote and pictures in the output folders of `trainer run`, sorted by path.
    """
    found = {one.path.resolve(): one for folder in _folders(roots) for one in _in(folder)}
    return [found[path] for path in sorted(found)]


def _folders(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        yield root
        for pattern in ("*/", "*/*/"):
            yield from root.glob(pattern)
        yield from root.resolve().parent.glob("*/")


def _in(folder: Path) -> Iterator[Beside]:
    report, name = folder / "report.html", one_line(folder.resolve().name, 80)
    if (folder / "stats.json").is_file() and report.is_file():
        yield Beside("refinement", name, report)
    if (folder / "log.jsonl").is_file():
        for path in sorted(folder.iterdir()):
            if path.suffix in PICTURES and path.is_file():
                yield Beside("training", f"{name}: {one_line(path.stem, 80)}", path)

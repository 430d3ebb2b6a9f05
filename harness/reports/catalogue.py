"""What the page over many runs knows: each run with its scores, the leaderboards, and what lies beside. No replies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis import entries
from harness.analysis.labels import facts, name_of, tell_apart
from harness.analysis.leaderboard import Block, Board, Row, build, named
from harness.reports.beside import Beside, look
from harness.reports.boards import notes
from harness.reports.overview import aggregates
from harness.running.readings import warnings
from harness.stats.averages import Cell
from harness.stats.intervals import accuracy
from harness.stats.views import AUTOMATIC, load_view
from harness.text import one_line, without_folders
from harness.types import RunRecord

CATEGORIES = "Category"
"""What heads the measures that are not averages of a view."""
OF_A_MODEL = ("model", "revision", "adapter", "weights")
"""Facts that a release changes; the other ones are settings."""
DIGITS = 5


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Runs, oldest first: a run's number on the page is its place here."""

    runs: tuple[tuple[Path, RunRecord], ...]
    problems: tuple[str, ...]
    """What could not be read, one sentence each."""
    beside: tuple[Beside, ...]

    def same_benchmark(self, a: int, b: int) -> bool:
        """Whether two runs can have items in common."""
        return self.runs[a][1].benchmark.name == self.runs[b][1].benchmark.name

    def before(self, number: int) -> int | None:
        """The newest earlier run that measured the same as a run: what a trend puts it after."""
        mine = _measurement(self.runs[number][1])
        return next((n for n in range(number - 1, -1, -1) if _measurement(self.runs[n][1]) == mine), None)


def read(paths: Sequence[Path]) -> Catalogue:
    """Find all runs at or below some folders, and trainings and refinements beside them.

    Args:
        paths: Folders of runs, or above runs.

    Returns:
        The catalogue.

    Raises:
        UsageProblem: There is no readable run at all.
    """
    problems: list[str] = []
    found = entries.load(paths, problems.append)
    runs = sorted(((Path(folder), record) for folder, record in found), key=lambda run: (run[1].started, run[0].name))
    return Catalogue(tuple(runs), tuple(problems), tuple(look(paths)))


def as_json(catalogue: Catalogue, pages: Iterable[str] | None) -> dict[str, Any]:
    """All that the page shows, as JSON values.

    Args:
        catalogue: The runs.
        pages: Names of the pages that lie beside this one; None where any is made when it is asked for.

    Returns:
        The values. A score is `[measure, value, low, high, n, size]`, or `[measure, why there is none]`.
    """
    measures: dict[tuple[str, str], int] = {}
    same, settings = _Numbers(), _Numbers()
    records = [record for _, record in catalogue.runs]
    names = [name_of(record.model.name) for record in records]
    labels = tell_apart(names, [facts(record) for record in records], [""] * len(records))
    runs = [
        {
            "model": name,
            "more": one_line(label.removeprefix(name).strip(" ()")),
            "id": one_line(record.run_id, 100),
            "started": one_line(record.started, 40),
            "status": record.status,
            "benchmark": one_line(record.benchmark.name, 60),
            "handler": one_line(record.handler, 60),
            "engine": one_line(record.engine.name or "", 60),
            "judged": sum(score.judged for name, score in record.scores.items() if ":" not in name),
            "size": sum(score.n for name, score in record.scores.items() if ":" not in name),
            "cautions": _cautions(record),
            "same": same.of(_measurement(record)),
            "settings": settings.of(_settings(record)),
            "scores": list(_scores(record, measures)),
        }
        for record, name, label in zip(records, names, labels, strict=True)
    ]
    return {
        "runs": runs,
        "measures": [list(measure) for measure in measures],
        "boards": _boards(catalogue),
        "problems": [one_line(without_folders(problem), 300) for problem in catalogue.problems],
        "beside": [
            {"kind": one.kind, "title": one.title, "href": one.page(n)} for n, one in enumerate(catalogue.beside)
        ],
        "pages": None if pages is None else list(pages),
    }


class _Numbers(dict[Any, int]):
    """Equal values get equal numbers."""

    def of(self, value: Any) -> int:
        return self.setdefault(value, len(self))


def _measurement(record: RunRecord) -> tuple[Any, ...]:
    """What must be equal for two scores to be on one line: as `outcomes.MUST_AGREE`, with the benchmark."""
    benchmark = record.benchmark
    hashes = (benchmark.data_sha256, benchmark.checker_sha256, record.user.sha256)
    return (benchmark.name, benchmark.version, *hashes, record.rules)


def _cautions(record: RunRecord) -> list[str]:
    """Why a run's scores may say more of how it was made than of the model."""
    shards = [record.shards.told] if record.shards and record.shards.told else []
    return [*shards, *warnings(record.readings, record.handler_options.get("dialect"))]


def _settings(record: RunRecord) -> str:
    return str({name: value for name, value in facts(record).items() if name not in OF_A_MODEL})


def _scores(record: RunRecord, measures: dict[tuple[str, str], int]) -> Iterator[list[Any]]:
    for cell in aggregates(record):
        number = measures.setdefault((cell["view"], cell["title"]), len(measures))
        yield _values(number, [cell[name] for name in ("value", "low", "high", "n", "size")], cell["missing"])
    for name, score in record.scores.items():
        number = measures.setdefault((CATEGORIES, name.replace("_", " ")), len(measures))
        value, (low, high) = accuracy(score, record.repeats) or (None, (0.0, 1.0))
        yield _values(number, [value, low, high, score.judged, score.n], [f"all {score.unscored} tried are unscored"])


def _values(number: int, values: Sequence[Any], missing: Sequence[str]) -> list[Any]:
    if values[0] is None:
        return [number, f"lacks {named(missing)}" if len(missing) > 1 else "".join(missing)]
    return [number, *(value if value is None else round(value, DIGITS) for value in values)]


def _boards(catalogue: Catalogue) -> list[dict[str, Any]]:
    numbers = {str(folder): number for number, (folder, _) in enumerate(catalogue.runs)}
    found = entries.entries((str(folder), record) for folder, record in catalogue.runs)
    built = [build(load_view(name), found) for name in AUTOMATIC]
    return [_board(board, numbers) for board in built if any(block.measured for block in board.blocks)]


def _board(board: Board, numbers: Mapping[str, int]) -> dict[str, Any]:
    view = board.view
    return {
        "name": view.name,
        "title": view.title,
        "source": view.source,
        "blocks": [_block(board, block, numbers) for block in board.blocks],
        "left": [[one_line(label), why] for label, why in board.left],
        "about": [f"{node.title}: {node.about}" for node in map(view.nodes.get, view.columns) if node and node.about],
        "notes": notes([board]),
    }


def _block(board: Board, block: Block, numbers: Mapping[str, int]) -> dict[str, Any]:
    columns = board.columns(block)
    return {
        "title": block.title,
        "measured": block.measured,
        "columns": [board.view.title_of(name) for name in columns],
        "rows": [_row(row, block, columns, numbers) for row in block.rows],
    }


def _row(row: Row, block: Block, columns: Sequence[str], numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "label": one_line(row.label),
        "runs": [numbers[folder] for folder in row.runs],
        "partial": list(row.partial),
        "unread": list(row.unread),
        "best": [i for i, name in enumerate(columns) if block.best.get(name) == row.label],
        "cells": [_cell(row.cells[name]) for name in columns],
    }


def _cell(cell: Cell) -> list[Any]:
    if cell.value is None:
        return [f"lacks {named(cell.missing)}" if cell.missing else "the base"]
    values = (cell.value, cell.low, cell.high)
    return [*(value if value is None else round(value, DIGITS) for value in values), cell.n, cell.size]

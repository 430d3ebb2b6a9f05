"""Leaderboards: run records and published tables as blocks of rows under one view. Reads `run.json` files only.

Measured and published rows never share a block. Every number has n, interval and coverage; a row that does not cover
the data says so; the best of a column is marked only where its lead over every other row is beyond noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.analysis.entries import Entry
from harness.analysis.labels import asked_by
from harness.errors import unknown_name
from harness.running.readings import warnings
from harness.stats.averages import Cell, difference, evaluate
from harness.stats.views import Published, View, load_published
from harness.types import Score


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a leaderboard."""

    label: str
    cells: Mapping[str, Cell]
    runs: tuple[str, ...] = ()
    """Folders of the runs behind a measured row."""
    partial: tuple[str, ...] = ()
    """Why the row is not a complete run, for readers; empty where it is."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Configuration of a measured row."""
    unread: tuple[str, ...] = ()
    """Of which categories many replies that should be calls could not be read, for readers."""
    trained_in: tuple[str, ...] = ()
    """Benchmarks of the view in whose own environments the model was trained."""

    @property
    def asked(self) -> str:
        """Handler and dialect of a measured row."""
        return asked_by(self.facts)


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that may be compared with one another."""

    title: str
    measured: bool
    rows: tuple[Row, ...]
    best: Mapping[str, str]
    """Column -> label of the row that is best there beyond noise."""


@dataclass(frozen=True, slots=True)
class Board:
    """A view with its blocks; the measured one comes first, if there is one."""

    view: View
    blocks: tuple[Block, ...]
    upstream_missing: bool = False
    left: tuple[tuple[str, str], ...] = ()
    """Measured rows without any value in this view, and why each has none."""

    def columns(self, block: Block) -> list[str]:
        """Columns with a value somewhere in a block; the first of the view is always there."""
        used = [name for name in self.view.columns if any(row.cells[name].value is not None for row in block.rows)]
        main = self.view.columns[0]
        return used if main in used or not block.measured else [main, *used]


def build(
    view: View,
    found: Sequence[Entry],
    *,
    base: str | None = None,
    upstream_missing: bool = False,
    sort: str | None = None,
) -> Board:
    """Evaluate a view over all rows and add the published tables that belong to it.

    Args:
        view: The formulas and columns.
        found: Measured rows.
        base: Label or model of the row that `change` columns are measured against.
        upstream_missing: Count missing categories as 0, as the official evaluator does.
        sort: Column to sort by, best first; the view's first column by default.

    Returns:
        The board; measured rows without any value in this view are in `left`.

    Raises:
        UsageProblem: `base` or `sort` names nothing.
    """
    if sort is not None and sort not in view.columns:
        raise unknown_name("column", sort, view.columns)
    reference = _reference(found, base)
    rows = [_measured(view, entry, reference, upstream_missing) for entry in found]
    shown, left = [], []
    for entry, row in zip(found, rows, strict=True):
        if any(cell.value is not None and cell.n for cell in row.cells.values()):
            shown.append(row)
        else:
            left.append((entry.label, _why_none(view, entry)))
    blocks = [_block("Measured here", True, shown, view, sort)] if shown else []
    for table in load_published(view.name):
        blocks.append(_block(table.title, False, _published_rows(view, table), view, sort))
    return Board(view, tuple(blocks), upstream_missing, tuple(left))


def _reference(found: Sequence[Entry], base: str | None) -> Entry | None:
    if base is None:
        return None
    for entry in found:
        if base in (entry.label, entry.facts["model"]):
            return entry
    raise unknown_name("base row", base, [entry.label for entry in found])


def _measured(view: View, entry: Entry, base: Entry | None, upstream_missing: bool) -> Row:
    scores = entry.scores
    repeats = int(entry.facts["repeats"])
    base_scores = base.scores if base else None
    cells = evaluate(view, scores, base=base_scores, repeats=repeats, upstream_missing=upstream_missing)
    if entry is base:
        cells |= _no_change(view)
    partial = [
        f"{name}: {score.judged} of {score.n}"
        for name, score in scores.items()
        if score.judged < score.n and ":" not in name and any(name in view.leaves(column) for column in view.columns)
    ]
    partial += [f"{record.benchmark.name}: still running" for record in entry.records if record.status == "running"]
    shards = ((record.benchmark.name, record.shards) for record in entry.records)
    partial += [f"{name}: {found.told}" for name, found in shards if found and found.told]
    seen = {record.benchmark.name for record in entry.records}
    trained = {name for record in entry.records for name in record.model.environments if name in seen}
    return Row(
        entry.label,
        cells,
        entry.folders,
        tuple(dict.fromkeys(partial)),
        entry.facts,
        _unread(view, entry),
        tuple(sorted(trained)),
    )


def _unread(view: View, entry: Entry) -> tuple[str, ...]:
    found = {
        said: None
        for record in entry.records
        for said in warnings(record.readings, record.handler_options.get("dialect"))
        if any(said.partition(":")[0] in view.leaves(column) for column in view.columns)
    }
    return tuple(found)


def _why_none(view: View, entry: Entry) -> str:
    """Why a row has no value in any column."""
    scores = entry.scores
    leaves = {leaf for column in view.columns for leaf in view.leaves(column)}
    mine = {name: score for name, score in scores.items() if name in leaves}
    if not mine:
        ran = [name for name in scores if ":" not in name]
        state = " and ".join(dict.fromkeys(record.status for record in entry.records))
        return f"ran only {named(ran)}" if ran else f"no scores; the run is {state}"
    if not any(score.judged for score in mine.values()):
        return (
            f"nothing could be judged: {named([f'{name} ({score.unscored} unscored)' for name, score in mine.items()])}"
        )
    lacking = evaluate(view, scores, columns=view.columns[:1])[view.columns[0]].missing
    return f"no column has all its parts: {view.title_of(view.columns[0])} lacks {named(lacking)}"


def named(names: Sequence[str], most: int = 3) -> str:
    """Some names and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _published_rows(view: View, table: Published) -> list[Row]:
    base = table.rows.get(table.base) if table.base else None
    rows = []
    for model, values in table.rows.items():
        cells = _published_cells(view, values, base)
        if model == table.base:
            cells |= _no_change(view)
        trained = table.trained_in.get(model)
        rows.append(Row(model, cells, trained_in=(trained,) if trained else ()))
    return rows


def _no_change(view: View) -> dict[str, Cell]:
    """The base has no difference to itself."""
    return {name: Cell(None) for name in view.columns if view.is_kind(name, "change")}


def _published_cells(view: View, values: Mapping[str, float], base: Mapping[str, float] | None) -> dict[str, Cell]:
    """Cells of printed numbers; papers print no intervals: these assume complete data and one accuracy in all parts."""
    cells: dict[str, Cell] = {}
    for column in view.columns:
        if view.is_kind(column, "change"):
            (part,) = view.nodes[column].parts
            now, before = _assumed(view, part, values), _assumed(view, part, base or {})
            cells[column] = difference(now, before)
        else:
            cells[column] = _assumed(view, column, values)
    return cells


def _assumed(view: View, column: str, values: Mapping[str, float]) -> Cell:
    if column not in values:
        return Cell(None, missing=(column,))
    value = values[column]
    sizes = {leaf: view.sizes[leaf] for leaf in view.leaves(column)}
    uniform = {leaf: Score(n, n, value * n, 0) for leaf, n in sizes.items()}
    return replace(evaluate(view, uniform, columns=[column])[column], value=value)


def _block(title: str, measured: bool, rows: Sequence[Row], view: View, sort: str | None) -> Block:
    column = sort or view.columns[0]
    if sort is None and all(row.cells[column].value is None for row in rows):
        column = next((name for name in view.columns if any(row.cells[name].value is not None for row in rows)), column)

    def order(row: Row) -> float:
        value = row.cells[column].value
        return float("inf") if value is None else -value

    best = {name: winner for name in view.columns if (winner := _best(name, rows)) is not None}
    return Block(title, measured, tuple(sorted(rows, key=order)), best)


def _best(column: str, rows: Sequence[Row]) -> str | None:
    """The leading row, if the interval of its lead over every other row excludes zero (unpaired, hence cautious)."""
    rivals = [row for row in rows if row.cells[column].value is not None and row.cells[column].interval is not None]
    if len(rivals) < 2:
        return None
    first = max(rivals, key=lambda row: row.cells[column].value or 0.0)
    leads = [difference(first.cells[column], row.cells[column]) for row in rivals if row is not first]
    return first.label if all(lead.low is not None and lead.low > 0 for lead in leads) else None

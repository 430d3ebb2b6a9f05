"""Write leaderboards: terminal, Markdown, CSV, JSON, HTML. Every format carries value, interval, n and coverage."""

from __future__ import annotations

import csv
import io
import json
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.analysis.leaderboard import Block, Board, Row
from harness.stats.averages import Cell, cell_json
from harness.text import escaped, fitting, inert, markdown_table, one_line, percent, table, templates

NOTES = (
    "Intervals: 95 %, Wilson for a category, combined for averages; n counts judged replies.",
    "† the row does not cover the data. N/A: a part was not run; it is not 0.",
    "‡ many replies that should be calls hold none that can be read: the set-up may not fit the model.",
    "§ trained in the benchmark's environments: the questions are new to it, tools and worlds are not.",
    "Best of a column is marked only where its lead over every other row of the block is beyond noise.",
)
UPSTREAM_NOTE = "Missing parts count as 0, as the official evaluator counts them."
PUBLISHED_NOTE = "As printed in the paper, which gives no intervals; those shown (~) follow from the size of the data."
LABEL_WIDTH = 24
LISTED = 10
"""Rows without a value that a terminal is told; files name all."""


def terminal(boards: Sequence[Board], width: int = 80, columns: Sequence[str] = (), color: bool = False) -> str:
    """Tables for a terminal: as many columns as fit, the first of the view always among them.

    Args:
        boards: What to print.
        width: Of the terminal, in characters.
        columns: Columns to show instead of those that fit.
        color: Mark the best in bold by an escape sequence; otherwise by an asterisk.

    Returns:
        Text without a final newline.
    """
    parts = []
    for board in boards:
        parts.append(textwrap.fill(f"{board.view.title}: {board.view.source}", width))
        parts += [_terminal_block(board, block, width, columns, color) for block in board.blocks]
        parts += [textwrap.fill(text, width, subsequent_indent="  ") for text in _left(board, LISTED)]
    return "\n\n".join([*parts, "\n".join(textwrap.fill(note, width) for note in notes(boards))])


def _terminal_block(board: Board, block: Block, width: int, columns: Sequence[str], color: bool) -> str:
    chosen = [name for name in columns if name in board.view.columns]
    wanted = chosen or board.columns(block)
    headers = {"": "", **{name: _wrapped(board.view.title_of(name), 13) for name in wanted}}
    plain = _terse_rows(block, wanted, False)
    shown = wanted if chosen or not plain else fitting(plain, width, wanted[::-1], headers)[1:]
    left = len(wanted) - len(shown)
    hint = f"\n{left} more columns: --columns, or -o DIR for all of them." if left else ""
    rows = _terse_rows(block, shown, color)
    body = table(rows, sys.maxsize, right=shown, headers=headers) if rows else ""
    notes = "".join(f"\n{textwrap.fill(said, width, subsequent_indent='  ')}" for said in _unread(block))
    return f"{textwrap.fill(_heading(block), width)}\n{body}{hint}{notes}"


def _unread(block: Block) -> list[str]:
    return [f"‡ {one_line(row.label)}: {one_line(said)}" for row in block.rows for said in row.unread]


def _terse_rows(block: Block, columns: Sequence[str], color: bool) -> list[dict[str, str]]:
    return [{"": _label(row), **{name: _terse(block, row, name, color) for name in columns}} for row in block.rows]


def _left(board: Board, most: int | None = None) -> list[str]:
    """Rows that have no value in a view, with the reason."""
    told = [f"Not in this view: {one_line(label)}: {one_line(why)}" for label, why in board.left[:most]]
    more = len(board.left) - len(told)
    return told + ([f"Not in this view: {more} more; -o DIR names them."] if more else [])


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_long_words=True)) or text


def _label(row: Row) -> str:
    return "\n".join(_wrapped(part, LABEL_WIDTH) for part in (f"{one_line(row.label)}{_marks(row)}", row.asked) if part)


def _marks(row: Row) -> str:
    return f"{' †' if row.partial else ''}{' ‡' if row.unread else ''}{' §' if row.trained_in else ''}"


def _heading(block: Block) -> str:
    return block.title if block.measured else f"Published: {block.title}"


def _terse(block: Block, row: Row, name: str, color: bool) -> str:
    cell = row.cells[name]
    if cell.value is None:
        return _absent(block, cell)
    value = percent(cell.value)
    if block.best.get(name) == row.label:
        value = f"\x1b[1m{value}\x1b[0m" if color else f"*{value}"
    if not block.measured:
        return f"{value} ~±{percent((cell.high - cell.low) / 2, 1)}" if cell.high and cell.low else value
    lines = [value, _limits(cell), f"n={cell.n}"]
    if cell.n < cell.size:
        lines[2] += f" {percent(cell.coverage, 0)}%"
    return "\n".join(line for line in lines if line)


def _absent(block: Block, cell: Cell) -> str:
    if not cell.missing:
        return "(base)"
    return "N/A" if block.measured else ""


def _limits(cell: Cell) -> str:
    return "" if cell.interval is None else f"{percent(cell.interval.low, 1)}..{percent(cell.interval.high, 1)}"


def notes(boards: Sequence[Board]) -> list[str]:
    """What a reader of some boards must know."""
    blocks = [block for board in boards for block in board.blocks]
    wanted = {
        NOTES[0]: True,
        NOTES[1]: any(row.partial for block in blocks for row in block.rows),
        NOTES[2]: any(row.unread for block in blocks for row in block.rows),
        NOTES[3]: any(row.trained_in for block in blocks for row in block.rows),
        NOTES[4]: any(block.best for block in blocks),
        PUBLISHED_NOTE: any(not block.measured for block in blocks),
        UPSTREAM_NOTE: any(board.upstream_missing for board in boards),
    }
    return [note for note, needed in wanted.items() if needed]


def markdown(boards: Sequence[Board]) -> str:
    """GitHub Markdown, for a README: all columns that have a value."""
    return "\n\n".join(_markdown_board(board) for board in boards) + "\n"


def _markdown_board(board: Board) -> str:
    parts = [f"## {board.view.title}", f"{board.view.source}."]
    for block in board.blocks:
        columns = board.columns(block)
        asked = ["asked by"] if block.measured else []
        headers = ["model", *asked, *(escaped(board.view.title_of(name)) for name in columns)]
        rows = [
            [
                escaped(row.label) + _marks(row),
                *([escaped(row.asked)] if asked else []),
                *(_markdown_cell(block, row, name) for name in columns),
            ]
            for row in block.rows
        ]
        partial = [f"† {escaped(row.label)}: {'; '.join(row.partial)}" for row in block.rows if row.partial]
        partial += [escaped(said) for said in _unread(block)]
        parts += [f"### {escaped(_heading(block))}", markdown_table(headers, rows), _bullets(partial)]
    nodes = [board.view.nodes[name] for name in board.view.columns if name in board.view.nodes]
    about = [f"{node.title}: {node.about}" for node in nodes if node.about]
    left = [escaped(line) for line in _left(board)]
    return "\n\n".join(part for part in [*parts, _bullets(left), _bullets(about), _bullets(notes([board]))] if part)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _markdown_cell(block: Block, row: Row, name: str) -> str:
    cell = row.cells[name]
    if cell.value is None:
        return _absent(block, cell)
    value = percent(cell.value)
    value = f"**{value}**" if block.best.get(name) == row.label else value
    about = "~" if not block.measured else ""
    detail = [f"{about}{_limits(cell)}"] if cell.interval else []
    if block.measured:
        detail += [f"n={cell.n}"] + ([f"{percent(cell.coverage, 0)} % covered"] if cell.n < cell.size else [])
    return f"{value}<br><sub>{' · '.join(detail)}</sub>" if detail else value


def comma_separated(boards: Sequence[Board]) -> str:
    """CSV in long form: one line for each number."""
    text = io.StringIO()
    fields = ("view", "block", "measured", "model", "asked", "column", "value", "low", "high", "n", "size", "coverage")
    names = [*fields, "best", "missing", "partial", "unread", "trained_in"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for board in boards:
        for number in _numbers(board):
            flat = {key: "; ".join(value) if isinstance(value, list) else value for key, value in number.items()}
            writer.writerow({key: inert(value) for key, value in flat.items()})
    return text.getvalue()


def _numbers(board: Board) -> list[dict[str, Any]]:
    return [
        {"view": board.view.name, "block": block.title, "measured": block.measured, "model": row.label}
        | {"asked": row.asked, "column": name}
        | cell_json(row.cells[name])
        | {"best": block.best.get(name) == row.label, "partial": list(row.partial)}
        | {"unread": list(row.unread), "trained_in": list(row.trained_in)}
        for block in board.blocks
        for row in block.rows
        for name in board.view.columns
        if block.measured or row.cells[name].value is not None
    ]


def as_json(boards: Sequence[Board]) -> str:
    """JSON: boards, blocks, rows, cells."""
    return json.dumps([_board_json(board) for board in boards], indent=1, default=str) + "\n"


def _board_json(board: Board) -> dict[str, Any]:
    blocks = [
        {
            "title": block.title,
            "measured": block.measured,
            "best": dict(block.best),
            "rows": [
                {
                    "label": row.label,
                    "asked": row.asked,
                    "runs": list(row.runs),
                    "partial": list(row.partial),
                    "unread": list(row.unread),
                    "trained_in": list(row.trained_in),
                    "facts": dict(row.facts),
                    "cells": {name: cell_json(cell) for name, cell in row.cells.items()},
                }
                for row in block.rows
            ],
        }
        for block in board.blocks
    ]
    view = board.view
    titles = {name: view.title_of(name) for name in view.columns}
    return {"view": view.name, "title": view.title, "source": view.source, "columns": titles, "blocks": blocks} | {
        "upstream_missing": board.upstream_missing,
        "left": [{"label": label, "why": why} for label, why in board.left],
        "notes": notes([board]),
    }


def html(boards: Sequence[Board]) -> str:
    """One static page."""
    environment = templates()
    environment.filters |= {"percent": percent, "limits": _limits, "one_line": one_line}
    return environment.get_template("leaderboard.html.j2").render(
        boards=boards, heading=_heading, absent=_absent, left=_left, notes=notes(boards)
    )


WRITERS: Mapping[str, Callable[[Sequence[Board]], str]] = {
    "md": markdown,
    "csv": comma_separated,
    "json": as_json,
    "html": html,
}
"""Format, which is also the file's suffix -> writer."""

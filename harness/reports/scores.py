"""What `harness score` says: counts, averages of the official tables, and where rule sets differ."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.reports.runs import overflows
from harness.results.tally import Tallies
from harness.running.readings import readings, warnings
from harness.stats.averages import Cell, evaluate
from harness.stats.views import load_view
from harness.text import count, percent, table
from harness.types import Score

VIEWS = ("v4", "acebench", "apibank")
SHOWN = 20
"""Ids that are printed of each kind of difference."""


def as_json(tallies: Tallies, problems: Sequence[str]) -> dict[str, Any]:
    """All that was counted, as JSON values; `problems` are what was said while it was judged."""
    rules = {
        name: {category: asdict(score) for category, score in tallies.scores(name).items()} for name in tallies.rules
    }
    pass_at = {name: found for name in tallies.rules if (found := tallies.pass_at(name))}
    printed: dict[str, Any] = {
        "scores": rules,
        "readings": {
            name: {category: asdict(each) for category, each in readings(tallies.unread(name)).items()}
            for name in tallies.rules
        },
        "pass_at_k": pass_at,
        "differing": tallies.differing,
        "problems": list(problems),
    }
    if tallies.official_rows:
        printed["official_rows"] = tallies.official_rows
    return printed


def text(tallies: Tallies) -> str:
    """Tables of categories and averages for each rule set, and the items on which rule sets differ."""
    parts = []
    for name in tallies.rules:
        said = [*overflows(tallies.scores(name)), *warnings(readings(tallies.unread(name)))]
        parts += [_categories(name, tallies), *(f"warning: {each}" for each in said), _aggregates(tallies.scores(name))]
    if len(tallies.rules) > 1:
        parts.append(f"{sum(map(len, tallies.differing.values()))} items differ")
    for kind, ids in sorted(tallies.differing.items(), key=lambda pair: -len(pair[1])):
        more = f" and {len(ids) - SHOWN} more (--json lists all)" if len(ids) > SHOWN else ""
        parts.append(f"{kind}: {len(ids)}\n  {' '.join(ids[:SHOWN])}{more}")
    parts += _official_rows(tallies.official_rows)
    return "\n\n".join(part for part in parts if part)


def _categories(rules: str, tallies: Tallies) -> str:
    pass_at = tallies.pass_at(rules)
    every_k = sorted({k for values in pass_at.values() for k in values})
    rows = [
        {
            f"rules: {rules}": category,
            "items": str(score.n),
            "judged": str(score.judged),
            "passed": count(score.passed),
            "accuracy": f"{percent(score.passed / score.judged)}%" if score.judged else "N/A",
            "unscored": str(score.unscored),
        }
        | {f"pass@{k}": f"{percent(pass_at[category][k])}%" if k in pass_at.get(category, ()) else "" for k in every_k}
        for category, score in tallies.scores(rules).items()
    ]
    return _table(rows, "passed", "judged")


def _aggregates(scores: Mapping[str, Score]) -> str:
    """Averages of the official tables that the categories at hand take part in; `harness leaderboard` has others."""
    tables = []
    for view in map(load_view, VIEWS):
        cells = {name: cell for name, cell in evaluate(view, scores).items() if name in view.nodes and cell.n}
        rows = [
            {
                view.title: view.title_of(name),
                "value": "N/A" if cell.value is None else f"{percent(cell.value)}%",
                "without": "" if cell.value is not None else _lacking(cell),
            }
            for name, cell in cells.items()
        ]
        tables.append(_table(rows))
    return "\n\n".join(table for table in tables if table)


def _official_rows(rows: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> Iterator[str]:
    """A table for each row that the official program would write, a column a rule set."""
    for name in dict.fromkeys(name for by_name in rows.values() for name in by_name):
        columns = next(by_name[name] for by_name in rows.values() if name in by_name)
        yield _table(
            [
                {f"official row: {name}": column}
                | {rules: _number(by_name[name][column]) for rules, by_name in rows.items()}
                for column in columns
            ]
        )


def _number(value: float | None) -> str:
    """A count as it is, a share with four digits."""
    return "N/A" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"


def _table(rows: list[dict[str, str]], *spare: str) -> str:
    if not rows:
        return ""
    _, *others = rows[0]
    numbers = [name for name in others if name != "without"]
    return table(rows, shutil.get_terminal_size().columns, spare, numbers)


def _lacking(cell: Cell) -> str:
    return f"{', '.join(cell.missing[:2])}{f' and {len(cell.missing) - 2} more' if len(cell.missing) > 2 else ''}"

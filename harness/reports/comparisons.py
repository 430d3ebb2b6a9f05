"""Write comparisons: terminal, Markdown, JSON, HTML."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from harness.analysis.comparison import Comparison, Pairing, as_json, over_runs
from harness.analysis.pairing import Average
from harness.results import store
from harness.results.lines import SampleLine
from harness.running.retelling import as_came, forced_start
from harness.stats.intervals import Interval
from harness.text import escaped, markdown_table, one_line, percent, printable, table, templates
from harness.types import Key

HEADERS = ("", "n", "A", "B", "B-A", "interval", "lost", "gained", "p", "q")
TERSE = ("", "n", "A", "B", "B-A", "interval", "-/+", "p")
"""Narrow enough for 80 columns; `-/+` is lost and gained, p is q for a category."""
SPARE = ("-/+", "A", "B", "p")
"""What a narrow terminal does without."""
AVERAGE = ("average", "n", "A", "B", "B-A", "interval")
SUMMARY = ("", "n", "A", "B", "B-A", "interval", "-/+", "p", "q")
"""One row a run, where several are compared with one baseline."""
MORE = ("both right", "both wrong", "unpaired", "permutation interval", "detectable")
SHOWN = 1500
"""Characters of a reply that a flip shows."""


def signed(fraction: float, decimals: int = 2) -> str:
    """A difference in points with its sign."""
    text = percent(fraction, decimals)
    return text if text.startswith("-") else f"+{text}"


def _limits(interval: Interval) -> str:
    return f"{signed(interval.low, 1)}..{signed(interval.high, 1)}"


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0") if value < 1 else "1"


def _cells(comparison: Comparison, row: Pairing) -> list[str]:
    a, b = row.accuracies
    mark = "*" if row.q < comparison.options.alpha else ""
    difference = f"{mark}{signed(row.difference)}"
    counts = [str(row.only_a), str(row.only_b), _p(row.p), _p(row.q) if row.kind == "category" else ""]
    return [row.scope, str(row.pairs), percent(a), percent(b), difference, _limits(row.bootstrap), *counts]


def _terse(comparison: Comparison, row: Pairing) -> list[str]:
    scope, n, *_, interval, lost, gained, p, q = _cells(comparison, row)
    a, b = (percent(accuracy, 1) for accuracy in row.accuracies)
    difference = ("*" if row.q < comparison.options.alpha else "") + signed(row.difference, 1)
    return [scope, n, a, b, difference, interval, f"{lost}/{gained}", q or p]


def _more(row: Pairing) -> list[str]:
    interval, detectable = _limits(row.permutation), _detectable(row)
    return [str(row.both), str(row.neither), str(row.unpaired), interval, detectable]


def _detectable(row: Pairing) -> str:
    return percent(row.detectable, 1) if row.detectable < 1 else "unknown"


def summary(comparisons: Sequence[Comparison]) -> list[list[str]]:
    """One row a run over everything it has in common with the baseline; `*` and q count all these runs as one look."""
    rows = []
    for comparison, q in zip(comparisons, over_runs(comparisons), strict=True):
        total = comparison.rows[0]
        mark = "*" if q < comparison.options.alpha else ""
        a, b = (percent(accuracy, 1) for accuracy in total.accuracies)
        counts = [f"{total.only_a}/{total.only_b}", _p(total.p), _p(q)]
        difference = f"{mark}{signed(total.difference, 1)}"
        rows.append([comparison.b.label, str(total.pairs), a, b, difference, _limits(total.bootstrap), *counts])
    return rows


def _summary_title(comparisons: Sequence[Comparison]) -> str:
    return f"{len(comparisons)} runs against {comparisons[0].a.label} (A)"


SUMMARY_NOTE = "q: p adjusted over these runs (Benjamini-Hochberg); * beyond noise by q; A differs where items do."


def terminal(comparisons: Sequence[Comparison], width: int = 80) -> str:
    """Tables for a terminal; of several runs first one that sums them up."""
    parts = [_terminal(comparison, width) for comparison in comparisons]
    if len(comparisons) > 1:
        parts.insert(
            0, f"{_summary_title(comparisons)}\n\n{_fitting(SUMMARY, summary(comparisons), width)}\n\n{SUMMARY_NOTE}"
        )
    return "\n\n".join(parts)


def _terminal(comparison: Comparison, width: int) -> str:
    tables = [_fitting(TERSE, [_terse(comparison, row) for row in comparison.rows], width)]
    if comparison.averages:
        tables.append(_fitting(AVERAGE, [_average(comparison, one) for one in comparison.averages], width))
    notes = [textwrap.fill(note, width, subsequent_indent="  ") for note in _notes(comparison)]
    labels = zip("AB", (comparison.a.label, comparison.b.label), strict=True)
    sides = [textwrap.fill(f"{side}  {label}", width, subsequent_indent="   ") for side, label in labels]
    return "\n\n".join(["\n".join(sides), *tables, "\n".join(notes)])


def _fitting(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    named = [dict(zip(headers, row, strict=True)) for row in rows]
    return table(named, width, [name for name in SPARE if name in headers], headers[1:])


def _average(comparison: Comparison, one: Average) -> list[str]:
    mark = "*" if not one.interval.low <= 0 <= one.interval.high else ""
    values = [str(one.pairs), percent(one.a), percent(one.b), f"{mark}{signed(one.difference)}", _limits(one.interval)]
    return [one.name, *values]


def _notes(comparison: Comparison) -> Iterator[str]:
    total, level = comparison.rows[0], percent(1 - comparison.options.alpha, 0)
    yield from (f"FORCED: {why}" for why in comparison.forced)
    yield from (f"caution: {why}" for why in comparison.cautions)
    yield (
        f"both right {total.both}, both wrong {total.neither}, lost {total.only_a}, gained {total.only_b}"
        + (f", not paired {total.unpaired}" if total.unpaired else "")
    )
    yield f"permutation interval of the difference {_limits(total.permutation)}"
    yield f"smallest difference that {total.pairs} such pairs find (power 0.8): {_detectable(total)} points"
    for name, accuracies in zip("AB", comparison.repeats, strict=True):
        if len(accuracies) > 1:
            spread = f"mean {percent(mean(accuracies))}, standard deviation {percent(stdev(accuracies))}"
            yield f"{name} over {len(accuracies)} repeats: {spread}"
    yield (
        f"interval: {level} % paired bootstrap; -/+: lost and gained; p: exact paired test (McNemar), over categories"
        f" adjusted to q (Benjamini-Hochberg); * beyond noise at {comparison.options.alpha:g}"
    )


def markdown(comparisons: Sequence[Comparison]) -> str:
    """GitHub Markdown with every figure."""
    parts = [_markdown(comparison) for comparison in comparisons]
    if len(comparisons) > 1:
        rows = [[escaped(label), *cells] for label, *cells in summary(comparisons)]
        parts.insert(
            0, f"### {escaped(_summary_title(comparisons))}\n\n{_pipes(SUMMARY, rows)}\n\n- {escaped(SUMMARY_NOTE)}"
        )
    return "\n\n".join(parts) + "\n"


def _markdown(comparison: Comparison) -> str:
    title = f"### {escaped(comparison.b.label)} (B) against {escaped(comparison.a.label)} (A)"
    rows = [[*_cells(comparison, row), *_more(row)] for row in comparison.rows]
    averages = [_average(comparison, one) for one in comparison.averages]
    parts = [title, _pipes((*HEADERS, *MORE), rows), _pipes(AVERAGE, averages) if averages else ""]
    parts.append("\n".join(f"- {escaped(note)}" for note in _notes(comparison)))
    return "\n\n".join(part for part in parts if part)


def _pipes(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown_table(headers, [[cell.replace("*", "**\\***") for cell in row] for row in rows])


def dumped(comparisons: Sequence[Comparison]) -> str:
    """JSON with every figure."""
    return json.dumps([as_json(comparison) for comparison in comparisons], indent=1, default=str) + "\n"


def html(comparisons: Sequence[Comparison]) -> str:
    """One static page."""
    page = templates().get_template("compare.html.j2")
    return page.render(
        comparisons=comparisons,
        title=_summary_title(comparisons),
        summary=summary(comparisons) if len(comparisons) > 1 else [],
        summary_headers=SUMMARY,
        summary_note=SUMMARY_NOTE,
        headers=(*HEADERS, *MORE),
        rows=lambda found: [_cells(found, row) + _more(row) for row in found.rows],
        average_headers=AVERAGE,
        averages=lambda found: [_average(found, one) for one in found.averages],
        notes=_notes,
    )


WRITERS: Mapping[str, Callable[[Sequence[Comparison]], str]] = {
    "table": terminal,
    "md": markdown,
    "json": dumped,
    "html": html,
}
"""Format -> writer."""


def flips(comparison: Comparison, limit: int) -> str:
    """Items lost and gained with both replies, for a terminal.

    Args:
        comparison: What flipped.
        limit: Items of each kind.

    Returns:
        Text; replies are made printable and cut.
    """
    shown = {up: [(c, key) for c, key, gained in comparison.flips() if gained == up] for up in (False, True)}
    wanted = {key for found in shown.values() for _, key in found[:limit]}
    sides = [_lines(side.folders, wanted) for side in (comparison.a, comparison.b)]
    parts: list[str] = []
    for found, title in zip(shown.values(), ("lost", "gained"), strict=True):
        parts.append(f"{title}: {len(found)}, showing {min(limit, len(found))}")
        for category, key in found[:limit]:
            repeat = f" repeat {key[1]}" if key[1] else ""
            parts.append(f"  {one_line(key[0], 200)}{repeat}")
            parts += [_reply(name, side.get(key), category) for name, side in zip("AB", sides, strict=True)]
    return "\n".join(parts)


def _lines(folders: Iterable[Path], wanted: Container[Key]) -> dict[Key, tuple[SampleLine, str]]:
    """The wanted lines, each with what its replies were forced to start with."""
    found: dict[Key, tuple[SampleLine, str]] = {}
    for folder in folders:
        start = forced_start(store.read_run(folder))
        found |= {line.key: (line, start) for line in store.read_samples(folder) if line.key in wanted}
    return found


def _reply(name: str, found: tuple[SampleLine, str] | None, category: str) -> str:
    if found is None:
        return f"    {name}  (reply not at hand: a frozen baseline holds outcomes only)"
    line, start = found
    verdict = line.verdicts.get(category)
    code = "" if verdict is None else verdict.code or verdict.outcome
    replies = (("" if step.asked == "user" else start) + as_came(step.generation) for step in line.steps)
    body = textwrap.indent(printable("\n".join(replies), SHOWN), " " * 7)
    return f"    {name}  {one_line(code)}\n{body}"

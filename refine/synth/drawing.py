"""The page of a graph: tools in columns by what they need, arrows for edges, a table of the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.files import write_atomic
from refine.synth.graph import Graph

COLUMN, ROW, WIDTH, HEIGHT = 260, 44, 200, 28
"""Pixels between columns and rows, and of a box."""
MOST_COLUMNS = 6


def write_page(graph: Graph, file: Path) -> None:
    """Write the graph as one page that needs nothing else.

    Args:
        graph: The graph.
        file: The page; replaced as a whole.
    """
    from jinja2 import Environment, PackageLoader

    pages = Environment(loader=PackageLoader("refine"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, pages.get_template("graph.html.j2").render(g=graph, picture=picture(graph)).encode())


def picture(graph: Graph) -> dict[str, Any]:
    """Where boxes and arrows are.

    Args:
        graph: The graph; of its value edges only executed ones are drawn.

    Returns:
        `width`, `height`, `boxes` (`name`, `x`, `y`, `reached`) and `arrows` (`path`, `kind`, `title`).
    """
    pairs = {(edge.source, edge.target): ("state", edge.error) for edge in graph.state_edges}
    for edge in graph.value_edges:
        if edge.executed and (edge.source, edge.target) not in pairs:
            pairs[edge.source, edge.target] = ("value", edge.parameter)
    columns = _columns(graph, list(pairs))
    rows = dict.fromkeys(range(MOST_COLUMNS), 0)
    places = {}
    for name in graph.tools:
        column = columns[name]
        places[name] = (20 + column * COLUMN, 20 + rows[column] * ROW)
        rows[column] += 1
    return {
        "width": 20 + COLUMN * (max(columns.values(), default=0) + 1),
        "height": 20 + ROW * max(rows.values()),
        "boxes": [{"name": name, "x": x, "y": y, "reached": name in graph.reached} for name, (x, y) in places.items()],
        "arrows": [
            {"path": _path(places[source], places[target]), "kind": kind, "title": f"{source} → {target}: {why}"}
            for (source, target), (kind, why) in pairs.items()
        ],
    }


def _columns(graph: Graph, pairs: list[tuple[str, str]]) -> dict[str, int]:
    """A tool stands right of what it needs, as far as circles allow."""
    columns = dict.fromkeys(graph.tools, 0)
    for _ in range(MOST_COLUMNS):
        for source, target in pairs:
            if columns[target] <= columns[source] < MOST_COLUMNS - 1:
                columns[target] = columns[source] + 1
    return columns


def _path(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = start, end
    middle = HEIGHT // 2
    if x1 == x2:
        return f"M{x1} {y1 + middle} C{x1 - 40} {y1 + middle} {x2 - 40} {y2 + middle} {x2} {y2 + middle}"
    out, into = (x1 + WIDTH, x2) if x1 < x2 else (x1, x2 + WIDTH)
    bend = (into - out) // 2
    return f"M{out} {y1 + middle} C{out + bend} {y1 + middle} {into - bend} {y2 + middle} {into} {y2 + middle}"

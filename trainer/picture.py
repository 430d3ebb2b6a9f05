"""A picture of a training, from its log: losses of both regions, alpha, scores. One SVG without scripts.

`harness view` links it where the training's folder lies beside runs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harness.files import write_atomic
from harness.text import one_line

NAME = "training.svg"
PANELS: Mapping[str, Callable[[str], bool]] = {
    "loss": lambda name: name in ("loss", "loss_think", "loss_result") or name.startswith("eval_loss"),
    "alpha": lambda name: name == "alpha",
    "reward": lambda name: name == "reward" or name.startswith("rewards/"),
    "score": lambda name: name.startswith(("eval/", "eval_score")) and not name.endswith("/n"),
}
"""By title, which figures of the log belong there."""
POINTS = 400
"""Of a line at most; more are averaged."""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 260, 64, 240, 34, 30
COLOURS = ("#1f77b4", "#d1660c", "#2a8a3e", "#b04fc0", "#9c6a5b", "#00808f", "#d0483a", "#7d7d10")
STYLE = """
svg { background: #ffffff; font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
text { fill: #1c2127; } .tick { fill: #5d6875; font-size: 11px; } .grid { stroke: #dbe1e7; }
polyline { fill: none; stroke-width: 1.6; } .held { stroke-dasharray: 6 3; }
@media (prefers-color-scheme: dark) {
  svg { background: #14181d; } text { fill: #e4e8ec; } .tick { fill: #98a4b1; } .grid { stroke: #313a44; }
}
"""

Points = list[tuple[float, float]]
"""Steps and values."""


def write(folder: Path, log: str) -> bool:
    """Draw a folder's log.

    Args:
        folder: Of a training; gets the picture.
        log: Name of its log.

    Returns:
        Whether there was anything to draw.
    """
    lines = (folder / log).read_text("utf-8").splitlines() if (folder / log).is_file() else []
    found = series([json.loads(line) for line in lines if line.endswith("}")])
    if found:
        write_atomic(folder / NAME, draw(found, folder.resolve().name).encode())
    return bool(found)


def series(log: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Points]]:
    """The lines of each panel.

    Args:
        log: Lines of a log, each with its step.

    Returns:
        By panel and name; panels and lines without a point are left out.
    """
    found: dict[str, dict[str, Points]] = {}
    for panel, belongs in PANELS.items():
        names = dict.fromkeys(name for line in log for name in line if belongs(name))
        drawn = {
            name: _thinned([(line["step"], line[name]) for line in log if _is_drawn(line.get(name))]) for name in names
        }
        if drawn := {name: points for name, points in drawn.items() if points}:
            found[panel] = drawn
    return found


def draw(panels: Mapping[str, Mapping[str, Points]], title: str) -> str:
    """The picture.

    Args:
        panels: As `series` gives them.
        title: What stands above.

    Returns:
        SVG.
    """
    size = {"width": str(WIDTH), "height": str(HEIGHT * len(panels)), "viewBox": f"0 0 {WIDTH} {HEIGHT * len(panels)}"}
    root = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    ElementTree.SubElement(root, "title").text = f"Training {one_line(title, 80)}: {', '.join(panels)} by step"
    ElementTree.SubElement(root, "style").text = STYLE
    last = max(step for lines in panels.values() for points in lines.values() for step, _ in points)
    for number, (panel, lines) in enumerate(panels.items()):
        _panel(root, number * HEIGHT, panel, lines, last)
    return ElementTree.tostring(root, encoding="unicode")


def _panel(root: ElementTree.Element, top: float, title: str, lines: Mapping[str, Points], last: float) -> None:
    values = [value for points in lines.values() for _, value in points]
    rows, columns = ticks(min(values), max(values)), ticks(0, last)
    low, high = rows[0], rows[-1]

    def x(step: float) -> float:
        return round(LEFT + step / (columns[-1] or 1) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(top + HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    _text(root, 12, top + 20, title)
    for row in rows:
        _line(root, x(0), y(row), x(columns[-1]), y(row))
        _text(root, LEFT - 8, y(row) + 4, f"{row:g}", "tick", "end")
    for column in columns:
        _text(root, x(column), top + HEIGHT - 10, f"{column:g}", "tick", "middle")
    for number, (name, points) in enumerate(lines.items()):
        path = " ".join(f"{x(step)},{y(value)}" for step, value in points)
        look = {"stroke": COLOURS[number % len(COLOURS)], "class": "held" if name.startswith("eval") else "line"}
        at, (step, value) = WIDTH - RIGHT + 16, points[-1]
        dot = {"cx": f"{x(step)}", "cy": f"{y(value)}", "r": "2.5", "fill": look["stroke"]}
        ElementTree.SubElement(root, "circle", dot)
        place = top + TOP + 8 + 20 * number
        for drawn in (path, f"{at},{place} {at + 24},{place}"):
            ElementTree.SubElement(root, "polyline", {"points": drawn, **look})
        _text(root, WIDTH - RIGHT + 48, place + 4, f"{one_line(name, 20)} {value:.4g}")


def ticks(low: float, high: float) -> list[float]:
    """Round numbers around a range, two at least."""
    spread = max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-12)
    power = 10.0 ** math.floor(math.log10(spread / 5))
    step = next(power * unit for unit in (1, 2, 5, 10) if spread / (power * unit) <= 6)
    first, end = math.floor(low / step), math.ceil(high / step)
    return [float(f"{each * step:.12g}") for each in range(first, max(end, first + 1) + 1)]


def _is_drawn(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _thinned(points: Points) -> Points:
    every = math.ceil(len(points) / POINTS) or 1
    parts = [points[start : start + every] for start in range(0, len(points), every)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def _text(root: ElementTree.Element, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
    place = {"x": f"{x:g}", "y": f"{y:g}", "class": kind, "text-anchor": anchor}
    ElementTree.SubElement(root, "text", place).text = text


def _line(root: ElementTree.Element, x1: float, y1: float, x2: float, y2: float) -> None:
    ElementTree.SubElement(root, "line", {"x1": f"{x1}", "y1": f"{y1}", "x2": f"{x2}", "y2": f"{y2}", "class": "grid"})

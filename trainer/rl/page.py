"""The curves of a training as one static page, and each as a picture: `OUTPUT/rl.html`, read from `OUTPUT/log.jsonl`.

The page holds numbers and this module's own words only, and loads nothing from outside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from harness.files import write_atomic
from trainer.callbacks import LOG

PAGE = "rl.html"
COLOURS = ("#0b62a4", "#c2410c", "#15803d", "#7c3aed", "#475569")
CHARTS: Mapping[str, Sequence[str]] = {
    "Reward and scores": ("reward", "format"),
    "Dead groups": ("dead/all_right", "dead/all_wrong"),
    "Entropy of thinking, nats": ("entropy/right", "entropy/wrong"),
    "Entropy bonus of an advantage": ("bonus",),
    "Replies whose bonus is at its bound": ("clipped",),
    "KL from the start, nats a token": ("kl",),
    "Tokens of a reply": ("length",),
    "Replies that were cut off": ("truncated",),
    "Seconds by part": ("seconds/generation", "seconds/reward", "seconds/reference", "seconds/update"),
}
"""Title -> figures of the log. Scores of the harness join the first."""
WIDTH, HEIGHT, LEFT, BOTTOM = 460, 220, 52, 24

Point = tuple[float, float]


class Page(TrainerCallback):
    """Writes the page whenever a checkpoint is saved, and at the end; main process only."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write it."""
        if state.is_world_process_zero:
            write(Path(args.output_dir))

    on_train_end = on_save


def write(folder: Path) -> Path:
    """Write the page of a run.

    Args:
        folder: The run's output folder.

    Returns:
        The page.
    """
    lines = [json.loads(line) for line in (folder / LOG).read_text("utf-8").splitlines()]
    scores = sorted({name for line in lines for name in line if name.startswith("eval/") and not name.endswith("/n")})
    charts = {title: (*names, *(scores if "scores" in title else ())) for title, names in CHARTS.items()}
    pictures = [
        f"<figure>{picture(title, found)}</figure>"
        for title, names in charts.items()
        if (found := {name: points for name in names if (points := curve(lines, name))})
    ]
    path = folder / PAGE
    write_atomic(path, _html(f"Training by reinforcement: {folder.resolve().name}", pictures).encode())
    return path


def curve(lines: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    """A figure of the log by step."""
    found = [(float(line["step"]), line[name]) for line in lines if isinstance(line.get(name), int | float)]
    return [(step, float(value)) for step, value in found if math.isfinite(value)]


def smooth(points: Sequence[Point], width: int) -> list[Point]:
    """The mean of each point and up to `width - 1` before it."""
    return [
        (step, sum(value for _, value in points[max(0, place + 1 - width) : place + 1]) / min(place + 1, width))
        for place, (step, _) in enumerate(points)
    ]


def picture(title: str, curves: Mapping[str, Sequence[Point]], smoothed: int = 1) -> str:
    """Curves in one picture.

    Args:
        title: Above it.
        curves: Points by name; each at least one.
        smoothed: Steps of the moving mean that is drawn over the points.

    Returns:
        SVG.
    """
    every = [point for points in curves.values() for point in points]
    first, last = min(step for step, _ in every), max(step for step, _ in every)
    low, high = min(0.0, *(value for _, value in every)), max(value for _, value in every)
    high = high if high > low else low + 1

    def place(point: Point) -> str:
        x = LEFT + (point[0] - first) / max(last - first, 1) * (WIDTH - LEFT - 12)
        y = HEIGHT - BOTTOM - (point[1] - low) / (high - low) * (HEIGHT - BOTTOM - 44)
        return f"{x:.1f},{y:.1f}"

    parts = [f'<text x="{LEFT}" y="14" class="title">{escape(title)}</text>']
    for value in (low, (low + high) / 2, high):
        x, y = place((first, value)).split(",")
        parts.append(f'<line x1="{x}" x2="{WIDTH - 12}" y1="{y}" y2="{y}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{float(y) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for step, anchor in ((first, "start"), (last, "end")):
        x = place((step, low)).split(",")[0]
        parts.append(f'<text x="{x}" y="{HEIGHT - 6}" text-anchor="{anchor}">step {step:.0f}</text>')
    for number, (name, points) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        drawn = smooth(points, smoothed)
        if len(points) > 1:
            line = " ".join(map(place, drawn))
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        if len(points) == 1 or smoothed > 1:
            dots = (place(point).split(",") for point in points)
            parts += [f'<circle cx="{x}" cy="{y}" r="1.8" fill="{colour}" opacity="0.45"/>' for x, y in dots]
        across = LEFT + number * (WIDTH - LEFT) / max(len(curves), 3)
        parts.append(f'<text x="{across:.0f}" y="30" fill="{colour}">{escape(name)} {points[-1][1]:.3g}</text>')
    style = "text{font:11px sans-serif;fill:#334155}.title{font-weight:bold}.grid{stroke:#e2e8f0}"
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img"><style>{style}</style>{"".join(parts)}</svg>'


def _html(title: str, pictures: Sequence[str]) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    body = "\n".join(pictures) or "<p>No step has been taken.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<style>body{font:15px sans-serif;margin:2rem}figure{display:inline-block;margin:.5rem}</style></head>"
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )

"""All curves of a training on one static page: `OUTPUT/rl.html`, read from `OUTPUT/log.jsonl`.

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
from trainer import picture
from trainer.callbacks import LOG

PAGE = "rl.html"
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
    panels = {
        title: found
        for title, names in charts.items()
        if (found := {name: points for name in names if (points := curve(lines, name))})
    }
    path, name = folder / PAGE, folder.resolve().name
    drawn = picture.draw(panels, name) if panels else "<p>No step has been taken.</p>"
    write_atomic(path, _html(f"Training by reinforcement: {name}", drawn).encode())
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


def _html(title: str, body: str) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<style>body{font:15px sans-serif;margin:2rem}</style></head>"
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )

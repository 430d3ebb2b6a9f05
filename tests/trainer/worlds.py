"""A random model and a handful of examples: the world that tests of training live in."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from tests.tinymodels import make_tiny_qwen2
from trainer.config import TrainConfig

TOOL = {
    "name": "weather.get",
    "description": "Weather of a city.",
    "parameters": {"type": "dict", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def rows(count: int = 8, seed: int = 0) -> list[dict[str, Any]]:
    """Examples without tools (so that no benchmark data is needed) with thinking and answers of many lengths."""
    rng = Random(seed)
    made = []
    for index in range(count):
        words = [rng.choice(("sun", "rain", "wind", "Bern", "Rome")) for _ in range(rng.randrange(3, 25))]
        made.append(
            {
                "id": str(index),
                "messages": [{"role": "user", "content": f"Weather {' '.join(words[: 1 + index % 3])}?"}],
                "tools": [],
                "think": " ".join(words),
                "answer": f"[weather(city='{words[0]}', days={rng.randrange(100)})]",
                "source": {},
            }
        )
    return made


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def config(folder: Path, **settings: Any) -> TrainConfig:
    """A run on a random two-layer model in a folder of its own.

    Args:
        folder: Holds the model, the data and the output.
        **settings: Overrides.

    Returns:
        The configuration; six steps of eight records unless overridden.
    """
    model, data = folder / "model", folder / "data.jsonl"
    if not model.exists():
        make_tiny_qwen2(model)
    if not data.exists():
        write(data, rows(48))
    given: dict[str, Any] = {
        "model": str(model),
        "data": str(data),
        "output_dir": str(folder / "out"),
        "learning_rate": 3e-3,
        "max_steps": 6,
        "per_device_train_batch_size": 8,
        "use_cpu": True,
        "save_steps": 1000,
        "data_cache": str(folder / "cache"),
    }
    return TrainConfig(**given | settings)


def log(folder: Path) -> list[dict[str, Any]]:
    """Lines of a run's log that tell of a step."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "loss" in line]


def conversations(count: int = 3, replies: int = 4, seed: int = 0) -> list[dict[str, Any]]:
    """Examples of several replies each, with thinking of many lengths, and results between them."""
    made = []
    for index, row in enumerate(rows(count, seed)):
        messages = list(row["messages"])
        for turn, said in enumerate(rows(replies - 1, seed + 100 + index)):
            messages += [
                {"role": "assistant", "content": said["answer"], "reasoning_content": said["think"]},
                {"role": "user", "content": f"It says {turn}. And {said['messages'][0]['content']}"},
            ]
        made.append({**row, "messages": messages})
    return made

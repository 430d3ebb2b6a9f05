"""Small worlds for reinforcement: a random model whose replies are given, and the embedded model with its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import torch

from tests.tinymodels import make_tiny_qwen2
from trainer.recipes.tiny.synth import item
from trainer.rl import rewards
from trainer.rl.config import RLConfig
from trainer.rl.items import Item, read_items
from trainer.rl.run import build
from trainer.run import load_tokenizer

SOMETIMES = (7, 62, 63, 78, 82, 110, 119, 128)
"""Questions that the embedded model answers rightly in three to five of eight replies: their groups are seldom dead."""


def questions(path: Path, count: int = len(SOMETIMES)) -> Path:
    """Items of the embedded model's kind, the first of those that the experiment in `trainer/recipes/rl` asks."""
    rng = Random("rl/questions/1")
    made = [item(rng, 1, "train").example(str(n)) for n in range(max(SOMETIMES) + 1)]
    path.write_text("".join(json.dumps(asdict(made[n])) + "\n" for n in SOMETIMES[:count]))
    return path


def config(folder: Path, **settings: Any) -> RLConfig:
    """Two questions of four replies by the embedded model.

    Args:
        folder: Holds the data and the output.
        **settings: Overrides.

    Returns:
        The configuration.
    """
    data = folder / "items.jsonl"
    if not data.exists():
        questions(data)
    given: dict[str, Any] = {
        "model": "tiny",
        "data": str(data),
        "output_dir": str(folder / "out"),
        "num_generations": 4,
        "per_device_train_batch_size": 8,
        "max_completion_length": 48,
        "temperature": 1.0,
        "learning_rate": 1e-3,
        "beta": 0.05,
        "max_steps": 2,
        "save_steps": 1000,
        "use_cpu": True,
        "report_to": "none",
    }
    return RLConfig(**given | settings)


def random_model(folder: Path, tokenizer: Any = None) -> str:
    """A random model of two layers."""
    path = folder / "model"
    if not path.exists():
        make_tiny_qwen2(path, tokenizer=tokenizer, initializer_range=0.1)
    return str(path)


class Scripted:
    """Generates what it was given: replies by the id of their question, each to one of its group.

    Args:
        texts: Replies; the end of turn is added unless they end with `...`, which stands for being cut off.
        tokenizer: The model's.
    """

    def __init__(self, texts: Mapping[str, Sequence[str]], tokenizer: Any) -> None:
        self.texts, self.tokenizer = texts, tokenizer

    def __call__(self, model: Any, asked: Sequence[tuple[int, Item]], step: int) -> list[list[int]]:
        """The replies, as `trainer.rl.rollout.Slots` gives them."""
        seen: dict[str, int] = {}
        replies = []
        for _, each in asked:
            name = each.example.id
            seen[name] = seen.get(name, 0) + 1
            text = self.texts[name][(seen[name] - 1) % len(self.texts[name])]
            whole = text.removesuffix("...")
            end = [] if whole != text else [self.tokenizer.eos_token_id]
            replies.append([*self.tokenizer.encode(whole, add_special_tokens=False), *end])
        return replies


def trainer_of(settings: RLConfig) -> Any:
    """The trainer of a run, before its first step."""
    tokenizer = load_tokenizer(settings)
    corpus, handler = read_items(settings, tokenizer, rewards.load(settings.reward))
    torch.manual_seed(settings.seed)
    return build(settings, tokenizer, corpus, handler, {"adapter": None, "config": {}})


def log(folder: Path) -> list[dict[str, Any]]:
    """Lines of a run's log that tell of a step."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "reward" in line]

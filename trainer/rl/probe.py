"""Pass rates of questions before training: a group that is all right or all wrong teaches nothing, and costs as much.

    OUTPUT/probe.jsonl      a line with the settings, then one a question: how many of its replies were right

Killed at any moment, the same command goes on behind the last whole line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import torch

from harness import models
from harness.engines.hf import ends_of
from harness.errors import UsageProblem
from harness.files import write_atomic
from harness.stats.intervals import wilson
from trainer.data import end_of_turn
from trainer.model import load_model, stop_at
from trainer.rl import rewards
from trainer.rl.config import RLConfig
from trainer.rl.items import Item, read_items
from trainer.rl.reward import Scorer
from trainer.rl.rollout import Slots
from trainer.run import load_tokenizer

FILE = "probe.jsonl"
BATCH = 8
"""Questions between two lines."""


def probe(config: RLConfig, count: int, tell: Callable[[str], None]) -> tuple[list[Item], list[dict[str, Any]]]:
    """Ask some questions as a training would, without learning.

    Args:
        config: The training.
        count: Questions at most, drawn by the seed.
        tell: Called with lines of progress.

    Returns:
        The questions, and for each `id`, `right`, `judged`, `truncated`, `format` and `tokens`.
    """
    tokenizer = load_tokenizer(config)
    corpus, handler = read_items(config, tokenizer, rewards.load(config.reward))
    drawn = Random(config.seed).sample(range(len(corpus.records)), min(count, len(corpus.records)))
    items = [corpus.records[place] for place in sorted(drawn)]
    path = Path(config.output_dir) / FILE
    done = _claim(path, config, corpus.sha256, count)
    if len(done) < len(items):
        model = load_model(config, fused=False)
        stop_at(model, tokenizer, end_of_turn(tokenizer))
        if torch.accelerator.is_available() and not config.use_cpu:
            model.to(torch.accelerator.current_accelerator())
        scorer = Scorer(rewards.load(config.reward), handler, tokenizer, ends_of(model, tokenizer), config.needs_think)
        slots = Slots(tokenizer, config)
        for start in range(len(done), len(items), BATCH):
            some = list(_asked(items[start : start + BATCH], start, model, slots, scorer, config.num_generations))
            with path.open("a") as file:
                file.write("".join(json.dumps(row) + "\n" for row in some))
            done += some
            tell(f"{len(done)} of {len(items)} questions")
    return items, done


def _claim(path: Path, config: RLConfig, data: str, count: int) -> list[dict[str, Any]]:
    """Lines of an earlier call with the same settings.

    Raises:
        UsageProblem: The file is of another probe.
    """
    settings = {"config": config.identity(), "data": data, "count": count, "model": models.inspect(config.model).sha256}
    head = json.loads(json.dumps(settings))
    if config.overwrite:
        path.unlink(missing_ok=True)
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [json.loads(line) for line in lines if line.endswith("}\n")]
    if whole and whole[0] != head:
        changed = sorted(name for name in head if whole[0].get(name) != head[name])
        raise UsageProblem(f"{path} is of a probe with another {', '.join(changed)}", "--overwrite starts anew.")
    rows = whole[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, "".join(json.dumps(line) + "\n" for line in [head, *rows]).encode())
    return rows


def _asked(
    items: Sequence[Item], start: int, model: Any, slots: Slots, scorer: Scorer, size: int
) -> Iterator[dict[str, Any]]:
    places = [(start * size + row, item) for row, item in enumerate(item for item in items for _ in range(size))]
    replies = slots(model, places, 0)
    scored = [scorer(item, ids) for (_, item), ids in zip(places, replies, strict=True)]
    for place, item in enumerate(items):
        group = scored[place * size : (place + 1) * size]
        yield {
            "id": item.example.id,
            "right": sum(each.reward or 0.0 for each in group),
            "judged": sum(each.reward is not None for each in group),
            "truncated": sum(each.problem == "truncated" for each in group),
            "format": sum(not each.problem for each in group),
            "tokens": sum(each.generation.completion_tokens for each in group),
        }


def rate(row: Mapping[str, Any]) -> float:
    """A question's pass rate; 0 where nothing could be judged."""
    return float(row["right"]) / row["judged"] if row["judged"] else 0.0


def summary(rows: Sequence[Mapping[str, Any]], size: int) -> dict[str, Any]:
    """What a probe says of a training on such questions.

    Args:
        rows: Of the questions.
        size: Replies to each.

    Returns:
        Shares with their Wilson intervals, and how many questions had how many right replies.
    """
    rates, count = [rate(row) for row in rows], len(rows)

    def share(number: int) -> dict[str, Any]:
        return {"share": number / count, "interval": list(wilson(number, count))}

    hard, easy = sum(each <= 0 for each in rates), sum(each >= 1 for each in rates)
    replies = count * size
    return {
        "questions": count,
        "replies": replies,
        "reward": sum(row["right"] for row in rows) / max(sum(row["judged"] for row in rows), 1),
        "all_right": share(easy),
        "all_wrong": share(hard),
        "teaches": share(count - hard - easy),
        "format": sum(row["format"] for row in rows) / replies,
        "truncated": sum(row["truncated"] for row in rows) / replies,
        "tokens": sum(row["tokens"] for row in rows) / replies,
        "right_of": dict(sorted(Counter(f"{row['right']:g}/{row['judged']}" for row in rows).items())),
    }


def text(found: Mapping[str, Any]) -> str:
    """A summary for people, with advice."""
    lines = [
        f"{found['questions']} questions, {found['replies']} replies: reward {found['reward']:.3f}, "
        f"{found['tokens']:.0f} tokens a reply, {found['truncated']:.1%} cut off, {found['format']:.1%} of right format"
    ]
    names = {"all_wrong": "too hard (all wrong)", "all_right": "too easy (all right)", "teaches": "teaches something"}
    for name, words in names.items():
        low, high = found[name]["interval"]
        share = found[name]["share"]
        lines.append(f"{words:<22} {share:6.1%}  [{low:.1%}, {high:.1%}]  {'█' * round(30 * share)}")
    lines.append(advice(found))
    return "\n".join(lines)


def advice(found: Mapping[str, Any]) -> str:
    """What to do about a probe."""
    if found["format"] < 0.5:
        return "Most replies have a wrong format: start from a model that keeps it, fine-tuned by trainer run."
    if found["truncated"] > 0.2:
        return "Many replies are cut off: raise --max-completion-length."
    if found["teaches"]["share"] >= 0.5:
        return "Most groups teach something: train on it."
    hard = found["all_wrong"]["share"] > found["all_right"]["share"]
    side = "hard: fine-tune longer first, choose easier data," if hard else "easy: choose harder data,"
    return f"Most groups would be dead. The data is too {side} or keep what teaches: --probe-keep FILE."


def keep(items: Sequence[Item], rows: Sequence[Mapping[str, Any]], low: float, high: float, path: Path) -> int:
    """Write the questions whose pass rate lies within bounds, as training data.

    Args:
        items: The questions.
        rows: What was found of them.
        low: Smallest pass rate.
        high: Largest.
        path: The file.

    Returns:
        How many there are.
    """
    kept = [item.example for item, row in zip(items, rows, strict=True) if low <= rate(row) <= high]
    write_atomic(path, "".join(json.dumps(asdict(each)) + "\n" for each in kept).encode())
    return len(kept)

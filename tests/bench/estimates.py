"""Hours, memory and disk of the front page's larger jobs, by arithmetic: none of them has been run at this size.

python -m tests.bench.estimates    # the tables in README.md, and the assumptions under them

Operations are two a parameter and token in a forward pass; training by `trainer.estimate`. What a GPU sustains is
assumed, as in trainer/recipes/README.md: H100, 989 TFLOP/s dense in bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

from trainer.config import TrainConfig
from trainer.estimate import GIB, compute, memory

GENERATING, TRAINING = 0.15 * 989e12, 400e12
RECORDS, PROMPT, THINK, RESULT = 60_000, 750, 351, 31
JUDGEMENTS, JUDGEMENT = 6, 700
"""A record's calls of the judge (five stages and the reasoning it writes), and tokens of each, in and out alike."""
MODEL, JUDGE = 7.616e9, 32.8e9
SHAPE = SimpleNamespace(hidden_size=3584, num_hidden_layers=28, intermediate_size=18944, vocab_size=152064)
REPLIES = {"single_turn": 3641, "forgetting": 542}
"""Samples as `harness run --dry-run` counts them."""
RECIPE = {"bf16": True, "gradient_checkpointing": True, "num_train_epochs": 3}


@dataclass(frozen=True)
class Step:
    """One job on eight GPUs and on one."""

    name: str
    operations: tuple[float, float]
    rate: float
    """Operations a second that one GPU sustains."""

    def hours(self) -> tuple[float, float]:
        eight, one = self.operations
        return eight / (8 * self.rate) / 3600, one / self.rate / 3600


def steps() -> Iterator[Step]:
    judged = 2 * JUDGE * RECORDS * JUDGEMENTS * 2 * JUDGEMENT
    yield Step("refine 60,000 records, 32.8 billion parameters judging", (judged, judged), GENERATING)
    tokens = RECORDS * (PROMPT + THINK + RESULT) * 3
    whole, adapter = (compute(config(peft), round(MODEL), tokens) for peft in (False, True))
    yield Step("train 3 epochs of MSL: all weights on eight, an adapter on one", (whole, adapter), TRAINING)
    measured = 2 * 2 * MODEL * sum(REPLIES.values()) * (PROMPT + THINK + RESULT)
    yield Step("measure base and tuned: 2 x 4,183 replies", (measured, measured), GENERATING)


def config(peft: bool) -> TrainConfig:
    alone = {"use_peft": True, "dtype": "bfloat16", "per_device_train_batch_size": 1}
    return TrainConfig(model="-", data=("-",), **RECIPE, **(alone if peft else {"fsdp": True}))


def training_memory() -> tuple[float, float]:
    """GiB a GPU: eight with all weights and four rows of 4,096 tokens, one with an adapter and one row."""
    eight = memory(config(False), SHAPE, round(MODEL), 4 * 4096, 8)
    one = memory(config(True), SHAPE, round(MODEL), 4096, 1)
    return sum(eight.values()) / GIB, sum(one.values()) / GIB


def main() -> None:
    """Print the rows."""
    print("| step | PFLOP | hours, 8 GPUs | hours, 1 GPU |\n| --- | ---: | ---: | ---: |")
    for step in steps():
        eight, one = step.hours()
        print(f"| {step.name} | {step.operations[0] / 1e15:,.0f} | {eight:.2f} | {one:.1f} |")
    eight, one = training_memory()
    print(f"\nmemory of a GPU in training: {eight:.1f} GiB on eight, {one:.1f} GiB on one")
    print(f"weights in bfloat16, disk and memory: {2 * MODEL / 1e9:.1f} GB")
    print(f"one model, {sum(REPLIES.values()):,} replies, one GPU: {list(steps())[-1].hours()[1] / 2 * 60:.0f} minutes")


if __name__ == "__main__":
    main()

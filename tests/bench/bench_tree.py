"""Conversations of four replies, reply by reply and as trees: tokens and CPU seconds of a pass, and how losses differ.

Random tokens on a random model; lengths are those of tool use: a system prompt with tools, short questions and results,
thinking before each reply. The ways take turns on each batch of conversations; medians are compared.
"""

from __future__ import annotations

import statistics
import time
from array import array
from random import Random

from tabulate import tabulate

from tests.bench.bench_trainer import model
from trainer.collate import Collator, Row, labels
from trainer.data import Record
from trainer.losses import Totals
from trainer.losses.regions import by_sample
from trainer.losses.regions import totals as count
from trainer.train import fuse
from trainer.tree import trees

CONVERSATIONS, REPLIES, WARM = 12, 4, 2
TOOLS, ASKED, THOUGHT, SAID = 400, (20, 80), (40, 120), (10, 40)
"""Tokens: of the first prompt, and of each turn from and to."""


def conversation(rng: Random, name: str) -> list[Record]:
    """Its records, as the trainer makes them: earlier thinking is not shown."""
    shown, made = [rng.randrange(10, 8000) for _ in range(TOOLS)], []
    for place in range(REPLIES):
        asked, thought, said = (
            [rng.randrange(10, 8000) for _ in range(rng.randint(*n))] for n in (ASKED, THOUGHT, SAID)
        )
        shown += asked
        regions = [0] * len(shown) + [1] * len(thought) + [2] * len(said)
        made.append(Record(f"{name}@{place}", array("i", shown + thought + said), array("b", regions)))
        shown += said
    return made


def main() -> None:
    """Measure and print one table."""
    rng, net = Random(0), model(8192, 256, 6, 768)
    fuse(net)
    talks = [conversation(rng, str(number)) for number in range(CONVERSATIONS + WARM)]
    ways: dict[str, list[list[Row]]] = {
        "reply by reply": [[(record,) for record in talk] for talk in talks],
        "tree": [[(tree,) for tree in trees(talk, 4096)] for talk in talks],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    values: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(len(talks)):
        for name, rows in ways.items():
            began = time.process_time()
            batch = Collator(0)(rows[number])
            marked, targets, before = labels(batch)
            think, result = by_sample(marked, Totals(*count(marked).tolist()))
            seen = {key: batch[key] for key in ("position_ids", "attention_mask") if key in batch}
            out = net(
                input_ids=batch["input_ids"],
                targets=targets,
                before=before,
                weights=(think + result) / 2,
                **seen,
            )
            out["loss"].backward()
            seconds[name].append(time.process_time() - began)
            values[name].append(out["loss"].item())
    off = max(abs(a - b) for a, b in zip(*values.values(), strict=True))
    tokens = {name: sum(len(item) for rows in of for row in rows for item in row) for name, of in ways.items()}
    base = statistics.median(seconds["reply by reply"][WARM:])
    table = [
        [name, tokens[name], f"{statistics.median(taken[WARM:]):.2f}", f"{statistics.median(taken[WARM:]) / base:.2f}"]
        for name, taken in seconds.items()
    ]
    print(f"{len(talks)} conversations of {REPLIES} replies, one a step, 7M parameters; losses differ by {off:.1e}")
    print(tabulate(table, ["way", "tokens", "CPU s a step", "ratio"], disable_numparse=True))


if __name__ == "__main__":
    main()

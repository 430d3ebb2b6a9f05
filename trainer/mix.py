"""Several data sets as one, each with a weight."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from random import Random

import numpy as np

from harness.errors import UsageProblem
from trainer.data import Corpus
from trainer.store import Picked


def source(text: str) -> tuple[str, float]:
    """A value of `--data`: a data set, and how often an epoch sees it.

    Args:
        text: `FILE`, `FILE:2`, or a hub id with or without a split, such as `org/name:train:0.5`.

    Returns:
        The data set as `harness.data.examples.read` takes it, and its weight.

    Raises:
        UsageProblem: The weight is not positive.
    """
    name, colon, last = text.rpartition(":")
    try:
        weight = float(last) if colon else None
    except ValueError:
        weight = None
    if weight is None:
        return text, 1.0
    if not (math.isfinite(weight) and weight > 0):
        raise UsageProblem(f"--data {text}: the weight {last} is not above 0", "For example --data a.jsonl:2")
    return name, weight


def mix(corpora: Sequence[tuple[str, float, Corpus]], seed: int) -> Corpus:
    """One corpus of several.

    Args:
        corpora: Name, weight and records of each. A weight of 2 takes each record twice an epoch; one of 0.5 takes half
            of them, drawn once for the whole run.
        seed: Of the draw.

    Returns:
        The records in the order of the data sets; counts are sums, and tell what each data set gives.
    """
    if len(corpora) == 1 and corpora[0][1] == 1:
        return corpora[0][2]
    mixed = Corpus(sha256=hashlib.sha256(repr([(w, c.sha256) for _, w, c in corpora]).encode()).hexdigest())
    picks, start = [], 0
    for place, (name, weight, corpus) in enumerate(corpora):
        (whole, part), count = divmod(weight, 1), len(corpus.records)
        drawn = Random(f"{seed} {place}").sample(range(count), round(part * count))
        taken = np.concatenate([np.tile(np.arange(count), int(whole)), np.array(sorted(drawn), np.int64)])
        picks.append(start + taken)
        start += count
        mixed.counts.update(corpus.counts)
        mixed.counts[f"records of {name} x {weight:g}"] = len(taken)
    mixed.records = Picked([corpus.records for _, _, corpus in corpora], np.concatenate(picks))
    mixed.counts["records"] = len(mixed.records)
    return mixed

"""The two searches: documents by BM25, and APIs by keywords.

Upstream looks for APIs by the nearest embedding of a sentence model. The recorded keywords and what they found are in
the data; other keywords need the model (`embedding`), or are unknown and their item is not judged.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from harness.benchmarks.apibank import data, embedding
from harness.benchmarks.apibank.data import database
from harness.benchmarks.apibank.records import Refused
from harness.benchmarks.apibank.rules import same_end, unordered
from harness.benchmarks.apibank.tools import Tool, make_tool, tool

K1, B, FLOOR = 1.5, 0.75, 0.25
"""Parameters of BM25; the floor is the share of the mean weight that a word has which most documents hold."""
SHOWN = 2
"""Documents that a search returns."""


class UnknownKeywords(Exception):
    """What the embedding model would find is not known."""


@tool(unordered)
def search_engine(keyword: str) -> list[Any]:
    """The best documents for some words."""
    index = _index()
    scores = [0.0] * len(index.lengths)
    for word, times in Counter(words(keyword.lower().strip())).items():
        for place, frequency in index.places.get(word, ()):
            norm = K1 * (1 - B + B * index.lengths[place] / index.mean)
            scores[place] += times * index.weights[word] * frequency * (K1 + 1) / (frequency + norm)
    best = sorted(range(len(scores)), key=lambda place: -scores[place])[:SHOWN]
    return [database("SearchEngine")["raw_documents"][place] for place in best]


class Index(NamedTuple):
    """Words of the documents."""

    places: Mapping[str, list[tuple[int, int]]]
    """Word -> documents that hold it, and how often."""
    weights: Mapping[str, float]
    """Word -> inverse document frequency."""
    lengths: list[int]
    mean: float


@cache
def _index() -> Index:
    documents = database("SearchEngine")["tokenized_documents"]
    places: dict[str, list[tuple[int, int]]] = {}
    for place, document in enumerate(documents):
        for word, times in Counter(document).items():
            places.setdefault(word, []).append((place, times))
    n = len(documents)
    weights = {word: math.log(n - len(at) + 0.5) - math.log(len(at) + 0.5) for word, at in places.items()}
    floor = FLOOR * sum(weights.values()) / len(weights)
    lengths = [len(document) for document in documents]
    return Index(
        places, {word: floor if weight < 0 else weight for word, weight in weights.items()}, lengths, sum(lengths) / n
    )


_APART = re.compile(r"[;@#$%&?!\"()\[\]{}<>]|[,:](?!\d)|--|\.(?=\s*$)")
_ENDINGS = re.compile(r"n't\b|'(?:s|m|d|ll|re|ve)\b")


def words(text: str) -> list[str]:
    """Words and marks of a text, roughly as the Penn Treebank parts them."""
    return _ENDINGS.sub(lambda ending: f" {ending[0]}", _APART.sub(lambda mark: f" {mark[0]} ", text)).split()


def searcher(level: int, found: str | None = None) -> Tool:
    """The API that finds APIs.

    Args:
        level: Whose APIs it searches.
        found: The API that is taken to be found; None asks the recorded searches, then the model where it is wanted.

    Returns:
        The tool; where nothing is known of its keywords it raises `UnknownKeywords`.
    """

    def tool_searcher(keywords: str) -> Any:
        name = found or _recorded(level).get(_plain(keywords)) or embedding.nearest(level, keywords)
        if name is None:
            raise UnknownKeywords(keywords)
        documents = data.descriptions(level)
        if name not in documents:
            raise Refused("no document")
        if level != 3 and "token" in documents[name]["input_parameters"]:
            return [documents["GetUserToken"], documents[name]]
        return documents[name]

    return make_tool(tool_searcher, same_end)


@cache
def _recorded(level: int) -> Mapping[str, str]:
    return {_plain(spaced(words) if level == 3 else words): api for words, api in data.recorded_searches(level).items()}


def _plain(keywords: str) -> str:
    """Keywords as the model's tokenizer sees them: without case and without the number of blanks."""
    return " ".join(keywords.lower().split())


def spaced(keywords: str) -> str:
    """Keywords with a blank before every capital, as level 3 searches for them."""
    return "".join(f" {char}" if char.isupper() else char for char in keywords).strip()

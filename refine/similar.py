"""Duplicates inside a data set, and overlap with benchmarks that the trained model will be measured on.

Exact duplicates and contamination are found in memory that does not grow with text length (8 bytes a fingerprint);
near duplicates by MinHash keep a signature an example and are looked for on request.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from harness import machine
from harness.errors import UsageProblem
from harness.types import Example, Sample

NGRAM = 13
"""Words in a row that count as overlap, as in the contamination studies since GPT-3 (arXiv 2005.14165, appendix C)."""

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_OPENING = re.compile(r"^user: *(.+)", re.IGNORECASE | re.MULTILINE)


def words(text: str) -> list[str]:
    """Lower-case words and numbers of a text, and each character of Chinese and Japanese; all else separates them."""
    return _WORDS.findall(text.lower())


def query_of(example: Example) -> str:
    """The text of an example's user messages."""
    return "\n".join(str(m.get("content") or "") for m in example.messages if m.get("role") == "user")


def fingerprint(tokens: Sequence[str]) -> int:
    """64-bit digest of a word sequence."""
    return int.from_bytes(hashlib.blake2b(" ".join(tokens).encode(), digest_size=8).digest(), "big")


@dataclass
class Duplicates:
    """Finds examples whose query, tools and answer were seen before."""

    _seen: set[int] = field(default_factory=set)

    def objection(self, example: Example) -> str | None:
        """What speaks against the second and later ones of the same content."""
        names = sorted(str(tool.get("name")) for tool in example.tools)
        key = fingerprint([*words(query_of(example)), "\0", *names, "\0", *words(example.answer)])
        if key in self._seen:
            return "same query, tools and answer as an earlier example"
        self._seen.add(key)
        return None


class Contamination:
    """Finds queries that overlap with benchmark questions.

    Args:
        benchmarks: Question texts by benchmark name.
    """

    def __init__(self, benchmarks: Mapping[str, Iterable[str]]) -> None:
        self._whole: dict[int, str] = {}
        self._grams: dict[int, str] = {}
        for name, texts in benchmarks.items():
            for text in texts:
                tokens = words(text)
                self._whole[fingerprint(tokens)] = name
                self._grams.update((gram, name) for gram in _grams(tokens))

    def objection(self, example: Example) -> str | None:
        """What speaks against an example whose whole query, or 13 words of it in a row, stand in a benchmark."""
        tokens = words(query_of(example))
        if name := self._whole.get(fingerprint(tokens)):
            return f"the query is a question of {name}"
        for gram in _grams(tokens):
            if name := self._grams.get(gram):
                return f"the query shares {NGRAM} words in a row with {name}"
        return None


def benchmark_questions(names: Sequence[str]) -> dict[str, list[str]]:
    """Question texts of benchmarks, from their installed data.

    Of a dialogue that is written into one message (`User: ...`) the opening is a question of its own.

    Args:
        names: Any of `bfcl`, `acebench`, `apibank`, `humaneval`, `mbpp`.

    Returns:
        Texts by name.

    Raises:
        UsageProblem: A name is unknown.
        DataError: A benchmark's data is not installed.
    """
    from harness import plugins

    tasks = {
        "bfcl": ("bfcl", "single_turn"),
        "acebench": ("acebench", "acebench"),
        "apibank": ("apibank", "apibank"),
        "humaneval": ("evalplus", "humaneval"),
        "mbpp": ("evalplus", "mbpp"),
    }
    texts: dict[str, list[str]] = {}
    for name in names:
        if name not in tasks:
            raise UsageProblem(f"no benchmark {name!r} to decontaminate against", f"Known: {', '.join(tasks)}.")
        plugin, task = tasks[name]
        benchmark = plugins.load("benchmarks", plugin)
        samples = benchmark.load(benchmark.tasks()[task])
        texts[name] = list(chain.from_iterable(_questions(sample) for sample in samples))
    return texts


def _questions(sample: Sample[Any]) -> Iterator[str]:
    asked = [str(message.get("content")) for turn in sample.turns for message in turn if message["role"] == "user"]
    yield "\n".join(asked)
    if asked and (opening := _OPENING.search(asked[0])):
        yield opening[1]


class NearDuplicates:
    """Finds examples that nearly repeat an earlier one, by MinHash over 3-word shingles of query and answer.

    Memory grows by a signature (3.5 kB, measured) with each example that repeats none.

    Args:
        threshold: Jaccard similarity from which two examples are near duplicates.

    Raises:
        UsageProblem: `datasketch` is not installed.
    """

    def __init__(self, threshold: float) -> None:
        try:
            from datasketch import MinHash, MinHashLSH
        except ImportError:
            raise UsageProblem("near duplicates need datasketch", machine.install("refine")) from None
        self._signature, self._index = MinHash, MinHashLSH(threshold=threshold, num_perm=128)
        self._ids: list[str] = []

    def objection(self, example: Example) -> str | None:
        """What speaks against an example that nearly repeats an earlier one; a new one is remembered."""
        tokens = words(query_of(example) + "\n" + example.answer)
        signature = self._signature(num_perm=128)
        signature.update_batch([" ".join(tokens[i : i + 3]).encode() for i in range(max(1, len(tokens) - 2))])
        if found := self._index.query(signature):
            return f"nearly repeats example {self._ids[min(found)]!r}"
        self._index.insert(len(self._ids), signature)
        self._ids.append(example.id)
        return None


def _grams(tokens: Sequence[str]) -> Iterator[int]:
    return (fingerprint(tokens[i : i + NGRAM]) for i in range(len(tokens) - NGRAM + 1))

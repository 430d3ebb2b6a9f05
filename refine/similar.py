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

from harness import machine
from harness.errors import UsageProblem
from harness.types import Example
from refine.questions import user_turns

NGRAM = 13
"""Words in a row that count as overlap, as in the contamination studies since GPT-3 (arXiv 2005.14165, appendix C)."""
PHRASE = 6
"""Words from which a turn of a conversation is its own: no turn of five or more is both in API-Bank and in ACEBench
or BFCL (`Yes, that's correct` is, 24 times), and "Thank you for your help" may be said anywhere."""

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def words(text: str) -> list[str]:
    """Words and numbers of a text without case, and each character of Chinese and Japanese; all else separates them."""
    return _WORDS.findall(text.casefold())


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
        benchmarks: The user turns of each item by benchmark name, as `refine.questions` gives them.
    """

    def __init__(self, benchmarks: Mapping[str, Iterable[Sequence[str]]]) -> None:
        self._asked: dict[int, str] = {}
        self._grams: dict[int, str] = {}
        for name, items in benchmarks.items():
            for turns in items:
                for tokens in _said(turns):
                    self._asked[fingerprint(tokens)] = name
                    self._grams.update((gram, name) for gram in _grams(tokens))

    def objection(self, example: Example) -> str | None:
        """What speaks against an example.

        A benchmark asks the same in all turns or in one; asks one of its turns, where that is longer than a common
        phrase; or has 13 of its words in a row.
        """
        whole, *turns = _said(user_turns(example.messages))
        if name := self._asked.get(fingerprint(whole)) if whole else None:
            return f"the query is a question of {name}"
        for tokens in turns:
            if len(tokens) >= PHRASE and (name := self._asked.get(fingerprint(tokens))):
                return f"a user turn is a question of {name}"
        for gram in _grams(whole):
            if name := self._grams.get(gram):
                return f"the query shares {NGRAM} words in a row with {name}"
        return None


def _said(turns: Sequence[str]) -> list[list[str]]:
    """The words of all turns together, then of each that has any."""
    parts = [words(turn) for turn in turns]
    return [list(chain.from_iterable(parts)), *filter(None, parts)]


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

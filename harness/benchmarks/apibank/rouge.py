"""ROUGE-L of responses, as the package `rouge` 1.0.1 computes its F at summary level: on sets of words.

Texts are parted at `.`, white space is collapsed, case and punctuation count. For each sentence of the reference the
words of one longest common subsequence with each sentence of the reply are collected; precision and recall are over
distinct words. Where several subsequences are longest the package's own choice is made.
"""

from __future__ import annotations

from typing import Any, NamedTuple

EPSILON = 1e-8
DEEPEST = 991
"""Calls that the package can nest below the evaluator at Python's limit of 1,000; a longer path ends its run."""


class Response(NamedTuple):
    """How a response was scored."""

    score: float
    error: str | None
    """`CRASH:<Python error>` where upstream's run would end; the score is 0 then."""


def score_response(level: int, reference: str, raw: Any) -> Response:
    """Score a response as the evaluator of its level does.

    Args:
        level: 1 and 2 round to 4 digits; 3 drops `User:` and `AI:` anywhere and blanks at the ends, and does not round.
        reference: The recorded response.
        raw: The reply.

    Returns:
        The score; an empty reply has 0.
    """
    if not isinstance(raw, str):
        empty = level != 3 and not raw
        return Response(0.0, None if empty else f"CRASH:{'AttributeError' if raw or level == 3 else 'TypeError'}")
    if level == 3:
        raw = raw.replace("User:", "").replace("AI:", "").strip()
    if not raw:
        return Response(0.0, None)
    try:
        score = rouge_l(reference, raw)
    except (ValueError, RecursionError) as error:
        return Response(0.0, f"CRASH:{type(error).__name__}")
    return Response(score if level == 3 else round(score, 4), None)


def rouge_l(reference: str, reply: str) -> float:
    """F of two texts.

    Args:
        reference: The recorded text.
        reply: The text to score.

    Returns:
        0 to 1 - 5e-9.

    Raises:
        ValueError: A text has no sentence.
        RecursionError: A sentence is so long that the package nests too deep.
    """
    ours, theirs = _sentences(reply), _sentences(reference)
    if not ours or not theirs:
        raise ValueError("no sentence")
    ours = [[*words] for words in dict.fromkeys(map(tuple, ours))]
    common: set[str] = set()
    for sentence in theirs:
        for other in ours:
            common |= _common(sentence, other)
    precision = len(common) / len({word for sentence in ours for word in sentence})
    recall = len(common) / len({word for sentence in theirs for word in sentence})
    return 2.0 * (precision * recall / (precision + recall + EPSILON))


def _sentences(text: str) -> list[list[str]]:
    """Words of each sentence; one of blanks only is one empty word."""
    return [" ".join(part.split()).split(" ") for part in text.split(".") if part]


def _common(reference: list[str], reply: list[str]) -> set[str]:
    """Words of a longest common subsequence, found from the end as the package finds it.

    The table of lengths is kept as bits (Hyyrö 2004): the zeros among the first `row` bits of `columns[column]` count
    what the first `row` words of the reference and the first `column` words of the reply have in common.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(reference):
        places[word] = places.get(word, 0) | 1 << place
    full = (1 << len(reference)) - 1
    columns = [full]
    for word in reply:
        bits, fits = columns[-1], places.get(word, 0)
        columns.append(((bits + (bits & fits)) | (bits & ~fits)) & full if fits else bits)
    found: set[str] = set()
    row, column, depth = len(reference), len(reply), 1
    while row and column:
        depth += 1
        if depth > DEEPEST:
            raise RecursionError("a sentence is too long")
        if reference[row - 1] == reply[column - 1]:
            found.add(reference[row - 1])
            row, column = row - 1, column - 1
        elif _length(columns[column], row - 1) > _length(columns[column - 1], row):
            row -= 1
        else:
            column -= 1
    return found


def _length(bits: int, row: int) -> int:
    return row - (bits & ((1 << row) - 1)).bit_count()

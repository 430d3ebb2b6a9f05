"""ROUGE-L: values that can be worked out by hand, and the package itself where it is installed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.apibank.rouge import EPSILON, rouge_l, score_response

TEXTS = st.lists(st.sampled_from(["a", "b", "c d", "é", "G,", ".", "..", " ", "\n"]), max_size=25).map(" ".join)


def f(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall + EPSILON)


@pytest.mark.parametrize(
    ("reference", "reply", "expected"),
    [
        ("a b c d", "a b c d", f(1, 1)),
        ("a b c d", "a x c d", f(3 / 4, 3 / 4)),
        ("a b", "b a", f(1 / 2, 1 / 2)),
        ("a b. c d", "c d. a b", f(1, 1)),
        ("a b c", "a b c a b c. a b c", f(1, 1)),
        ("a b c", "a. b. c", f(1, 1)),
        ("a, b", "a b", f(1 / 2, 1 / 2)),
        ("a", "A", 0.0),
    ],
)
def test_values(reference: str, reply: str, expected: float) -> None:
    assert rouge_l(reference, reply) == expected


def test_each_level_prepares_a_reply_in_its_own_way() -> None:
    assert score_response(1, "a b c", "AI: a b c").score == round(f(3 / 4, 1), 4)
    assert score_response(3, "a b c", " AI: a b cUser:\n").score == f(1, 1)
    assert score_response(2, "a b c", "a b").score == 0.8
    assert score_response(3, "a b c", "a b").score == f(1, 2 / 3)
    assert score_response(1, "a", "") == score_response(3, "a", "AI: ") == (0.0, None)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("...", "CRASH:ValueError"),
        ("x " * 992, "CRASH:RecursionError"),
        ("x " * 990, None),
        (5, "CRASH:AttributeError"),
    ],
)
def test_what_ends_the_official_run_scores_nothing(raw: object, error: str | None) -> None:
    assert score_response(1, "a b", raw) == (0.0, error)


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS)
def test_ours_is_the_packages(reference: str, reply: str) -> None:
    package = pytest.importorskip("rouge")

    def scored(score):
        try:
            return score()
        except ValueError:
            return "no sentence"

    theirs = scored(lambda: package.Rouge().get_scores(reply, reference)[0]["rouge-l"]["f"])
    assert scored(lambda: rouge_l(reference, reply)) == theirs


@pytest.mark.parametrize("reply", ["word " * 200_000, "a. " * 300_000, "." * 1_000_000, "the result is " * 70_000])
def test_a_megabyte_is_scored_soon(reply: str) -> None:
    began = time.process_time()
    score_response(1, "The result is 33. The meeting is at noon. " * 3, reply)
    assert time.process_time() - began < 3

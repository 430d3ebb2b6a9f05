"""Reading calls: rules in closed form, and equal to backtracking patterns of the same meaning on any text."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.apibank.calls import find_call, read_parameters

PIECES = [*"[]()'\"=,.- \n\r", "a", "k", "1", "é", "²", "[f(", ")]", "k='", "k = ", "k=[", "\u2028"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)

VALUES = re.compile(
    r"""
    (?P<quoted>\w+)\s*=\s*['"](?P<text>.+?)['"]
    | (?P<listed>\w+)\s*=\s*(?P<list>\[.*\])
    | (?P<bare>\w+)\s*=\s*(?P<word>\w+)
    """,
    re.VERBOSE,
)


def theirs(reply: str) -> tuple[str, dict[str, str]] | None:
    call = re.search(r"\[(\w+)\((.*)\)\]", reply)
    if call is None:
        return None
    found = {}
    for value in VALUES.finditer(call[2]):
        kind = str(value.lastgroup)
        name = {"text": "quoted", "list": "listed", "word": "bare"}[kind]
        found[value[name]] = value[kind]
    return call[1], found


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.booleans())
def test_ours_reads_what_their_patterns_read(text: str, bracketed: bool) -> None:
    reply = f"[f({text})]" if bracketed else text
    ours = find_call(reply)
    expected = theirs(reply)
    assert ours == expected
    if ours and expected:
        assert list(ours.parameters) == list(expected[1])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("k='v'", {"k": "v"}),
        ('k="it\'s late"', {"k": "it"}),
        ("k='[{'a': 'b'}]'", {"k": "[{"}),
        ("k=\"['x', 'y']\"", {"k": "["}),
        ("k=['x', 'y'], l=[1]", {"k": "['x', 'y'], l=[1]"}),
        ("k='', l='b'", {"k": "', l="}),
        ("k=-5", {}),
        ("k=40.7", {"k": "40"}),
        ("k=None", {"k": "None"}),
        ("k='a', k='b'", {"k": "b"}),
        ("k=f(x)", {"k": "f"}),
        ("k = 'v'", {"k": "v"}),
        ("k: 'v', 'w'", {}),
        ("k=\\'v\\'", {}),
        ("ключ='да'", {"ключ": "да"}),
    ],
)
def test_what_is_read_of_a_parameter(written: str, read: dict[str, str]) -> None:
    assert read_parameters(written) == read


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        ("API-Request: [A(k='v')]", "A"),
        ("```\n[A()]\n``` and [B()]", "A"),
        ("<think>[A(k=1)]</think>[B(k=2)]", "A"),
        ("[A(k='v'\n)]\n[B(k='v')]", "B"),
        ("A(k='v')", None),
        ("[A(k='v')", None),
        ("[A (k='v')]", None),
        ('[{"name": "A"}]', None),
        ("", None),
    ],
)
def test_which_call_is_found(reply: str, name: str | None) -> None:
    call = find_call(reply)
    assert (call and call.name) == name


@pytest.mark.parametrize(
    "reply",
    [
        "[a(" * 100_000,
        "[f(" + "x" * 1_000_000 + ")]",
        "[f(" + "k='v', " * 100_000 + ")]",
        "[f(" + "k=" * 300_000 + ")]",
        "[f(" + "k=[ " * 200_000 + ")]",
        "[f(" + "a  " * 200_000 + "=)]",
        "[f(k='" + "x" * 900_000 + ")]",
    ],
)
def test_a_megabyte_takes_less_than_two_seconds(reply: str) -> None:
    began = time.process_time()
    find_call(reply)
    assert time.process_time() - began < 2

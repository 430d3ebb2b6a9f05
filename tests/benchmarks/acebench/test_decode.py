"""Replies as calls: every construct of the official reader, and none of what it would run."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.acebench.decode import Undecodable, decode, first_brackets
from harness.benchmarks.acebench.rules import STRICT


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("[f(a=1, b='x')]", [{"f": {"a": 1, "b": "x"}}]),
        ("[g.h(c=[True, None])]", [{"g.h": {"c": [True, None]}}]),
        ("Sure: [f(a=1)] and [g(b=2)]; done", [{"f": {"a": 1}}]),
        ("```python\n[f(a=1)]\n```", [{"f": {"a": 1}}]),
        ("[]", []),
        ("[f(1, 2, a=3)]", [{"f": {"a": 3}}]),
        ("[f(*x, a=3)]", [{"f": {"a": 3}}]),
        ("[f(**{'a': 1})]", [{"f": {None: {"a": 1}}}]),
        ("[f(a=1, a=2)]", [{"f": {"a": 2}}]),
        ("[f(a=...)]", [{"f": {"a": "..."}}]),
        ("[f(a=+1, b=~1, c=not True, d=-2.5)]", [{"f": {"a": -1, "b": -1, "c": -1, "d": -2.5}}]),
        ("[f(a=20-30, b='a' + 'b', c=[1] + [2], d=2**3)]", [{"f": {"a": -10, "b": "ab", "c": [1, 2], "d": 8}}]),
        ("[f(a=true, b=null)]", [{"f": {"a": "true", "b": "null"}}]),
        ("[f(a=g(), b=g(1), c=g(x=1))]", [{"f": {"a": {"g": {}}, "b": {"g": {}}, "c": {"g": {"x": 1}}}}]),
        ("[f(a=(1, 2), b={'k': (3,)})]", [{"f": {"a": (1, 2), "b": {"k": (3,)}}}]),
        ("[f(a=x[0], b=x[1:2])]", [{"f": {"a": "x[0]", "b": "x[1:2]"}}]),
        ("[f(1)(a=2), f[0](a=1), (lambda: 0)(a=1)]", [{"": {"a": 2}}, {"": {"a": 1}}, {"": {"a": 1}}]),
    ],
)
def test_what_can_be_read(text, calls):
    assert decode(text) == calls


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f(a=1)",
        "(f(a=1),)",
        "] [f(a=1)]",
        "say [x] then [f(a=1)]",
        "[f(a=1)",
        "[f(a=1),, g()]",
        "['f(a=1)']",
        '[{"name": "f"}]',
        "[f(a={1, 2})]",
        "[f(a=f'{1}')]",
        "[f(a=lambda: 1)]",
        "[f(a=[i for i in [1]])]",
        "[f(a=1 if 1 else 2)]",
        "[f(a=1 < 2)]",
        "[f(a=True and False)]",
        "[f(a=x.y)]",
        "[f(a=-x)]",
        "[f(a=+-2)]",
        "[f(a=-'a')]",
        "[f(a=(x := 1))]",
        "[f(a={**{'a': 1}})]",
        "[f(a=[*[1]])]",
        "[f(a=007)]",
        "[f(a={[]: 1})]",
        "[f(a='x' + y)]",
        "[f(a=1/0)]",
    ],
)
def test_what_cannot_be_read(text):
    with pytest.raises(Undecodable):
        decode(text)


@pytest.mark.parametrize("raw", [None, 1, True, ["f(a=1)"], {"f": {}}, b"[f(a=1)]"])
def test_only_text_can_be_read(raw):
    with pytest.raises(Undecodable):
        decode(raw)
    with pytest.raises(Undecodable):
        decode(raw, joined=True)


def test_normal_multi_turn_loses_its_white_space_and_reads_the_whole_reply():
    assert decode(" [f(a='x  y',\n b=1)] ", joined=True) == [{"f": {"a": "xy", "b": 1}}]
    assert decode("f(a=1), g(b=2)", joined=True) == [{"f": {"a": 1}}, {"g": {"b": 2}}]
    assert decode(r"[f(a='x\x20y')]", joined=True) == [{"f": {"a": "x y"}}]
    with pytest.raises(Undecodable):
        decode("Sure: [f(a=1)]", joined=True)
    assert decode("Sure: [f(a='x y')]", joined=True, rules=STRICT) == [{"f": {"a": "x y"}}]


def test_signs_mean_what_they_say_under_strict_rules():
    assert decode("[f(a=+1, b=~1, c=not True, d=-2)]", rules=STRICT) == [{"f": {"a": 1, "b": -2, "c": False, "d": -2}}]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a [b [c] d] [e]", "[b [c] d]"),
        ("'[' [x]", None),
        ("x ] [y]", None),
        ("] [ [y] ]", "[y]"),
        ("none", None),
        ("[open [x]", None),
    ],
)
def test_first_brackets(text, found):
    assert first_brackets(text) == found


@given(st.text(alphabet="[]ab'\"", max_size=30))
def test_brackets_follow_the_depth_letter_by_letter(text):
    depth, start, expected = 0, -1, None
    for at, char in enumerate(text):
        if char == "[":
            start = at if depth == 0 else start
            depth += 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                expected = text[start : at + 1]
                break
    assert first_brackets(text) == expected


@given(st.text(alphabet="[](){}fgab=,'\"1.+-*~ \n:", max_size=60), st.booleans())
def test_any_text_is_read_or_refused(text, joined):
    try:
        calls = decode(text, joined)
    except Undecodable:
        return
    assert all(isinstance(call, dict) and len(call) == 1 for call in calls)


@pytest.mark.parametrize(
    "text",
    [
        "[f(a=" + "[" * 100_000 + "]" * 100_000 + ")]",
        "[f(a=" + "+".join(["1"] * 20_000) + ")]",
        "[f(a=" + "-" * 50_000 + "1)]",
        "[f(a=9**9**9)]",
        "[f(a='x' * 10**9)]",
        "[f(a=" + ".".join(["x"] * 50_000) + ")]",
        "[f(" + ",".join(f"a{n}={n}" for n in range(20_000)) + ")]",
        "[" * 1_000_000,
        "]" * 1_000_000,
    ],
)
def test_hostile_sizes_are_bounded(text):
    try:
        (call,) = decode(text)
    except Undecodable:
        return
    (arguments,) = call.values()
    assert all(sys.getsizeof(value) < 2_000_000 for value in arguments.values())

"""Replies to calls, dialect by dialect: what is accepted, what is refused, and what hostile text costs."""

from __future__ import annotations

import contextlib
import json
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.bfcl.decode import (
    MAX_SOURCE,
    Undecodable,
    bracketed,
    decode,
    native,
    python,
    quick,
    well_formed,
)
from harness.benchmarks.bfcl.decode.arithmetic import MAX_BITS
from harness.benchmarks.bfcl.rules import STRICT, UPSTREAM


def value(source, **options):
    return decode(f"f(a={source})", **options)[0]["f"]["a"]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("f(a=1)", [{"f": {"a": 1}}]),
        ("f(a=1), g(b=2)", [{"f": {"a": 1}}, {"g": {"b": 2}}]),
        ("[f(a=1)", [{"f": {"a": 1}}]),
        ("`[f(a=1)]`", [{"f": {"a": 1}}]),
        ("[f(a=1),]", [{"f": {"a": 1}}]),
        ("[f(a=1,\n   b=2)]", [{"f": {"a": 1, "b": 2}}]),
        ("[a.b.c(x=1)]", [{"a.b.c": {"x": 1}}]),
        ("[f(1)(y=2)]", [{"": {"y": 2}}]),
        ("[f(1, *x, y=2)]", [{"f": {"y": 2}}]),
        ("[f(**{'a': 1})]", [{"f": {None: {"a": 1}}}]),
        ("[f(a=1, a=2)]", [{"f": {"a": 2}}]),
        ("", []),
        ("[]", []),
        ("``````", []),
    ],
)
def test_python_call_lists(text, calls):
    assert decode(text) == calls


@pytest.mark.parametrize(
    "text",
    [
        "word",
        "A whole sentence.",
        "```python\n[f(a=1)]\n```",
        "Here: [f(a=1)]",
        "[f(a=1)] there",
        "[f(a=1)];",
        "[f(a=1)][g(b=2)]",
        "f(a=1)\ng(b=2)",
        "[[f(a=1)]]",
        "'[f(a=1)]'",
        "\t[f(a=1)]",
        "[f(a=“x”)]",
        "[f(a=007)]",
        "[f(class=1)]",
        "[f(a:1)]",
        "[f(a=1), 5]",
        "[f(a=1) for x in y]",
        "[f(a=\x00)]",
        "[f(a='\ud800')]",
        None,
        5,
        ["f(a=1)"],
    ],
)
def test_python_refusals(text):
    with pytest.raises(Undecodable):
        decode(text)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("'x'", "x"),
        ("b'x'", b"x"),
        ("...", "..."),
        ("None", None),
        ("true", "true"),
        ("(1, [2])", (1, [2])),
        ("{'k': {'l': 1}}", {"k": {"l": 1}}),
        ("-5", -5),
        ("+5", -5),
        ("~5", -5),
        ("not True", -1),
        ("g(1)", "g(1)"),
        ("g( x )", "g(x)"),
        ("g(x=1)", {"g": {"x": 1}}),
        ("y[0]", "y[0]"),
        ("y['k']", "y['k']"),
        ("2 * 3 + 1", 7),
        ("-(2) ** 2 + 1", -3),
        ("'a' + 'b'", "ab"),
        ("'ab' * 2", "abab"),
        ("[1] + [2]", [1, 2]),
        ("7 / 2", 3.5),
        ("1 << 4 | 1", 17),
        ("'%s!' % 'hi'", "hi!"),
    ],
)
def test_python_values(source, expected):
    found = value(source)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "source",
    [
        "a.b",
        "{1, 2}",
        "f'{x}'",
        "lambda: 1",
        "[x for x in y]",
        "1 < 2",
        "a or b",
        "1 if x else 2",
        "*x",
        "x := 1",
        "{**x}",
        "{[1]: 2}",
        "--1",
        "-x",
        "-'x'",
        "x + 1",
        "len('x') + 1",
        "__import__('os').system('true') + 1",
        "().__class__ + 1",
        "1 / 0",
        "'a' + 1",
        "1e308 * 10 ** 400",
        "'%099999d' % 1",
    ],
)
def test_python_values_that_are_refused(source):
    with pytest.raises(Undecodable):
        value(source)


@pytest.mark.parametrize("source", ["9**9**9", "1 << 10**9", "10**400 * 10**4000", "(-9)**9**9", "2**(2**40)"])
def test_numbers_without_end_become_a_wrong_number_at_once(source):
    start = time.process_time()
    found = value(source)
    assert type(found) is int
    assert found.bit_length() > MAX_BITS
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("source", ["'a' * 10**12", "10**12 * 'a'", "['x'] * 10**12", "('a' * 10**9) * 10**9"])
def test_repetition_without_end_stops_at_a_limit(source):
    assert 1_000_000 <= len(value(source)) < 3_000_000


def test_numbers_of_four_hundred_digits_survive():
    assert value("9" * 400) == int("9" * 400)
    assert value("10**400") == 10**400


def test_strict_rules_keep_positional_arguments_and_signs():
    assert decode("f(1, +2, b=3)", rules=STRICT) == [{"f": {0: 1, 1: 2, "b": 3}}]


def test_warnings_of_the_parser_change_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert value(r"'\d'") == r"\d"


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('A.f(a="x", b=5L)', [{"A.f": {"a": "x", "b": "5L"}}]),
        ("f(a='long text')", [{"f": {"a": "long text"}}]),
        ("f(a=new int[]{1, 2})", [{"f": {"a": "new int[]{1,2}"}}]),
        ("f(a=new Foo(1, x))", [{"f": {"a": "new Foo(1, x)"}}]),
        ("f(a=x + 1, b=y.z());", [{"f": {"a": "x+1", "b": "y.z()"}}]),
        ('f(5, "x", y, a=1)', [{"f": {None: "y", "a": "1"}}]),
        ('A.foo(a="b")', [{"A.foo": {"a": "b"}}]),
        ("foo(a=1, b=2)", [{"foo": {"a": "1", "b": "2"}}]),
        ("foo(a=1);", [{"foo": {"a": "1"}}]),
        ("f(a=1); g(b=2);", [{"f": {"a": "1"}}]),
        ("x;", None),
        ("[]", None),
    ],
)
def test_java_calls(text, calls):
    assert decode(text, "java") == calls


@pytest.mark.parametrize(
    "text", ["foo(a=1)", "A.foo(a=1)", "A.foo()", "f(a=1, a=2);", "f(x, y);", "f(a=", "f(a=new int[3]);"]
)
def test_java_refusals(text):
    with pytest.raises(Undecodable):
        decode(text, "java")


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("f(a=1, b='x', c=\"y\")", [{"f": {"a": "1", "b": "x", "c": "y"}}]),
        ("f(a=[1, 'x'], b={c: 1})", [{"f": {"a": "[1, 'x']", "b": "{c: 1}"}}]),
        ('f(a="x" + "y")', [{"f": {"a": 'x" + "y'}}]),
        ("f(x, a=1)", [{"f": {None: "x", "a": "1"}}]),
        ("f()", [{"f": {}}]),
        ("o.f(a=() => 1);", [{"o.f": {"a": "() => 1"}}]),
        ("await f(a=1)", None),
        ("let r = f(a=1)", None),
        ("new F(a=1)", None),
        ("f(a=1), g(b=2)", None),
    ],
)
def test_javascript_calls(text, calls):
    assert decode(text, "javascript") == calls


@pytest.mark.parametrize("text", ["f(a=1, a=2)", "f(x, true)", "f(a=", "word word", "f(a='\ud800')"])
def test_javascript_refusals(text):
    with pytest.raises(Undecodable):
        decode(text, "javascript")


@pytest.mark.parametrize(
    ("dialect", "text", "calls"),
    [
        ("json", 'Sure: [{"function": "f", "parameters": {"a": 1}}] done', [{"f": {"a": 1}}]),
        ("json", '{"function": "f", "parameters": {}}, {"function": "g", "parameters": {}}', [{"f": {}}, {"g": {}}]),
        ("json", "no json", []),
        ("json", '[{"function": "f", "parameters": {}}, "text", 5]', [{"f": {}}]),
        (
            "verbose_xml",
            '<functions><function name="f"><params><param name="a" value="[1]" type="array"/></params>'
            "</function></functions>",
            [{"f": {"a": [1]}}],
        ),
        (
            "concise_xml",
            '<functions><function name="f"><param name="a" type="boolean"> TRUE </param></function></functions>',
            [{"f": {"a": True}}],
        ),
        (
            "concise_xml",
            '<functions><function name="f"><param name="a" type="odd"> x </param></function></functions>',
            [{"f": {"a": "x"}}],
        ),
    ],
)
def test_structured_calls(dialect, text, calls):
    assert decode(text, dialect) == calls


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("json", '[{"function": "f"}]'),
        ("json", "[" * 40_000 + "{" + "]" * 40_000),
        ("concise_xml", "no tags"),
        ("concise_xml", "<functions><function name='f'>a & b</function></functions>"),
        (
            "concise_xml",
            "<functions><function name='f'><param name='a' type='integer'>5.0</param></function></functions>",
        ),
        (
            "concise_xml",
            "<functions><function name='f'><param name='a' type='array'>[x()]</param></function></functions>",
        ),
        ("verbose_xml", "<functions><function/></functions>"),
    ],
)
def test_structured_refusals(dialect, text):
    with pytest.raises(Undecodable):
        decode(text, dialect)


def test_a_call_tag_is_found_and_demanded():
    assert decode("ok <TOOLCALL>[f(a=1)]</TOOLCALL> <TOOLCALL>[g()]</TOOLCALL>", tagged=True) == [{"f": {"a": 1}}]
    with pytest.raises(Undecodable):
        decode("[f(a=1)]", tagged=True)


@pytest.mark.parametrize(
    ("raw", "calls"),
    [
        ([{"f": '{"a": 1}'}], [{"f": {"a": 1}}]),
        ([{"f": {"a": 1}}], [{"f": {"a": 1}}]),
        ([], []),
        ("", []),
        ([{"f": "[]"}], [{"f": []}]),
    ],
)
def test_native_calls(raw, calls):
    assert native(raw) == calls


@pytest.mark.parametrize("raw", ["text", None, 5, [[]], [{}], ["f"], [{"f": "{"}], [{"f": "[" * 100_000}]])
def test_native_refusals(raw):
    with pytest.raises(Undecodable):
        native(raw)


@pytest.mark.parametrize("calls", [None, {}, [5], [{}], [{"f": []}], [{"f": {}, "g": {}}], "text"])
def test_malformed_call_lists(calls):
    assert not well_formed(calls)


@pytest.mark.parametrize("dialect", ["python", "java", "javascript", "json"])
def test_source_is_bounded(dialect):
    with pytest.raises(Undecodable):
        decode("f(a=" + "1," * MAX_SOURCE + "1)", dialect)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name.isidentifier() and len(name) > 6
)


@given(st.lists(st.tuples(NAMES, st.dictionaries(NAMES, VALUES, max_size=3)), min_size=1, max_size=3))
def test_written_calls_are_read_back(calls):
    """Numbers keep their sign where it is a single minus; text that UTF-8 cannot hold is refused by every reader."""
    text = ", ".join(f"{name}({', '.join(f'{k}={v!r}' for k, v in arguments.items())})" for name, arguments in calls)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert decode(text) == [{name: arguments} for name, arguments in calls]
    assert native([{name: json.dumps(arguments)} for name, arguments in calls]) == decode(text)


@given(st.text(max_size=60), st.sampled_from(["python", "java", "javascript", "json", "verbose_xml", "concise_xml"]))
def test_any_text_is_decoded_or_refused(text, dialect):
    with contextlib.suppress(Undecodable):
        decode(text, dialect)


INSERTED = [*"()[]{}=,.:'\"\\-+*# \n\tx0_é", "None", "1e5", "''"]


@given(st.lists(st.tuples(NAMES, st.dictionaries(NAMES, VALUES, max_size=3)), max_size=3), st.data())
def test_the_quick_reader_agrees_with_the_tree_wherever_it_answers(calls, draws):
    written = (f"{name}({', '.join(f'{k}={v!r}' for k, v in args.items())})" for name, args in calls)
    text = f"[{', '.join(written)}]"
    for _ in range(draws.draw(st.integers(0, 2))):
        at = draws.draw(st.integers(0, len(text)))
        text = text[:at] + draws.draw(st.sampled_from(INSERTED)) + text[at:]
    found = quick.read(text)
    if found is not None:
        assert repr(found) == repr(python._by_tree(text, UPSTREAM)) == repr(python._by_tree(text, STRICT))


@pytest.mark.usefixtures("bfcl_data")
def test_the_quick_reader_agrees_with_the_tree_on_mutated_answers():
    from tests.fuzz.replies import AST, cases

    answered = 0
    for case in cases(3, 6000, tuple(name for name in AST if not name.startswith("simple_java"))):
        text = bracketed(case.raw) if case.mode == "prompt" and len(case.raw) < MAX_SOURCE else ""
        found = quick.read(text)
        if found is not None:
            answered += 1
            assert repr(found) == repr(python._by_tree(text, UPSTREAM))
    assert answered > 1500

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.multi_turn import calls
from harness.benchmarks.bfcl.multi_turn.calls import MAX_CALL, Refused, call_strings, plan
from harness.benchmarks.bfcl.rules import STRICT

CASES = json.loads((Path(__file__).parents[3] / "cases" / "bfcl_call_strings.json").read_text())


@pytest.mark.parametrize(("mode", "step", "theirs"), [(m, *case) for m in ("prompt", "fc") for case in CASES[m]])
def test_replies_are_written_as_upstream_writes_them(mode, step, theirs):
    try:
        ours = call_strings(step, mode)
    except Undecodable:
        ours = None
    assert ours == theirs


def test_strict_rules_bind_positional_arguments_by_the_order_of_the_schema():
    parameters = {"mv": ["source", "destination"]}
    assert call_strings("[mv('a', 'b')]", "prompt", STRICT, parameters) == ["mv(source='a', destination='b')"]
    assert call_strings("[mv('a', destination=+1)]", "prompt", STRICT, parameters) == ["mv(source='a', destination=1)"]
    assert call_strings("[mv('a', 'b', 'c')]", "prompt", STRICT, parameters) == [
        "mv(source='a', destination='b', 2='c')"
    ]


@pytest.mark.parametrize("step", ["cd(folder='x')", ["cd(folder='x')"]])
def test_decoded_steps_are_taken_as_they_are(step):
    assert call_strings(step, "decoded") == ["cd(folder='x')"]


def collect(*args, **kwargs):
    return args, kwargs


def allowed(name):
    return {"f": collect, "g": lambda: 7}.get(name)


@pytest.mark.parametrize(
    ("call", "args", "kwargs"),
    [
        ("f()", (), {}),
        ("f(1, 'a', x=[1, (2, 3)], y={'k': {1}})", (1, "a"), {"x": [1, (2, 3)], "y": {"k": {1}}}),
        ("f(g(), x=g())", (7,), {"x": 7}),
        ("f(x=-1.5, y=2**10, z='a' + 'b')", (), {"x": -1.5, "y": 1024, "z": "ab"}),
        ("  f(x=None)", (), {"x": None}),
    ],
)
def test_literals_and_allowed_calls_are_carried_out(call, args, kwargs):
    assert plan(call)(allowed) == (args, kwargs)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        ("h(x=1)", NameError, "name 'h' is not defined"),
        ("f(x=h)", NameError, "name 'h' is not defined"),
        ("f(x=h(1))", NameError, "name 'h' is not defined"),
        ("a.b(x=1)", NameError, "name 'a' is not defined"),
        ("g(1)", TypeError, "takes 0 positional arguments but 1 was given"),
        ("f(", SyntaxError, "'(' was never closed (<string>, line 1)"),
        ("f(x=1, x=2)", SyntaxError, "keyword argument repeated: x (<string>, line 1)"),
        ("", SyntaxError, "invalid syntax (<string>, line 0)"),
    ],
)
def test_errors_have_pythons_own_texts(call, error, text):
    with pytest.raises(error) as raised:
        plan(call)(allowed)
    assert text in str(raised.value)


def test_arguments_are_new_in_each_execution():
    run = plan("f(x=[1])")
    run(allowed)[1]["x"].append(2)
    assert run(allowed) == ((), {"x": [1]})


def test_a_call_that_is_too_long_is_refused_before_it_is_parsed():
    with pytest.raises(Refused):
        plan(f"f(x='{'a' * MAX_CALL}')")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.from_regex(r"[a-z]{2}x", fullmatch=True), json_values, max_size=3))
def test_native_arguments_arrive_unchanged(arguments):
    (call,) = call_strings([{"f": json.dumps(arguments)}], "fc")
    assert plan(call)(allowed) == ((), arguments)


PIECES = [
    "f",
    "a",
    "=",
    "(",
    ")",
    ", ",
    ",",
    " ",
    "'x'",
    '"y"',
    "'",
    '"',
    "0",
    "7",
    "-",
    "1.50",
    "00",
    "True",
    "None",
    "if",
    "\\",
    "é",
    "[1]",
]


def carried_out(call):
    try:
        return repr(plan(call)(allowed))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES)).map("".join)
    | st.builds("f({}={}, {}={})".format, *[st.sampled_from(["a", "b", "if"]), st.sampled_from(PIECES)] * 2)
    | st.builds("f(x={!r})".format, st.text() | st.integers() | st.floats() | st.booleans())
)
def test_the_quick_reader_reads_what_the_parser_reads(call):
    quick = carried_out(call)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "_plain", lambda call: None)
        assert carried_out(call) == quick

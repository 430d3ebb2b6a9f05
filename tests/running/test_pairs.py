from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageProblem
from harness.running.pairs import PAIRS, pairs, split


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a=1,b=true"], {"a": 1, "b": True}),
        ("a=1,b=true", {"a": 1, "b": True}),
        (["a-b=x"], {"a_b": "x"}),
        (["a=1,2,b=3"], {"a": "1,2", "b": 3}),
        (['stop=["x", "y"]'], {"stop": ["x", "y"]}),
        (["default=[f(a=1)]"], {"default": "[f(a=1)]"}),
        (["a={b"], {"a": "{b"}),
        (["a=1.5", "b="], {"a": 1.5, "b": None}),
        (["a=2026-01-01"], {"a": "2026-01-01"}),
        (['x={"a": 1}'], {"x": {"a": 1}}),
        (["url=http://h:8/v1?a=b"], {"url": "http://h:8/v1?a=b"}),
        (["peft=x"], {"adapter": "x"}),
    ],
)
def test_pairs(values: list[str] | str, expected: dict[str, Any]) -> None:
    assert pairs("-M", values) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default=[f(a=1,b=2)],delay=3", {"default": "[f(a=1,b=2)]", "delay": 3}),
        ("default=f(a=1,b=2) and g(c=3, d=4),e=5", {"default": "f(a=1,b=2) and g(c=3, d=4)", "e": 5}),
        ('a="x,b=1",b=2', {"a": "x,b=1", "b": 2}),
        ("a='x,b=1', b=2", {"a": "x,b=1", "b": 2}),
        ('a="say \\"b=1,c=2\\"",d=4', {"a": 'say "b=1,c=2"', "d": 4}),
        ("""default=[f(a="],b=1"),g(c=')')],d=4""", {"default": """[f(a="],b=1"),g(c=')')]""", "d": 4}),
        ('x={"a": [1, 2], "b": "c,d=e"},y=1', {"x": {"a": [1, 2], "b": "c,d=e"}, "y": 1}),
        ("a=it's,b=that's", {"a": "it's", "b": "that's"}),
        ("a=5 o'clock (or so,b=1", {"a": "5 o'clock (or so", "b": 1}),
        ("a=:),b=:(,c=1", {"a": ":)", "b": ":(", "c": 1}),
        ("a=(b],c=1", {"a": "(b]", "c": 1}),
        ("a=([b),c=1", {"a": "([b)", "c": 1}),
    ],
)
def test_brackets_and_quoted_strings_stay_whole(text: str, expected: dict[str, Any]) -> None:
    assert pairs("-M", [text]) == expected


@pytest.mark.parametrize(
    "values",
    [
        '{"a-b": [1, {"c": null}], "d": "x,y=z"}',
        {"a-b": [1, {"c": None}], "d": "x,y=z"},
        [{"a_b": [1, {"c": None}]}, "d='x,y=z'"],
    ],
)
def test_json_and_mappings_are_pairs_too(values: Any) -> None:
    assert pairs("-M", values) == {"a_b": [1, {"c": None}], "d": "x,y=z"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dtype", r"--model-args: 'dtype' is not NAME=VALUE\nWrite --model-args name=value"),
        ("", "--model-args: '' is not NAME=VALUE"),
        ("=5", "--model-args: '=5' is not NAME=VALUE"),
        ('{"a": 1', r"""--model-args: '\{"a": 1' is not JSON: .*char 7"""),
        ("{a: 1}", r"--model-args: '\{a: 1\}' is not JSON"),
    ],
)
def test_what_is_neither_is_refused_by_flag_and_part(text: str, message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        pairs("--model-args", ["a=1", text])


names = st.from_regex(r"[a-z]\w{0,8}", fullmatch=True).filter(lambda name: name not in ("peft", "max_gen_toks"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)


@given(st.dictionaries(names.filter(lambda name: name not in ("num_concurrent", "base_url")), values, min_size=1))
def test_json_values_come_back_as_they_were(said: dict[str, Any]) -> None:
    assert pairs("-M", json.dumps(said)) == said
    containers = {name: value for name, value in said.items() if isinstance(value, list | dict)}
    if containers:
        assert pairs("-M", ",".join(f"{name}={json.dumps(value)}" for name, value in containers.items())) == containers


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(UsageProblem):
        assert all(name for name in pairs("-M", text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1 b=2", ["a=1", "b=2"]),
        ("a=Paris or Lima b=2\n", ["a=Paris or Lima", "b=2"]),
        ('{"a": 1, "b": "c d=e"}', ['{"a": 1, "b": "c d=e"}']),
        ('a="x b=1" b=2', ['a="x b=1"', "b=2"]),
    ],
)
def test_a_variable_separates_pairs_by_spaces(text: str, expected: list[str]) -> None:
    assert PAIRS.split_envvar_value(text) == expected


@pytest.mark.parametrize("values", ["a, b,,c", ["a", "b,c"], ("a,b", " c ")])
def test_names_come_by_commas_or_by_repeating(values: Any) -> None:
    assert split(values) == ["a", "b", "c"]

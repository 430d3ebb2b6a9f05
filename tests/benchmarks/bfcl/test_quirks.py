"""Odd verdicts of the official evaluator on single-turn items: kept under `upstream`, mended where `strict` says so.

Numbers are those of harness/benchmarks/bfcl/README.md.
"""

from __future__ import annotations

import pytest

from harness.benchmarks.bfcl import judge
from harness.benchmarks.bfcl.ast_check import Case, Terms, check_calls
from harness.benchmarks.bfcl.decode import decode
from harness.benchmarks.bfcl.languages import PYTHON
from harness.benchmarks.bfcl.rules import STRICT, UPSTREAM

pytestmark = pytest.mark.usefixtures("bfcl_data")


def verdict(sample_id, raw, rules="upstream", mode="prompt"):
    found = judge(sample_id, raw, mode=mode, rules=rules)
    return found.code or found.outcome


def check(kind, answers, source, rules=UPSTREAM, required=True):
    """Verdict on `f(a=<source>)` where the one parameter has this type and these acceptable values."""
    schema = {"type": kind[0], "items": {"type": kind[1]}} if isinstance(kind, tuple) else {"type": kind}
    return check_many([answers], f"f(a={source})", schema, "simple", rules, required)


def check_many(expected, text, schema, shape, rules=UPSTREAM, required=True):
    doc = {"name": "f", "parameters": {"properties": {"a": schema}, "required": ["a"] if required else []}}
    case = Case(shape, [doc] * len(expected), [{"f": {"a": answers}} for answers in expected])
    finding = check_calls(decode(text, rules=rules), case, Terms(PYTHON, rules))
    return finding.code if finding else "pass"


TRIANGLE = "[calculate_triangle_area(base=10, height=5{})]"


@pytest.mark.parametrize("unit", ['""', '"-"', '"..."', "...", '" _ "'])
def test_quirk_1_text_that_standardises_to_nothing_matches_the_marker_of_omission(unit):
    reply = TRIANGLE.format(f", unit={unit}")
    assert verdict("simple_python_0", reply) == "pass"
    assert verdict("simple_python_0", reply, "strict") == "value_error:string"


def test_quirk_2_a_required_parameter_whose_only_answer_is_the_marker_is_passed_by_an_empty_text():
    from harness.benchmarks.bfcl import data

    expected = data.answer("live_multiple_507-149-4")[0]
    name, accepted = next(iter(expected.items()))
    arguments = {key: values[0] for key, values in accepted.items() if values[0] != ""}
    call = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    with_empty = f'[{name}({call}, origin_airport="")]'
    assert verdict("live_multiple_507-149-4", f"[{name}({call})]") == "simple_function_checker:missing_required"
    assert verdict("live_multiple_507-149-4", with_empty) == "pass"
    assert verdict("live_multiple_507-149-4", with_empty, "strict") == "pass"
    assert verdict("live_multiple_507-149-4", with_empty.replace('""', '"-"')) == "pass"
    assert verdict("live_multiple_507-149-4", with_empty.replace('""', '"-"'), "strict") != "pass"


def test_quirk_3_an_empty_list_matches_the_marker_of_omission():
    assert check(("array", "integer"), [[1, 2], ""], "[]", required=False) == "pass"
    assert check(("array", "integer"), [[1, 2], ""], "[]", STRICT, required=False) == "value_error:list/tuple"


def test_quirk_4_the_marker_of_omission_switches_the_check_of_elements_off():
    assert check(("array", "integer"), [[1, 2], ""], "[1.0, 2.0]", required=False) == "pass"
    assert check(("array", "integer"), [[1], ""], "[True]", required=False) == "pass"
    assert check(("array", "integer"), [[1, 2]], "[1.0, 2.0]") == "type_error:nested"
    assert check(("array", "integer"), [[1, 2], ""], "[1.0, 2.0]", STRICT, required=False) == "type_error:nested"


def test_quirk_5_whole_numbers_count_as_decimals_alone_but_not_in_lists():
    assert check("float", [1.0], "1") == "pass"
    assert check(("array", "float"), [[1.0, 2.0]], "[1, 2]") == "type_error:nested"


def test_quirk_6_a_decimal_is_no_whole_number_and_arithmetic_is_done():
    assert check("integer", [10], "10.0") == "type_error:simple"
    assert check("integer", [10], "5 + 5") == "pass"
    assert check("integer", [10], "100 // 3 ** 2 - (1 << 0)") == "pass"
    assert check("integer", [10], "9**9**9") == "value_error:others"


def test_quirk_7_every_sign_negates():
    assert verdict("simple_python_0", "[calculate_triangle_area(base=+10, height=5)]") == "value_error:others"
    assert verdict("simple_python_0", "[calculate_triangle_area(base=+10, height=5)]", "strict") == "pass"
    assert check("integer", [-1], "not True") == "pass"
    assert check("integer", [-1], "~1") == "pass"
    assert check("integer", [-2], "~1", STRICT) == "pass"


def test_quirk_8_positional_arguments_are_dropped():
    reply = "[calculate_triangle_area(10, 5)]"
    assert verdict("simple_python_0", reply) == "simple_function_checker:missing_required"
    assert verdict("simple_python_0", reply, "strict") == "pass"
    assert verdict("simple_python_0", "[calculate_triangle_area(10, height=5)]", "strict") == "pass"
    too_many = "[calculate_triangle_area(10, 5, 'units', 7)]"
    assert verdict("simple_python_0", too_many, "strict") == "simple_function_checker:unexpected_param"
    twice = "[calculate_triangle_area(10, 5, base=10)]"
    assert verdict("simple_python_0", twice, "strict") == "simple_function_checker:unexpected_param"


@pytest.mark.parametrize("frame", ["```python\n{}\n```", "{} Hope this helps!", "Sure: {}", "{};", "\t{}", "[{}]"])
def test_quirk_9_text_around_the_list_is_an_error(frame):
    assert verdict("simple_python_0", frame.format(TRIANGLE.format(""))) == "ast_decoder:decoder_failed"


@pytest.mark.parametrize("frame", ["`{}`", "```\n{}\n```", "  {}\n"])
def test_quirk_9_backticks_blanks_and_newlines_around_the_list_are_not(frame):
    assert verdict("simple_python_0", frame.format(TRIANGLE.format(""))) == "pass"


def test_quirk_10_parallel_calls_are_taken_greedily():
    integer = {"type": "integer"}
    expected = [[1, 2], [1]]
    lost = "parallel_function_checker_no_order:cannot_find_match"
    assert check_many(expected, "f(a=1), f(a=2)", integer, "parallel") == lost
    assert check_many(expected, "f(a=2), f(a=1)", integer, "parallel") == "pass"
    assert check_many(expected, "f(a=1), f(a=2)", integer, "parallel", STRICT) == "pass"
    assert check_many(expected, "f(a=2), f(a=2)", integer, "parallel", STRICT) == lost


def test_quirk_11_values_inside_a_map_are_compared_without_their_class():
    for same in ("True", "1.0", "1"):
        assert check("dict", [{"k": [1]}], f'{{"k": {same}}}') == "pass"


def test_quirk_12_text_inside_a_map_s_list_is_compared_exactly():
    assert check("dict", [{"k": ["A b"]}], '{"k": "a b"}') == "pass"
    assert check("dict", [{"k": [["A b"]]}], '{"k": ["a b"]}') == "value_error:dict_value"
    assert check(("array", "array"), [[["A b"]]], '[["a b"]]') == "value_error:list/tuple"
    assert check(("array", "string"), [["A b"]], '["a b"]') == "pass"


@pytest.mark.parametrize(
    ("given", "wanted", "code"),
    [("1.5", "15", "pass"), ("-5", "5", "pass"), ("10:00", "1000", "value_error:string"), ("É", "é", "pass")],
)
def test_quirk_13_text_is_compared_without_punctuation(given, wanted, code):
    assert check("string", [wanted], repr(given)) == code


def test_quirk_14_the_class_of_the_first_answer_decides_what_is_a_variable():
    assert check("string", [None, "x"], '"x"') == "pass"
    assert check("string", [None, "x"], '"X"') == "value_error:others"
    assert check("string", ["x", None], "None") == "type_error:simple"


def test_quirk_15_a_failed_generation_is_a_right_abstention():
    reply = "Error during inference: HTTP 500"
    assert verdict("irrelevance_0", reply) == "pass"
    assert verdict("irrelevance_0", reply, "strict") == "strict:failed_generation"


@pytest.mark.parametrize(
    "reply", ["[f(a=1", "```python\n[f(a=1)]\n```", '{"name": "f"}', "<think>\nLet me", "f(1)(2).x; 3"]
)
def test_quirk_15_a_broken_call_is_a_right_abstention(reply):
    assert verdict("irrelevance_0", reply) == "pass"
    assert verdict("irrelevance_0", reply, "strict") == "strict:broken_call"


@pytest.mark.parametrize("reply", ["", "[]", "None of the functions can do this.", "I need the city (and the date)."])
def test_quirk_15_declining_in_words_stays_right_under_strict_rules(reply):
    assert verdict("irrelevance_0", reply, "strict") == "pass"


def test_quirk_15_native_calls_that_cannot_be_read_are_a_right_abstention():
    assert verdict("irrelevance_0", [{"f": "{"}], mode="fc") == "pass"
    assert verdict("irrelevance_0", [{"f": "{"}], "strict", mode="fc") == "strict:broken_call"


def test_quirk_16_any_call_is_relevant_and_none_is_irrelevant():
    assert verdict("live_relevance_0-0-0", "[nonsense()]") == "pass"
    assert verdict("irrelevance_0", 'print("no")') == "irrelevance_error:decoder_success"
    assert verdict("live_relevance_0-0-0", "I would call it.") == "relevance_error:decoder_failed"


def test_quirk_17_java_arrays_keep_the_quotes_of_their_texts():
    call = 'OptionSpecBuilder.requiredUnless(dependent="quiet", otherDependents=new String[]{{{}}})'
    assert verdict("simple_java_78", call.format('"verbose"')) == "value_error:list/tuple"
    assert verdict("simple_java_78", call.format("verbose")) == "pass"


def test_quirk_18_the_body_of_a_java_map_is_lost_in_text_and_kept_in_quotes_and_natively():
    call = 'SQLCompletionAnalyzer.makeProposalsFromObject(object="Customers", useShortName=true, params={})'
    params = 'new HashMap<String, Object>() {{ put("limit", 50); put("schemaFilter", "public"); }}'
    native = {"object": "Customers", "useShortName": "true", "params": params}
    assert verdict("simple_java_1", call.format(params)) == "value_error:dict_key"
    assert verdict("simple_java_1", call.format(f"'{params}'")) == "pass"
    assert verdict("simple_java_1", [{call.partition("(")[0]: native}], mode="fc") == "pass"


def test_quirk_19_escapes_in_a_java_text_stay_as_written():
    call = 'CookieHeaderTest.create(sa={}, sslContext="testSSLContext")'
    assert (
        verdict("simple_java_48", call.format(r'"new InetSocketAddress(\"192.168.1.10\", 8080)"'))
        == "value_error:string"
    )
    assert verdict("simple_java_48", call.format('new InetSocketAddress("192.168.1.10", 8080)')) == "pass"


def test_quirk_20_a_java_text_outside_ascii_shifts_what_follows():
    assert decode('f(a="e", b=10);', "java") == [{"f": {"a": "e", "b": "10"}}]
    assert decode('f(a="é", b=10);', "java") == [{"f": {"a": 'é"', "=": "0)"}}]


def test_quirk_22_a_json_call_with_a_list_of_objects_is_cut():
    reply = '[{"function": "f", "parameters": {"a": [{"b": 1}, {"c": 2}]}}]'
    assert decode(reply, "json") == []
    assert decode(reply.replace('[{"b": 1}, {"c": 2}]', "[1]"), "json") == [{"f": {"a": [1]}}]


IMPOSSIBLE = ("live_simple_106-63-0", "live_simple_112-68-0", "live_multiple_862-181-3", "live_multiple_964-207-0")


@pytest.mark.parametrize("sample_id", [*IMPOSSIBLE, "simple_java_36", "simple_java_65"])
def test_items_that_no_answer_passes_are_unscored_under_strict_rules(sample_id):
    found = judge(sample_id, "[f(a=1)]", rules="strict")
    assert (found.outcome, found.code) == ("unscored", "strict:impossible_item")
    assert found.message
    assert judge(sample_id, "[f(a=1)]").outcome == "fail"

"""Verdicts in closed form: expected calls and documents of our own, and the real items of which something is known."""

from collections import Counter

import pytest

from harness.benchmarks.acebench import data, judge
from harness.benchmarks.acebench.calls import check_calls, expected_calls
from harness.benchmarks.acebench.decode import decode
from harness.benchmarks.acebench.rules import STRICT, UPSTREAM
from harness.benchmarks.acebench.special import check_special
from harness.benchmarks.acebench.values import Crash
from harness.errors import UsageProblem

PROPERTIES = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "flag": {"type": "boolean"},
    "names": {"type": "array", "items": {"type": "string"}},
    "people": {"type": "array", "items": {"type": "object"}},
    "loose": {"type": "array"},
    "place": {"type": "object"},
}
DOC = {"name": "f", "parameters": {"type": "object", "properties": PROPERTIES, "required": ["text"]}}


UNREACHABLE = {
    "en": [
        "normal_single_turn_parallel_function_42",
        *(
            f"normal_multi_turn_user_adjust_{step}"
            for step in ("3_0", "4_0", "13_0", "14_0", "15_0", "15_2", "16_0", "24_0", "29_0")
        ),
        *(f"normal_multi_turn_user_adjust_{step}" for step in ("38_0", "43_0", "45_0", "48_0")),
        *(
            f"normal_multi_turn_user_switch_{step}"
            for step in ("6_0", "8_0", "10_1", "11_0", "15_1", "20_0", "25_0", "31_1", "33_0")
        ),
        *(f"normal_multi_turn_user_switch_{step}" for step in ("35_0", "40_0", "43_0", "45_0", "45_1")),
        "normal_preference_40",
    ],
    "zh": [
        "normal_single_turn_parallel_function_45",
        "normal_single_turn_parallel_function_80",
        "normal_multi_turn_user_adjust_3_0",
        "normal_multi_turn_user_switch_32_0",
        "normal_similar_api_2",
        "normal_similar_api_22",
        "normal_atom_list_28",
        "normal_atom_object_short_1",
    ],
}
"""Ground truths that fail as they stand; some pass where an optional parameter is left out."""


def code(reply, truth, rules=UPSTREAM, docs=(DOC,)):
    finding = check_calls(decode(reply, rules=rules), expected_calls(truth, docs, rules), rules)
    return finding and finding.code


def one(argument, expected, rules=UPSTREAM):
    """The error type for one argument beside a right text."""
    name = argument.partition("=")[0]
    return code(f"[f(text='x', {argument})]", {"f": {"text": "x", name: expected}}, rules)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("[f(text='x')]", None),
        ("[]", "wrong functions number"),
        ("[f(text='x'), f(text='x')]", "wrong functions number"),
        ("[g(text='x')]", "function_mismatch"),
        ("[f()]", "wrong_param"),
        ("[f(count=1)]", "lack_args"),
        ("[f(text='x', other=1)]", "addition_args"),
        ("[f(text='x', flag=True)]", "addition_args"),
        ("[f(text='x', **{'count': 1})]", "addition_args"),
        ("[f(text=1)]", "type_error"),
        ("[f(text='true')]", "type_error"),
        ("[f(text='not it')]", "value_error:string"),
    ],
)
def test_calls_and_names(reply, expected):
    assert code(reply, {"f": {"text": "x", "count": 1}}) == expected


@pytest.mark.parametrize(
    ("argument", "wanted", "upstream", "strict"),
    [
        ("text='a longer New-York text'", "new york", None, "value_error:string"),
        ("text='NEW_YORK.'", "new york", None, None),
        ("text='New\\tYork'", "new york", "value_error:string", "value_error:string"),
        ("count=99", 1, None, "value_error"),
        ("count=1.0", 1, None, None),
        ("count=2.0", 1, "type_error", "value_error"),
        ("count='1'", 1, "type_error", "type_error"),
        ("share=99.5", 0.5, None, "value_error"),
        ("share=99", 0.5, None, "value_error"),
        ("flag=False", True, None, "value_error"),
        ("flag=1", True, None, "type_error"),
        ("flag=false", True, None, "value_error"),
        ("flag=true", True, None, None),
        ("flag='True'", True, "type_error", "type_error"),
        ("names=['A b', 'c']", ["ab", "C"], None, None),
        ("names=['c', 'ab']", ["ab", "c"], "value_error:list/tuple", "value_error:list/tuple"),
        ("names=('ab',)", ["ab"], "type_error", None),
        ("names=[]", [], "type_error", None),
        ("people=[{'n': 1}]", [{"n": 1}], None, None),
        ("people=[{'n': 1}]", [{"n": 1}, {"n": 2}], "value_error:list_dict_count", "value_error:list/tuple"),
        ("people=['n']", [{"n": 1}], "value_error", "value_error:list/tuple"),
        ("place={'n': 15}", {"n": 5}, None, "value_error"),
        ("place={'n': '5'}", {"n": 5}, None, "value_error"),
        ("place={'n': 5}", {"n": 5.0}, "value_error", None),
        ("place={'n': 'true'}", {"n": True}, None, None),
        ("place={'n': 1}", {"n": True}, "value_error", "value_error"),
        ("place={'n': ['a b']}", {"n": ["A b"]}, "value_error", None),
        ("place={'n': [['a']]}", {"n": ["a"]}, None, "value_error"),
        ("place={'n': ['x a']}", {"n": "a"}, None, "value_error"),
        ("place={}", {"n": 1}, "value_error", "value_error"),
        ("place={'n': {'m': 1, 'k': 2}}", {"n": {"m": 1}}, "value_error", "value_error"),
        ("place={'n': 1}", {}, "type_error", "value_error"),
        ("loose=['None']", ["None"], "value_error", None),
    ],
)
def test_values(argument, wanted, upstream, strict):
    assert one(argument, wanted) == upstream
    assert one(argument, wanted, STRICT) == strict


def test_where_the_official_program_would_end_there_is_a_crash():
    with pytest.raises(Crash, match="AttributeError"):
        one("loose=[{'n': 1}]", ["None"])
    assert one("loose=[{'n': 1}]", ["None"], STRICT) == "value_error:list/tuple"


def test_one_call_may_satisfy_two_expected_ones_only_upstream():
    truth = {"f_1": {"text": "x", "names": ["a"]}, "f_2": {"text": "x"}}
    both, twice = "[f(text='x', names=['a']), f(text='x')]", "[f(text='x'), f(text='x')]"
    assert code(both, truth) is None
    assert code(both, truth, STRICT) is None
    assert code(twice, truth) is None
    assert code(twice, truth, STRICT) == "lack_args"


def test_the_error_is_that_of_the_last_call_looked_at():
    docs = (DOC, {**DOC, "name": "g"})
    truth = {"f": {"text": "x"}, "g": {"text": "y"}}
    assert code("[f(text='bad'), g(text='y')]", truth, docs=docs) == "simple_function_checker:unclear"
    assert code("[g(text='y'), f(text='bad')]", truth, docs=docs) == "value_error:string"


def test_a_number_of_the_name_itself_stays_only_under_strict_rules():
    docs = ({**DOC, "name": "f_2"},)
    assert code("[f_2(text='x')]", {"f_2": {"text": "x"}}, docs=docs) == "function_mismatch"
    assert code("[f_2(text='x')]", {"f_2": {"text": "x"}}, STRICT, docs) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Missing necessary parameters (a, b) for the api (f)", None),
        ("Missing necessary parameters (a) for the api (f)", "error_correction"),
        ("Missing necessary parameters (a, b)", "error_correction"),
        ("missing necessary parameters (a, b) for the api (f)", "error_detection"),
        (["Missing necessary parameters", "f", "a", "b"], None),
        (["Missing necessary parameters f a b"], "error_detection"),
        ({"Missing necessary parameters": 1, "f": 2, "a": 3, "b": 4}, None),
    ],
)
def test_incomplete(raw, expected):
    finding = check_special(raw, "special_incomplete", {"f": ["a", "b"]})
    assert (finding and finding.code) == expected


@pytest.mark.parametrize("raw", [None, 7, True, 1.5])
@pytest.mark.parametrize("category", data.SPECIAL)
def test_a_special_reply_that_cannot_be_searched_is_a_crash(category, raw):
    with pytest.raises(Crash, match="TypeError"):
        check_special(raw, category, {"f": ["a"]})


@pytest.mark.usefixtures("acebench_data")
class TestRealItems:
    def test_numbers_of_items(self):
        counts = {language: Counter() for language in data.LANGUAGES}
        for language in data.LANGUAGES:
            for category in data.CATEGORIES:
                questions = data.questions(language, category)
                assert [*questions] == [*data.answers(language, category)]
                assert {data.category_of(name) for name in questions} == {category}
                counts[language][category.split("_")[0]] += len(questions)
        assert counts == {
            "en": {"normal": 823, "special": 150, "agent": 50},
            "zh": {"normal": 817, "special": 150, "agent": 50},
        }

    def test_one_id_in_two_languages_is_two_items(self):
        english = judge("en", "special_error_param_0", "There is incorrect value 1234WrongID")
        chinese = judge("zh", "special_error_param_0", "There is incorrect value 1234WrongID")
        assert (english.outcome, chinese.code) == ("pass", "error_correction")

    def test_a_second_alternative_passes_and_is_listed_as_a_failure_all_the_same(self):
        item = ("zh", "normal_atom_object_deep_44")
        verdicts = [judge(*item, written(*item, alternative)) for alternative in (0, 1)]
        assert [verdict.outcome for verdict in verdicts] == ["pass", "pass"]
        assert "listed_error_type" not in verdicts[0].evidence
        assert verdicts[1].evidence["listed_error_type"]

    def test_an_item_that_cannot_pass_is_unscored_under_strict_rules(self):
        verdict = judge("zh", "normal_atom_object_short_1", "[f(a=1)]", rules="strict")
        assert (verdict.outcome, verdict.code) == ("unscored", "strict:impossible_item")

    def test_every_other_ground_truth_passes_under_strict_rules(self):
        failed = [
            (language, name)
            for language in data.LANGUAGES
            for category in data.NORMAL
            for name in data.questions(language, category)
            if judge(language, name, written(language, name), rules="strict").outcome == "fail"
        ]
        assert failed == []

    def test_ground_truths_that_upstream_cannot_pass_are_those_that_are_documented(self):
        failed = {
            language: [
                name
                for category in data.NORMAL
                for name in data.questions(language, category)
                if judge(language, name, written(language, name)).outcome == "fail"
            ]
            for language in data.LANGUAGES
        }
        assert failed == UNREACHABLE

    def test_names_that_are_not_known(self):
        with pytest.raises(UsageProblem, match="language"):
            judge("fr", "normal_atom_bool_0", "[]")
        with pytest.raises(UsageProblem, match="ACEBench id"):
            judge("en", "normal_atom_bool_999", "[]")
        with pytest.raises(UsageProblem, match="ACEBench id"):
            judge("en", "simple_python_0", "[]")
        with pytest.raises(UsageProblem, match="rule set"):
            judge("en", "normal_atom_bool_0", "[]", rules="lenient")
        with pytest.raises(UsageProblem, match="judge_agent"):
            judge("en", "agent_multi_step_0", "[]")


def written(language, name, alternative=0):
    """A ground truth as a model could write it."""
    truth, docs = data.answer(language, name)["ground_truth"], data.question(language, name)["function"]
    truth = truth[alternative] if isinstance(truth, list) else truth
    calls = [
        f"{call.name}({', '.join(f'{key}={value!r}' for key, value in call.arguments.items())})"
        for call in expected_calls(truth, docs, STRICT)
    ]
    return f"[{', '.join(calls)}]"

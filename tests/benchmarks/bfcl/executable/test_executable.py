import gzip
import json
import math
import time

import pytest

from harness.benchmarks.bfcl import data, executable, judge
from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.executable.formula import function_of
from harness.benchmarks.bfcl.executable.functions import PURE
from harness.benchmarks.bfcl.multi_turn.calls import call_strings
from harness.types import Episode, Generation, Reply, Step

pytestmark = pytest.mark.usefixtures("bfcl_data")

SCORED = {"exec_simple": 62, "exec_multiple": 31, "exec_parallel": 31, "exec_parallel_multiple": 10, "rest": 0}


def test_verdict_error_type_and_calls_agree_on_every_recorded_answer(shared_data):
    with gzip.open(shared_data / "bfcl-oracle" / "exec_networkfree_2024.jsonl.gz", "rt", encoding="utf-8") as lines:
        recorded = [json.loads(line) for line in lines]
    assert len(recorded) == 665
    for case in recorded:
        verdict = judge(case["id"], case["raw"], mode=case["mode"])
        ours, theirs = (verdict.outcome == "pass", verdict.code), (case["valid"], case["error_type"])
        assert ours == theirs, case["id"]
        try:
            calls = call_strings(case["raw"], case["mode"])
        except Undecodable:
            calls = None
        assert calls == case["decoded"], case["id"]


@pytest.mark.parametrize("category", executable.CATEGORIES)
def test_the_ground_truth_of_items_that_need_no_network_passes(category):
    samples = executable.samples(category)
    assert len(samples) == len(data.questions(category))
    verdicts = [judge(sample.id, sample.target, mode="decoded") for sample in samples]
    assert [verdict.outcome for verdict in verdicts].count("pass") == SCORED[category]
    assert {verdict.code for verdict in verdicts} <= {None, executable.NEEDS_NETWORK}


@pytest.mark.parametrize("item", ["rest_0", "exec_simple_50", "exec_parallel_multiple_30"])
def test_items_that_need_the_network_are_unscored_with_the_reason(item):
    answer = data.answer(item)
    assert item == "rest_0" or not executable.is_pure(data.category_of(item), answer)
    verdict = judge(item, "[f(a=1)]")
    assert (verdict.outcome, verdict.code) == ("unscored", executable.NEEDS_NETWORK)
    assert verdict.message


@pytest.mark.parametrize(
    ("item", "raw", "code"),
    [
        ("exec_simple_0", "[calc_binomial_probability(n=20, k=5, p=0.6)]", None),
        ("exec_simple_0", "[calc_binomial_probability(20, 5, 0.6)]", "executable_checker:execution_error"),
        ("exec_simple_0", "[calc_binomial_probability(n=20, k=5, p=0.5)]", "executable_checker:wrong_result"),
        ("exec_simple_0", "[nothing(n=20)]", "executable_checker:execution_error"),
        ("exec_simple_0", "The probability is low.", "executable_decoder:decoder_failed"),
        ("exec_simple_0", "[]", "executable_decoder:wrong_output_format"),
        ("exec_simple_0", "[math_gcd(a=1, b=2), math_gcd(a=1, b=2)]", "simple_exec_checker:wrong_count"),
        ("exec_parallel_0", "[math_gcd(a=1, b=2)]", "value_error:exec_result_count"),
    ],
)
def test_error_types(item, raw, code):
    verdict = judge(item, raw)
    assert (verdict.outcome, verdict.code) == ("pass" if code is None else "fail", code)


def test_parallel_calls_match_in_any_order_and_each_once():
    sample = executable.samples("exec_parallel")[0]
    assert judge(sample.id, sample.target[::-1], mode="decoded").outcome == "pass"
    doubled = [sample.target[0]] * len(sample.target)
    assert judge(sample.id, doubled, mode="decoded").code == "executable_checker:cannot_find_match"


def test_strict_rules_bind_positional_arguments():
    assert judge("exec_simple_0", "[calc_binomial_probability(20, 5, 0.6)]", rules="strict").outcome == "pass"


def test_an_item_that_needs_the_network_is_not_asked():
    sample = next(sample for sample in executable.samples("rest"))
    assert list(executable.play(sample, {})) == []
    verdict = executable.check(sample, Episode(sample.id, ()))["rest"]
    assert (verdict.outcome, verdict.code) == ("unscored", executable.NEEDS_NETWORK)


def test_a_sample_is_asked_once_and_checked():
    sample = executable.samples("exec_simple")[0]
    play = executable.play(sample, {})
    query = next(play)
    assert query.messages == sample.turns[0]
    assert "calc_binomial_probability" in query.instruction
    reply = Reply(None, "[calc_binomial_probability(n=20, k=5, p=0.6)]")
    with pytest.raises(StopIteration):
        play.send(reply)
    episode = Episode(sample.id, (Step(0, Generation(reply.text), reply),))
    assert executable.check(sample, episode)["exec_simple"].outcome == "pass"


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("polygon_area", {"vertices": [[0, 0], [2, 0], [2, 2], [0, 2]]}, 4.0),
        ("get_prime_factors", {"number": 60}, [2, 2, 3, 5]),
        ("get_prime_factors", {"number": 97}, [97]),
        ("get_fibonacci_sequence", {"n": 6}, [0, 1, 1, 2, 3, 5]),
        ("get_fibonacci_number", {"n": 6}, 5),
        ("quadratic_roots", {"a": 1, "b": -3, "c": 2}, [2.0, 1.0]),
        ("quadratic_roots", {"a": 1, "b": 0, "c": 1}, [{"real": 0, "imaginary": 1}, {"real": 0, "imaginary": -1}]),
        ("mat_mul", {"matA": [[1, 2], [3, 4]], "matB": [[1, 0], [0, 1]]}, [[1, 2], [3, 4]]),
        ("maxPoints", {"points": [[0, 0], [1, 1], [2, 2], [0, 1], [0, 5]]}, 3),
        ("maxPoints", {"points": []}, 1),
        ("math_lcm", {"a": 4, "b": 6}, 12),
        ("math_gcd", {"a": 12, "b": 18}, 6),
        ("add_binary_numbers", {"a": "101", "b": "11"}, "1000"),
        ("calculate_permutations", {"n": 5, "k": 2}, 20),
        ("calculate_standard_deviation", {"numbers": [2, 4, 4, 4, 5, 5, 7, 9]}, 2),
        ("linear_regression", {"x": [1, 2, 3], "y": [2, 4, 6], "point": 5}, 10),
        ("order_food", {"item": ["a", "b"], "quantity": [1, 2], "price": [3, 4]}, 11),
        ("calculate_future_value", {"present_value": 100, "interest_rate": 1, "periods": 3}, 800),
    ],
)
def test_functions_do_what_their_documents_say(name, arguments, result):
    assert PURE[name](**arguments) == result


def test_money_grows_by_the_published_formulas():
    assert math.isclose(PURE["mortgage_calculator"](200000, 0.05, 30), 1073.64, rel_tol=1e-5)
    assert PURE["calculate_investment_value"](100, 10, 2, 0.5, [0, 0]) == 250
    assert PURE["calculate_investment_value"](100, 10, 2, 0.5, [], adjust_for_inflation=False) == 250
    with pytest.raises(IndexError):
        PURE["calculate_investment_value"](100, 10, 2, 0.5, [0])


def test_a_derivative_is_read_by_a_closed_evaluator():
    assert function_of("lambda x: 3*x**2 + 2*x - 1")(2) == 15
    assert function_of("lambda t: math.sin(t) / -abs(t)")(1.0) == math.sin(1.0) / -1.0
    for source in ("3*x**2", "f(x) = x", "lambda: 1", "lambda x: y", "lambda x: x.real", 3, "lambda x, y: 1"):
        with pytest.raises((ValueError, SyntaxError)):
            function_of(source)(1)


HOSTILE = [
    "math_factorial(n=10**9)",
    "math_factorial(n=10**4000)",
    "get_fibonacci_sequence(n=10**9)",
    "get_fibonacci_number(n=10**9)",
    "get_prime_factors(number=10**18 + 9)",
    "get_prime_factors(number=6.5)",
    "get_prime_factors(number=1e308)",
    "calculate_permutations(n=10**9, k=1)",
    "calc_binomial_probability(n=10**9, k=1, p=0.5)",
    "calc_binomial_probability(n=20000, k=10000, p=10**4000)",
    "calculate_future_value(present_value=1, interest_rate=9, periods=10**9)",
    "calculate_future_value(present_value=1, interest_rate=0.5, periods=10**9)",
    "mortgage_calculator(loan_amount=1, interest_rate=12, loan_period=10**9)",
    "calculate_investment_value(1, 1, 10**9, 0.1, [], False)",
    "estimate_derivative(function='lambda x: x**x**x**x', x=9)",
    "estimate_derivative(function='lambda x: 9**9**9', x=9)",
    "estimate_derivative(function='lambda x: __import__(\"os\").abort()', x=9)",
    "estimate_derivative(function='lambda x: open(\"/etc/passwd\")', x=9)",
    "estimate_derivative(function='lambda x: (lambda: 1)()', x=9)",
    "estimate_derivative(function='lambda x: [y for y in [1]]', x=9)",
    "estimate_derivative(function='lambda x: math.__loader__', x=9)",
    "estimate_derivative(function='lambda x: math.factorial(10**9)', x=9)",
    "estimate_derivative(function='(' * 9000, x=9)",
    "maxPoints(points=[[1, 2]] * 100000)",
    "mat_mul(matA=[[1] * 2000] * 2000, matB=[[1] * 2000] * 2000)",
    "__import__('os').abort()",
    "exit()",
    "open('/etc/passwd')",
]


@pytest.mark.parametrize("call", HOSTILE)
def test_hostile_calls_are_errors_or_quick(call):
    started = time.thread_time()
    verdict = judge("exec_simple_0", [call], mode="decoded")
    assert verdict.outcome == "fail"
    assert time.thread_time() - started < 2

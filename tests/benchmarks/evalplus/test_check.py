"""Verdicts: the rules that EvalPlus has, by name, and what a person is told."""

from __future__ import annotations

import hashlib
import json
import marshal
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.api import run
from harness.benchmarks import evalplus
from harness.benchmarks.evalplus import data, expected, oracles
from harness.benchmarks.evalplus.benchmark import CATEGORIES, PLUGIN
from harness.errors import UsageProblem
from harness.running.judges import judged
from harness.running.scheduler import Played
from harness.sandbox import job
from harness.sandbox.pool import Result, Sandbox, SandboxFault
from harness.types import Episode, Generation, Reply, Step

pytestmark = pytest.mark.usefixtures("judging")


def outcomes(task_id: str, solution: str) -> tuple[str, str]:
    verdicts = evalplus.judge(task_id, solution)
    return verdicts["base"].outcome, verdicts["plus"].outcome


def changed(task_id: str, body: str) -> str:
    problem = data.problem(task_id)
    return f"{problem.reference}\n_right = {problem.entry_point}\ndef {problem.entry_point}(*a):\n    {body}\n"


@pytest.mark.parametrize("task_id", ["HumanEval/0", "HumanEval/32", "HumanEval/53", "Mbpp/2", "Mbpp/88", "Mbpp/124"])
def test_reference_programs_pass(task_id: str) -> None:
    assert outcomes(task_id, data.problem(task_id).reference) == ("pass", "pass")


def test_base_and_plus_are_judged_apart() -> None:
    only_plus_wrong = changed("HumanEval/53", "return _right(*a) if abs(a[0]) < 1500 else 0")
    assert outcomes("HumanEval/53", only_plus_wrong) == ("pass", "fail")


def test_a_failed_verdict_says_what_happened() -> None:
    verdict = evalplus.judge("HumanEval/53", "def add(x, y):\n    return x - y")["base"]
    assert (verdict.outcome, verdict.code) == ("fail", "fail")
    assert verdict.message == "add: wrong output at base test 1 of 105"
    assert verdict.evidence == {
        "part": "base",
        "reason": "wrong_output",
        "test": 0,
        "tests": 105,
        "input": "[0, 1]",
        "expected": "1",
        "returned": "-1",
    }
    json.dumps(verdict.evidence)


def test_a_program_without_the_function_says_so() -> None:
    verdict = evalplus.judge("HumanEval/53", "def subtract(x, y): return 0")["plus"]
    assert verdict.message == "add: raised before the first test: NameError: the program defines no add"


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("def add(x, y): return x.nothing", "raised"),
        ("def subtract(x, y): return 0", "raised"),
        ("import os; os._exit(0)", "died"),
        ("def add(x, y): return object()", "wrong_output"),
    ],
)
def test_reasons(solution: str, reason: str) -> None:
    assert evalplus.judge("HumanEval/53", solution)["base"].evidence["reason"] == reason


def test_an_endless_program_times_out() -> None:
    verdicts = evalplus.judge("HumanEval/53", "def add(x, y):\n    while True: pass")
    assert {verdict.code for verdict in verdicts.values()} == {"timeout"}


def test_quirk_sticky_tolerance_makes_near_integers_pass_after_a_float() -> None:
    problem = data.problem("HumanEval/21")
    right = expected.expected(problem.task_id)["base"]
    assert any(right.floats)
    nearly = changed(problem.task_id, "return [x * (1 + 1e-9) for x in _right(*a)]")
    assert outcomes(problem.task_id, nearly) == ("pass", "pass")


def test_quirk_within_tolerance_the_type_must_be_the_same() -> None:
    exact = changed("HumanEval/2", "import numpy\n    return numpy.float64(_right(*a))")
    nearly = changed("HumanEval/2", "import numpy\n    return numpy.float64(_right(*a) + 1e-9)")
    assert outcomes("HumanEval/2", exact) == ("pass", "pass")
    assert outcomes("HumanEval/2", nearly) == ("fail", "fail")


def test_quirk_humaneval_32_is_judged_by_its_polynomial() -> None:
    assert outcomes("HumanEval/32", changed("HumanEval/32", "return _right(*a) + 1e-9"))[0] == "pass"
    assert outcomes("HumanEval/32", changed("HumanEval/32", "return _right(*a) + 1"))[0] == "fail"


def rule(name: str, returned: object, kind: str = "value") -> bool:
    """The rule of a task that MBPP+ v0.2.0 no longer holds; older data files do."""
    problem = data.Problem("mbpp", "Mbpp/0", "", name, "", (), (), 0)
    result = Result(0, kind, body=marshal.dumps(returned, 2) if kind == "value" else b"")  # type: ignore[arg-type]
    return oracles.is_right(problem, [6], result, lambda: 6, 0)


def test_quirk_mbpp_164_accepts_any_result() -> None:
    assert rule("are_equivalent", 3)
    assert rule("are_equivalent", None, "other")


def test_quirk_mbpp_295_accepts_zero() -> None:
    assert rule("sum_div", 0)
    assert not rule("sum_div", -1)
    assert not rule("sum_div", "0")


def test_quirk_mbpp_581_accepts_the_upright_height() -> None:
    upright = "def surface_Area(b, h): return round(b * b + 2 * b * ((b / 2) ** 2 + h * h) ** 0.5)"
    assert outcomes("Mbpp/581", upright) == ("pass", "pass")


def test_quirk_mbpp_558_accepts_padded_digits() -> None:
    padded = (
        "def digit_distance_nums(a, b):\n    w = max(len(str(a)), len(str(b)))\n"
        "    return sum(abs(int(x) - int(y)) for x, y in zip(str(a).zfill(w), str(b).zfill(w)))"
    )
    assert outcomes("Mbpp/558", padded) == ("pass", "pass")


def test_quirk_set_tasks_ignore_order_and_repetition() -> None:
    doubled = changed("Mbpp/2", "return list(_right(*a)) * 2")
    assert outcomes("Mbpp/2", doubled) == ("pass", "pass")
    assert outcomes("Mbpp/2", changed("Mbpp/2", "return [*_right(*a), 'x']"))[0] == "fail"


def test_quirk_match_tasks_only_ask_whether_there_is_a_match() -> None:
    name = next(p.task_id for p in data.problems("mbpp").values() if p.entry_point == "check_str")
    anything = changed(name, "return 'x' if _right(*a) else None")
    assert outcomes(name, anything) == ("pass", "pass")
    assert outcomes(name, changed(name, "return 0"))[1] == "fail"


def test_values_that_python_holds_equal_are_right() -> None:
    single = "import numpy as np\ndef truncate_number(number):\n    return np.float32(number % 1.0)"
    lists = (
        f"{data.problem('HumanEval/1').reference}\n_right = separate_paren_groups\nfrom collections import UserList\n"
    )
    lists += "def separate_paren_groups(text):\n    return UserList(_right(text))"
    assert outcomes("HumanEval/2", single) == ("pass", "pass")
    assert outcomes("HumanEval/1", lists) == ("pass", "pass")


def test_a_class_that_claims_equality_is_not_asked() -> None:
    liar = "class Liar(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
    assert outcomes("HumanEval/53", liar + "def add(x, y): return Liar(7)") == ("fail", "fail")


def test_a_failing_sandbox_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Sandbox, program: object) -> None:
        raise SandboxFault("no server")

    monkeypatch.setattr(Sandbox, "run", broken)
    verdicts = evalplus.judge("HumanEval/53", "def add(x, y): return x + y")
    assert {verdict.outcome for verdict in verdicts.values()} == {"unscored"}
    sample = next(sample for sample in PLUGIN.load(["humaneval"]) if sample.id == "HumanEval/53")
    text = "```python\ndef add(x, y): return x + y\n```"
    line = judged(
        PLUGIN, Played(sample, Episode(sample.id, (Step(0, Generation(text), Reply(None, text)),)), 0), "upstream"
    )
    assert line.fault == "check: RuntimeError: the sandbox failed: no server"


def test_unknown_tasks_are_refused() -> None:
    with pytest.raises(UsageProblem, match="HumanEval/1"):
        evalplus.judge("HumanEval/164", "")


def test_expected_outputs_are_cached_and_a_damaged_cache_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = "HumanEval/45"
    first = expected.expected(task_id)
    (file,) = expected._folder("humaneval").glob("HumanEval_45.json")
    expected._expected.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(expected, "shared", None)
        again = expected.expected(task_id)
    assert [asdict(again[part]) for part in expected.PARTS] == [asdict(first[part]) for part in expected.PARTS]
    file.write_text(file.read_text().replace('"floats": [false', '"floats": [true', 1))
    expected._expected.cache_clear()
    assert expected.expected(task_id)["base"].digests == first["base"].digests
    assert expected._read(file) is not None


def test_caches_of_expected_outputs_hold_these_digests() -> None:
    """Where this fails, raise `FORMAT`: what machines have kept would no longer equal what programs return."""
    plain: list[object] = [None, True, 1, -1, 10**30, 0.5, -0.0, 1e300, 1j, "x", "\ud800é", b"x", ..., [], (), {}]
    nested = [[1, [2.0, (3, "4")]], {"b": [1.5], "a": {1, 2}}, {(1, 2): None}, [{"a"}, [True]], set(), frozenset("a")]
    numbers = [[0.5, 1] * 200, list(range(70_000)), (2**60,) * 101]
    long = ["x" * 5_000, [("a", str(number)) for number in range(300)], [[1, "a"]] * 40_000]
    kept = [*plain, *nested, *numbers, *long]
    found = b"".join(job._crossing(value, "value", 256)[1] for value in kept)
    assert (expected.FORMAT, hashlib.sha256(found).hexdigest()[:16]) == (4, "418b2825584b2343")


def test_expected_outputs_are_computed_while_programs_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    names = ["HumanEval/45", "HumanEval/53", "Mbpp/2"]
    samples = [sample for sample in PLUGIN.load(CATEGORIES) if sample.id in names]
    start = time.monotonic()
    PLUGIN.prepare(samples)
    assert time.monotonic() - start < 2
    while not all(expected._file(name, expected._home(name)).exists() for name in names):
        assert time.monotonic() - start < 60
        time.sleep(0.05)
    with monkeypatch.context() as patch:
        patch.setattr(expected, "compute", None)
        PLUGIN.prepare(samples)
        assert expected.expected("HumanEval/53")["base"].digests


def test_only_a_run_that_judges_has_expected_outputs_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(expected, "prefetch", lambda names: asked.append(list(names)))
    options = {"engine": "scripted", "model_args": "default=x", "sample_id": "HumanEval/53", "output": tmp_path}
    run(model="m", tasks="humaneval", predict_only=True, **options)
    assert asked == []
    run(model="m", tasks="humaneval", **options)
    run(model="m", tasks="humaneval", **options)
    assert asked == [["HumanEval/53"]]

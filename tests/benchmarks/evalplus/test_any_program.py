"""Whatever a program returns, raises or prints, it is judged, shown, viewed and exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.api import run
from harness.benchmarks import evalplus
from harness.benchmarks.evalplus import data
from harness.cli import cli

pytestmark = pytest.mark.usefixtures("judging")

ATOMS = st.sampled_from(
    [
        *("None", "True", "0", "-1", "0.0", "1.5", "'x'", "b'x'", "...", "NotImplemented", "1j", "()", "[]", "{}"),
        *("10**5000", "-(10**4301)", "10**40000", "2.0**1000", "float('nan')", "float('inf')", "complex('nan+infj')"),
        *("'\\ud800'", "'\\x00\\x1b[2J\\r\\u202e'", "'x' * 70_000", "'\\udfff' * 70_000", "b'\\xff' * 70_000"),
        *(
            "object()",
            "object",
            "print",
            "(lambda: 0)",
            "range(3)",
            "iter([])",
            "(x for x in [1])",
            "set()",
            "memoryview(b'x')",
        ),
        *("np.float32(0.1)", "np.float16(0.1)", "np.longdouble(0.1)", "np.clongdouble(1j)", "np.complex64(1j)"),
        *(
            "np.datetime64('2020-01-01')",
            "np.void(b'x')",
            "np.str_('x')",
            "np.array([])",
            "np.array([1, 2])",
            "np.array(None)",
        ),
        *("Decimal('NaN')", "Decimal('sNaN')", "Decimal('-Infinity')", "Decimal('1E+9999')", "Fraction(1, 3)"),
        *("UserList([1])", "UserString('x')", "UserDict({1: 2})", "ChainMap({1: 2})", "MappingProxyType({1: 2})"),
        *(
            "itself",
            "deep",
            "liar",
            "deque([1])",
            "Counter('aab')",
            "memoryview(b'x')",
            "type('L', (list,), {})([1])",
            "Exception('x')",
        ),
    ]
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3).map(", ".join).map("[{}]".format)
        | st.lists(inner, max_size=3).map(", ".join).map("tuple([{}])".format)
        | st.lists(inner, max_size=3).map(", ".join).map("dict(enumerate([{}]))".format)
        | st.lists(inner, max_size=3).map(", ".join).map("set([{}])".format)
        | inner.map("[{}] * 3000".format)
        | inner.map("dict([({0}, {0})])".format)
    ),
    max_leaves=5,
)
STATEMENTS = VALUES.map(lambda value: f"return {value}") | st.sampled_from(
    [
        "raise KeyError(10**5000)",
        "raise ValueError('\\ud800' * 100_000)",
        "raise liar",
        "raise type('E', (BaseException,), {'__str__': lambda self: 1 / 0})",
        "raise ExceptionGroup('\\x1b[2J', [ValueError(), KeyError()])",
        "raise SystemExit(10**5000)",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "yield 10**5000",
        "print('\\x1b[2J' * 100_000, flush=True); return a",
        "import sys; sys.set_int_max_str_digits(0); return 10**5000",
        "import sys; sys.stdout.close(); return a",
        "import os; os.close(1); os.kill(os.getpid(), 9)",
        "return f(*a)",
        "return (yield)",
    ]
)
PROGRAM = """
import numpy as np
from collections import *
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
itself = []
itself.append(itself)
deep = []
for _ in range(100_000):
    deep = [deep]
class Liar:
    def nothing(self, *others):
        raise RuntimeError("\\ud800")
    __repr__ = __str__ = __eq__ = __hash__ = __len__ = __iter__ = __bool__ = __index__ = __float__ = nothing
liar = Liar()
def f(*a):
    {body}
"""
TASKS = (
    *("HumanEval/2", "HumanEval/21", "HumanEval/32", "HumanEval/53", "HumanEval/87"),
    *("Mbpp/2", "Mbpp/124", "Mbpp/558", "Mbpp/581", "Mbpp/737"),
)
"""Values, tolerance, a polynomial, pairs; sets, floats, rules of their own, presence."""


def program(task_id: str, body: str) -> str:
    return PROGRAM.format(body=body).replace("f(*a)", f"{data.problem(task_id).entry_point}(*a)")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(TASKS), STATEMENTS)
def test_any_program_has_a_verdict_that_can_be_stored(task_id: str, body: str) -> None:
    for verdict in evalplus.judge(task_id, program(task_id, body)).values():
        assert verdict.outcome in ("pass", "fail"), verdict
        assert len(verdict.message) < 1000
        assert len(json.dumps(verdict.evidence).encode("utf-8")) < 10_000


BODIES = (
    *("return 10**5000", "return itself", "return deep", "return '\\ud800\\x1b[2J'", "return {1: 'x' * 70_000}"),
    *("raise KeyError(10**5000)", "raise liar", "return [10**5000, float('nan')]", "return liar", "return print"),
)


def test_what_programs_returned_is_shown_viewed_and_exported(tmp_path: Path) -> None:
    programs = {task_id: program(task_id, body) for task_id, body in zip(TASKS, BODIES, strict=True)}
    script = tmp_path / "script.json"
    script.write_text(json.dumps({task_id: f"```python\n{code}\n```" for task_id, code in programs.items()}))
    options = {"engine": "scripted", "model_args": f"script={script}", "output": tmp_path / "results"}
    (made,) = run(model="m", tasks="forgetting", sample_id=list(TASKS), **options)
    expected = dict.fromkeys(("humaneval", "humaneval_plus", "mbpp", "mbpp_plus"), (5, 0))
    assert {name: (score.judged, score.passed) for name, score in made.scores.items()} == expected

    def told(*arguments: str) -> str:
        result = CliRunner().invoke(cli, list(arguments))
        assert result.exit_code == 0, result.output
        return result.stdout

    for task_id in TASKS:
        shown = told("show", str(made.folder), task_id)
        assert "verdict" in shown
        assert "\x1b" not in shown
    page = tmp_path / "page.html"
    told("view", "bundle", str(made.folder), "-o", str(page))
    assert all(task_id in page.read_text() for task_id in TASKS)
    again = json.loads(told("score", str(made.folder), "--json", "--partial"))["scores"]["upstream"]
    assert {name: (score["judged"], score["passed"]) for name, score in again.items()} == expected
    told("export", str(made.folder), str(tmp_path / "out"), "--to", "evalplus")
    for name in ("humaneval", "mbpp"):
        samples = str(tmp_path / "out" / f"{name}.jsonl")
        scored = told("score", "--from-evalplus", samples, "--partial", "-o", str(tmp_path / "o"), "--json")
        assert json.loads(scored)["scores"]["upstream"][name]["judged"] == 5
        rows = json.loads((tmp_path / "o" / f"{name}_eval_results.json").read_text())["eval"]
        assert {row["base_status"] for tries in rows.values() for row in tries} == {"fail"}

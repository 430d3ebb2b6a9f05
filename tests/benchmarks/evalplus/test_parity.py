"""Same verdicts as EvalPlus on right, wrong and odd programs."""

from __future__ import annotations

from typing import Any

import pytest

from harness.benchmarks import evalplus
from harness.benchmarks.evalplus import data

from .mutants import EXPENSIVE, mutants

upstream = pytest.importorskip("evalplus.eval", reason="evalplus is not installed")
pytestmark = pytest.mark.usefixtures("judging")

TASKS = {
    "humaneval": ("HumanEval/2", "HumanEval/21", "HumanEval/26", "HumanEval/53", "HumanEval/87", "HumanEval/111"),
    "mbpp": ("Mbpp/2", "Mbpp/88", "Mbpp/124", "Mbpp/252", "Mbpp/558", "Mbpp/579", "Mbpp/581", "Mbpp/737"),
}
LOAD_SENSITIVE = {"slow", "sleeps a little"}
"""Within EvalPlus's limits on a quiet machine only: it counts elapsed time."""


COSTLY = [
    ("humaneval", "HumanEval/87", "sleeps"),
    ("humaneval", "HumanEval/2", "memory"),
    ("humaneval", "HumanEval/26", "exits hard"),
    ("mbpp", "Mbpp/2", "memory in pieces"),
    ("mbpp", "Mbpp/88", "endless later"),
]

EQUALITIES = (
    *("single precision", "half precision", "half precision off", "single precision array", "long double"),
    *("long double off", "user classes", "user lists inside", "user list off", "chain map", "mapping proxy"),
)
"""What equals a plain value without being one; tried where floats are returned, and where dictionaries of them are."""


def _cheap() -> list[tuple[str, str, str]]:
    """Every mutant of one task or another."""
    names = [name for name in mutants("f", "") if name not in EXPENSIVE | LOAD_SENSITIVE]
    return [
        (benchmark, task_id, name)
        for benchmark, ids in TASKS.items()
        for place, task_id in enumerate(ids)
        for name in names[place :: len(ids)]
    ]


def theirs(problem: data.Problem, solution: str) -> dict[str, bool]:
    from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS
    from evalplus.gen.util import trusted_exec

    verdicts: dict[str, bool] = {}
    for part in ("base", "plus"):
        inputs: list[Any] = list(getattr(problem, part))
        only_presence = problem.entry_point in MBPP_OUTPUT_NOT_NONE_TASKS
        outputs, seconds = trusted_exec(problem.reference, inputs, problem.entry_point, True, only_presence)
        status, _ = upstream.untrusted_check(
            problem.benchmark, solution, inputs, problem.entry_point, outputs, problem.atol, seconds, fast_check=True
        )
        verdicts[part] = status == "pass"
    return verdicts


def _equal() -> list[tuple[str, str, str]]:
    tasks = (("humaneval", "HumanEval/2"), ("mbpp", "Mbpp/585"))
    return [(*task, name) for task in tasks for name in EQUALITIES]


@pytest.mark.parametrize(("benchmark", "task_id", "name"), [*_cheap(), *_equal(), *COSTLY])
def test_verdicts_equal_evalplus(benchmark: str, task_id: str, name: str) -> None:
    problem = data.problem(task_id)
    solution = mutants(problem.entry_point, problem.reference)[name]
    ours = {part: verdict.outcome == "pass" for part, verdict in evalplus.judge(task_id, solution).items()}
    assert ours == theirs(problem, solution)


def test_inputs_equal_evalplus() -> None:
    from evalplus.data.mbpp import mbpp_deserialize_inputs

    from harness.data import datasets

    for _, row in data._rows(datasets.path("mbpp_plus")):
        ours = data.problem(row["task_id"])
        for part in ("base", "plus"):
            expected = [list(item) for item in mbpp_deserialize_inputs(row["task_id"], row[f"{part}_input"])]
            assert repr([list(item) for item in getattr(ours, part)]) == repr(expected)

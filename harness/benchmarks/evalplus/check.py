"""Judging programs: limits, the run in the sandbox, and the verdict with what a person needs to see why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import lru_cache, partial
from typing import Any

from harness.benchmarks.evalplus import data, oracles
from harness.benchmarks.evalplus.data import Problem
from harness.benchmarks.evalplus.expected import (
    PARTS,
    Expected,
    Part,
    ReferenceFailed,
    expected,
    inputs,
    known_seconds,
    packed_inputs,
)
from harness.benchmarks.evalplus.shown import shown
from harness.errors import HarnessError
from harness.sandbox import shared, values
from harness.sandbox.frames import predict
from harness.sandbox.pool import Program, Result, SandboxFault
from harness.types import Verdict

SHORTEST_LIMIT = 1.0
REFERENCE_FACTOR = 4.0
LONGEST_TOTAL = 60.0
GRACE = 2.0
"""Limits of evalplus 0.3.1 (`untrusted_check`): max(1 s, 4 x reference) a call, at most 60 s in all, 2 s to spare."""

_WRONG = "wrong_output"


def parts_of(problem: Problem) -> Sequence[Part]:
    """Sets of tests that a sample of a problem is judged by."""
    return PARTS[:1] if problem.base_only else PARTS


def judge(task_id: str, solution: str, parts: Sequence[Part] = PARTS) -> dict[str, Verdict]:
    """Judge a program on one problem's base and plus tests, each in a fresh process.

    Args:
        task_id: `HumanEval/0` to `HumanEval/163`, or `Mbpp/2` and so on.
        solution: A complete program; nothing is extracted from it or added to it.
        parts: Sets of tests.

    Returns:
        By part, as `base_status` and `plus_status` of `evalplus.evaluate`: each by its own tests alone. The plus score
        of a benchmark counts a program that passes both. `code` is `fail` or `timeout`.

    Raises:
        DataError: The data is missing.
        SandboxUnavailable: Nothing here can hold a program.
        UsageProblem: Unknown task; near ones are offered.
    """
    problem = data.problem(task_id)
    try:
        right = expected(task_id)
        return {part: _judge_part(problem, solution, part, right[part]) for part in parts}
    except (SandboxFault, ReferenceFailed) as error:
        return dict.fromkeys(parts, Verdict("unscored", "sandbox", str(error)))


def judge_all(
    samples: Sequence[tuple[str, str]], parts: Sequence[Part] = PARTS
) -> Iterator[tuple[int, dict[str, Verdict]]]:
    """Judge many programs, as many at once as the sandbox has workers, those that take long first.

    Args:
        samples: Task ids and programs.
        parts: Sets of tests.

    Yields:
        Position in `samples` and verdicts, as they are done.
    """
    workers = shared().workers or 1
    seconds = {name: known_seconds(name) for name in {name for name, _ in samples}}
    order = sorted(range(len(samples)), key=lambda place: -seconds[samples[place][0]])
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(_judged, *samples[place], parts): place for place in order}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _judged(task_id: str, solution: str, parts: Sequence[Part]) -> dict[str, Verdict]:
    try:
        return judge(task_id, solution, parts)
    except HarnessError:
        raise
    except Exception as error:  # noqa: BLE001 - one program never ends the judging of the others
        return dict.fromkeys(parts, Verdict("unscored", "fault", f"{type(error).__name__}: {error}"[:2000]))


def _judge_part(problem: Problem, solution: str, part: Part, right: Expected) -> Verdict:
    limits, equality = _limits(right), oracles.compares_equal(problem)
    program = Program(
        code=solution,
        entry_point=problem.entry_point,
        inputs=packed_inputs(problem, part),
        limits=limits,
        budget=min(LONGEST_TOTAL, sum(limits)) + GRACE,
        convert=oracles.conversion(problem),
        body_limit=1 << 16 if oracles.wants_values(problem) else right.body_limit,
        right=_comparable(right) if equality else (),
        predicted=_predicted(right) if equality else (),
    )
    arguments = inputs(problem, part)
    with shared().run(program) as results:
        for result in results:
            if result.kind not in ("value", "converted", "other"):
                return _failed(problem, part, right, result, arguments)
            place = result.call
            atol = _tolerances(problem.atol, right)[place]
            if not oracles.is_right(problem, arguments[place], result, partial(right.value, place), atol):
                return _failed(problem, part, right, result, arguments)
    return Verdict("pass", evidence={"tests": len(arguments)})


@lru_cache(maxsize=2048)
def _limits(right: Expected) -> list[float]:
    return [max(SHORTEST_LIMIT, REFERENCE_FACTOR * seconds) for seconds in right.seconds]


@lru_cache(maxsize=2048)
def _comparable(right: Expected) -> Sequence[bytes]:
    """Digests of which each makes a result right; nothing where the expected value equals nothing."""
    if values.INCOMPARABLE not in right.digests:
        return right.digests
    return [b"" if digest == values.INCOMPARABLE else digest for digest in right.digests]


@lru_cache(maxsize=2048)
def _predicted(right: Expected) -> list[bytes]:
    """What the sandbox sends for a result that is right and of the expected type."""
    return [
        predict(digest, body) if digest else b"" for digest, body in zip(_comparable(right), right.kept, strict=True)
    ]


@lru_cache(maxsize=2048)
def _tolerances(atol: float, right: Expected) -> list[float]:
    return oracles.tolerances(atol, right.floats)


def _failed(problem: Problem, part: Part, right: Expected, result: Result, arguments: Sequence[Any]) -> Verdict:
    """A verdict that names the test, what came back and what should have."""
    reason = _WRONG if result.kind in ("value", "converted", "other") else result.kind
    evidence: dict[str, Any] = {"part": part, "reason": reason, "test": result.call, "tests": len(arguments)}
    if result.call >= 0:
        evidence["input"] = shown(list(arguments[result.call]))
        if right.kept[result.call]:
            evidence["expected"] = shown(right.value(result.call))
    if reason == _WRONG:
        evidence["returned"] = _returned(result)
    where = f"at {part} test {result.call + 1} of {len(arguments)}" if result.call >= 0 else "before the first test"
    message = f"{problem.entry_point}: {reason.replace('_', ' ')} {where}"
    if result.note:
        message += f": {result.note}"
    return Verdict("fail", "timeout" if result.kind == "timeout" else "fail", message, evidence)


def _returned(result: Result) -> str:
    if result.kind == "other":
        return f"an object that equals no plain value ({result.note})"
    try:
        return shown(values.decode(result.body))
    except values.Unreadable:
        return "a value too long to be sent"


def by_category(benchmark: str, verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Verdicts of `judge` as a benchmark counts them: the plus score is for programs that pass both sets of tests.

    Args:
        benchmark: `humaneval` or `mbpp`.
        verdicts: `base` and `plus`, or the first alone.

    Returns:
        By category, for example `humaneval` and `humaneval_plus`.
    """
    if "plus" not in verdicts:
        return {benchmark: verdicts["base"]}
    base, plus = verdicts["base"], verdicts["plus"]
    if base.outcome == "fail" and plus.outcome != "fail":
        plus = Verdict("fail", base.code, f"fails the base tests already: {base.message}", base.evidence)
    return {benchmark: base, f"{benchmark}_plus": plus}

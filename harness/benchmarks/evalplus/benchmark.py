"""HumanEval(+) and MBPP(+) as one benchmark of four categories; a problem is one sample with a verdict in two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness import machine
from harness.benchmarks.evalplus import data, prompts
from harness.benchmarks.evalplus.data import Problem
from harness.data import datasets
from harness.protocols import Play
from harness.sandbox import shared
from harness.types import Episode, Query, Sample, Verdict

CATEGORIES = ("humaneval", "humaneval_plus", "mbpp", "mbpp_plus")
BASE_ONLY = ("humaneval_base", "mbpp_base")
"""The same problems with their original tests alone: a fraction of the work, and no plus score."""


@dataclass(frozen=True, slots=True)
class EvalPlus:
    """Programs written from a description, judged by tests in the sandbox."""

    name: str = "evalplus"
    check_workers: int = machine.cores()
    also_checked_by: tuple[str, ...] = ("harness.sandbox.values",)
    """What counts as equal."""
    runs_programs: bool = True
    """Nothing is played before a sandbox is found."""

    @property
    def version(self) -> str:
        """The data's and that of the rules."""
        return data.version()

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """The four categories, `forgetting` for all of them, and for each benchmark its original tests alone."""
        return {"forgetting": CATEGORIES, **{name: (name,) for name in (*CATEGORIES, *BASE_ONLY)}}

    def data_sha256(self) -> str:
        """Digest over both data files."""
        digests = [datasets.sha256(name) for name in data.DATA_SETS.values()]
        return hashlib.sha256(" ".join(digests).encode()).hexdigest()

    def load(self, categories: Sequence[str]) -> Iterator[Sample[Problem]]:
        """Problems of the categories, each once.

        Args:
            categories: `humaneval` and `humaneval_plus` stand for the same problems, so do the two of MBPP.
                `humaneval_base`, unless beside them, for these with the base tests alone; they count as `humaneval`.

        Yields:
            Samples in the category of their base tests, or in the plus one where only that is wanted.
        """
        for benchmark in data.DATA_SETS:
            names = [name for name in (benchmark, f"{benchmark}_plus") if name in categories]
            if not names and f"{benchmark}_base" in categories:
                for problem in data.problems(benchmark).values():
                    target = replace(problem, base_only=True)
                    yield Sample(problem.task_id, benchmark, (_messages(problem),), (), target)
            elif names:
                for problem in data.problems(benchmark).values():
                    yield Sample(problem.task_id, names[0], (_messages(problem),), (), problem)

    def play(self, sample: Sample[Problem], before: Mapping[str, Episode]) -> Play:
        """Ask once."""
        yield Query(_messages(sample.target), expects="text", opening=prompts.opening(sample.target))

    def prepare(self, samples: Sequence[Sample[Problem]]) -> Mapping[str, Any]:
        """Open the sandbox and compute expected outputs that are not kept yet, while the model is still writing.

        Args:
            samples: What is about to be played and judged.

        Returns:
            What of the sandbox a verdict can depend on.

        Raises:
            SandboxUnavailable: Nothing here can hold a program.
        """
        from harness.benchmarks.evalplus.expected import prefetch

        prefetch(sample.id for sample in samples)
        return shared().facts

    def check(self, sample: Sample[Problem], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Take the program out of the reply, by `strict` rules as `lenient` tells, and judge it by EvalPlus's tests.

        Returns:
            The base verdict, and unless only that is wanted the plus verdict: a program must pass both sets of tests.

        Raises:
            RuntimeError: The sandbox failed: the episode is a fault, which the same command tries again.
        """
        from harness.benchmarks.evalplus import lenient
        from harness.benchmarks.evalplus.check import by_category, judge, parts_of
        from harness.benchmarks.evalplus.sanitize import sanitize

        problem = sample.target
        reply = episode.steps[-1].reply.text
        program = lenient.program(reply, problem) if rules == "strict" else sanitize(reply, problem.entry_point)
        verdicts = judge(problem.task_id, program, parts_of(problem))
        for verdict in verdicts.values():
            if verdict.outcome == "unscored":
                raise RuntimeError(f"the sandbox failed: {verdict.message}")
        return by_category(problem.benchmark, verdicts)


def _messages(problem: Problem) -> tuple[Mapping[str, str], ...]:
    return ({"role": "user", "content": prompts.message(problem)},)


PLUGIN = EvalPlus()

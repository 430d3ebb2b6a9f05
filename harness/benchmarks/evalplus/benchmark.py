"""HumanEval(+) and MBPP(+) as one benchmark of four categories; a problem is one sample with a verdict in two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness import machine
from harness.benchmarks.evalplus import data, prompts
from harness.benchmarks.evalplus.data import Problem
from harness.data import datasets
from harness.protocols import Play
from harness.types import Episode, Query, Sample, Verdict

CATEGORIES = ("humaneval", "humaneval_plus", "mbpp", "mbpp_plus")


@dataclass(frozen=True, slots=True)
class EvalPlus:
    """Programs written from a description, judged by tests in the sandbox."""

    name: str = "evalplus"
    version: str = data.VERSION
    check_workers: int = machine.cores()
    runs_programs: bool = True
    """Nothing is played before a sandbox is found."""

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """The four categories, and `forgetting` for all of them."""
        return {"forgetting": CATEGORIES, **{category: (category,) for category in CATEGORIES}}

    def data_sha256(self) -> str:
        """Digest over both data files."""
        digests = [datasets.sha256(name) for name in data.DATA_SETS.values()]
        return hashlib.sha256(" ".join(digests).encode()).hexdigest()

    def load(self, categories: Sequence[str]) -> Iterator[Sample[Problem]]:
        """Problems of the categories, each once.

        Args:
            categories: `humaneval` and `humaneval_plus` stand for the same problems, so do the two of MBPP.

        Yields:
            Samples in the category of their base tests, or in the plus one where only that is wanted.
        """
        for benchmark in data.DATA_SETS:
            names = [name for name in (benchmark, f"{benchmark}_plus") if name in categories]
            if names:
                for problem in data.problems(benchmark).values():
                    yield Sample(problem.task_id, names[0], (_messages(problem),), (), problem)

    def play(self, sample: Sample[Problem], before: Mapping[str, Episode]) -> Play:
        """Ask once."""
        yield Query(messages=_messages(sample.target), expects="text")

    def check(self, sample: Sample[Problem], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Take the program out of the reply and judge it; there are no other rules than EvalPlus's.

        Returns:
            The base verdict, and the plus verdict: a program must pass both sets of tests.

        Raises:
            RuntimeError: The sandbox failed: the episode is a fault, which the same command tries again.
        """
        from harness.benchmarks.evalplus.check import by_category, judge
        from harness.benchmarks.evalplus.sanitize import sanitize

        problem = sample.target
        program = sanitize(episode.steps[-1].reply.text, problem.entry_point)
        verdicts = judge(problem.task_id, program)
        for verdict in verdicts.values():
            if verdict.outcome == "unscored":
                raise RuntimeError(f"the sandbox failed: {verdict.message}")
        return by_category(problem.benchmark, verdicts)


def _messages(problem: Problem) -> tuple[Mapping[str, str], ...]:
    return ({"role": "user", "content": prompts.message(problem)},)


PLUGIN = EvalPlus()

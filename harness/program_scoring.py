"""Judging EvalPlus's sample files: programs that are already taken out of replies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.benchmarks.evalplus import check, data, official
from harness.errors import UsageProblem
from harness.lines import SampleLine
from harness.scoring import Report, Tallies
from harness.types import Verdict

Judged = tuple[int, dict[str, Verdict]]
Show = Callable[[Iterable[Judged], int], Iterable[Judged]]


def score_programs(samples: Path, report: Report, results: Path | None = None, show: Show | None = None) -> Tallies:
    """Judge a sample file or folder.

    Args:
        samples: What `evalplus.evaluate --samples` takes.
        report: Told about lines that cannot be used.
        results: File for verdicts in EvalPlus's format; None for none.
        show: Passes on the verdicts and says how far it is; given their number too.

    Returns:
        Counts of `humaneval` and `humaneval_plus`, `mbpp` and `mbpp_plus`; problems without a program are missing.

    Raises:
        UsageProblem: It holds no program at all.
    """
    programs = list(official.read_samples(samples, report))
    if not programs:
        raise UsageProblem(f"{samples} holds no program", "Give EvalPlus's samples as .jsonl or a folder.")
    repeats = _repeats(programs)
    benchmarks = [data.problem(program.task_id).benchmark for program in programs]
    tries: dict[str, int] = {}
    for benchmark, repeat in zip(benchmarks, repeats, strict=True):
        tries[benchmark] = max(tries.get(benchmark, 0), repeat + 1)
    totals = {name: len(data.problems(name)) * count for name, count in sorted(tries.items())}
    tallies = Tallies(["upstream"], totals)
    verdicts: dict[int, dict[str, Verdict]] = {}
    judged = check.judge_all(programs)
    for place, found in show(judged, len(programs)) if show else judged:
        verdicts[place] = found
        line = SampleLine(programs[place].task_id, repeats[place], benchmarks[place], ())
        tallies.add(line, {"upstream": check.by_category(benchmarks[place], found)})
        if found["base"].outcome == "unscored":
            report(f"{samples}: a program for {line.id} has no verdict: {found['base'].message}")
    missing = sum(totals.values()) - len(programs)
    if missing:
        tallies.lost += missing
        report(f"{samples}: {missing} of {sum(totals.values())} programs are missing")
    if results:
        results.parent.mkdir(parents=True, exist_ok=True)
        left_out = official.write_results(results, [(programs[place], verdicts[place]) for place in sorted(verdicts)])
        if left_out:
            report(f"{results}: {left_out} programs without a verdict are left out")
    return tallies


def _repeats(programs: list[official.Program]) -> list[int]:
    """For each program how many of its task come before it."""
    seen: Counter[str] = Counter()
    numbers = []
    for program in programs:
        numbers.append(seen[program.task_id])
        seen[program.task_id] += 1
    return numbers

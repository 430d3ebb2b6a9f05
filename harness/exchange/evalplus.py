"""EvalPlus's sample files, as `evalplus.evaluate` reads them: `DIR/humaneval.jsonl` and `DIR/mbpp.jsonl`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness.benchmarks.evalplus import check, data, official
from harness.benchmarks.evalplus.expected import PARTS, Part
from harness.benchmarks.evalplus.sanitize import sanitize
from harness.errors import UsageProblem
from harness.exchange import Exported, ExportRequest
from harness.protocols import Report
from harness.results.lines import SampleLine
from harness.results.tally import Tallies
from harness.running.rejudging import episodes
from harness.types import Verdict


def write(request: ExportRequest) -> Exported:
    """Write the programs of a run, those of all repeats in one file, taken out of the replies; faults are left out.

    Args:
        request: The run and where it goes.

    Returns:
        The files, and the commands that evaluate them.

    Raises:
        UsageProblem: The run is of another benchmark.
    """
    found: dict[str, list[official.Program]] = defaultdict(list)
    notes: list[str] = []
    faults = 0
    for episode, _ in episodes(request.run, "evalplus", request.repeat, notes.append):
        if episode.fault is not None:
            faults += 1
            continue
        problem = data.problem(episode.sample_id)
        program = sanitize(episode.steps[-1].reply.text, problem.entry_point)
        found[problem.benchmark].append(official.Program(problem.task_id, program))
    if faults:
        notes.append(f"{faults} items that ended in an error are left out.")
    request.output.mkdir(parents=True, exist_ok=True)
    files = []
    for benchmark, programs in found.items():
        files.append(request.output / f"{benchmark}.jsonl")
        official.write_samples(files[-1], programs)
        notes.append(f"evalplus.evaluate --dataset {benchmark} --samples {files[-1]}")
    return Exported(tuple(files), sum(map(len, found.values())), tuple(notes))


Judged = tuple[int, dict[str, Verdict]]
Show = Callable[[Iterable[Judged], int], Iterable[Judged]]


def score(
    samples: Path,
    report: Report,
    results: Path | None = None,
    show: Show | None = None,
    *,
    parts: Sequence[Part] = PARTS,
) -> Tallies:
    """Judge a sample file or folder.

    Args:
        samples: What `evalplus.evaluate --samples` takes.
        report: Told about lines that cannot be used.
        results: File for verdicts in EvalPlus's format; None for none.
        show: Passes on the verdicts and says how far it is; given their number too.
        parts: Sets of tests.

    Returns:
        Counts of `humaneval` and `mbpp`, with plus tests also of `humaneval_plus` and `mbpp_plus`; problems without a
        program are missing.

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
    judged = check.judge_all(programs, parts)
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

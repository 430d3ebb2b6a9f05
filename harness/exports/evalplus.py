"""Sample files that `evalplus.evaluate` reads: `DIR/humaneval.jsonl` and `DIR/mbpp.jsonl`."""

from __future__ import annotations

from collections import defaultdict

from harness.benchmarks.evalplus import data, official
from harness.benchmarks.evalplus.sanitize import sanitize
from harness.exports import Exported, Request
from harness.running.rejudging import episodes


def write(request: Request) -> Exported:
    """Write the programs of a run, taken out of the replies; what faulted is left out.

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
        notes.append(f"{faults} faulted items are left out.")
    request.output.mkdir(parents=True, exist_ok=True)
    files = []
    for benchmark, programs in found.items():
        files.append(request.output / f"{benchmark}.jsonl")
        official.write_samples(files[-1], programs)
        notes.append(f"evalplus.evaluate --dataset {benchmark} --samples {files[-1]}")
    return Exported(tuple(files), sum(map(len, found.values())), tuple(notes))

"""The commands as functions: `from harness import run, score, compare, gate`.

    from harness import run, compare, gate

    base, = run(model="base-7b", tasks="simple_python", limit=100)
    tuned, = run(model="tuned-7b", tasks="simple_python", limit=100)
    print(compare(base, tuned)[0].rows[0].difference)
    assert gate(tuned, {"max_drop": {"simple_python": 0.05}}, baseline=base).passed

Names, defaults and errors are those of the command line (`harness run --help`); nothing is printed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageProblem
from harness.results import store
from harness.types import RunRecord, Score

if TYPE_CHECKING:
    from harness.analysis.comparison import Comparison
    from harness.analysis.gating import Gate


@dataclass(frozen=True, slots=True)
class Run:
    """A stored run."""

    folder: Path
    record: RunRecord

    @property
    def scores(self) -> Mapping[str, Score]:
        """Score of each category."""
        return self.record.scores


Runs = Run | Path | str
"""A run, its folder, the start of its id, a folder above runs of several benchmarks, or a frozen baseline file."""


def run(model: str, tasks: str, **flags: Any) -> list[Run]:
    """Measure a model; the same call continues a run that was stopped.

    Args:
        model: Folder, hub id, a server's name of it, or `tiny`.
        tasks: Names as for `--tasks`.
        **flags: Any other flag of `harness run`, with underscores; a list repeats it, a map stands for `K=V` pairs,
            True gives it, False gives its opposite.

    Returns:
        One run for each benchmark that the tasks belong to.

    Raises:
        UsageProblem: A flag cannot be honoured here.
    """
    from harness.commands.run import command, open_sandbox
    from harness.running.budget import Budget
    from harness.running.options import specs
    from harness.running.plan import Engine
    from harness.running.runner import run as measure

    for name in ("base", "dry_run"):
        if flags.get(name):
            raise UsageProblem(f"run() has no {name}", "Run each model by itself, and compare the runs.")
    arguments = _arguments({"model": model, "tasks": tasks, **flags})
    with command.make_context("run", arguments) as context:
        wanted, _ = specs(context.params)
        open_sandbox(wanted, context.params)
    engine, budget = Engine(wanted[0].engine, wanted[0].settings), Budget(wanted[0].cost_limit)
    try:
        records = [(spec.output, measure(spec, engine, budget=budget)) for spec in wanted]
    finally:
        engine.close()
    return [Run(store.path_of(output, record), record) for output, record in records]


def _arguments(flags: Mapping[str, Any]) -> list[str]:
    from harness.commands.run import command

    off = {flag for param in command.params for flag in param.secondary_opts}
    arguments: list[str] = []
    for name, value in flags.items():
        flag, negative = f"--{name.replace('_', '-')}", f"--no-{name.replace('_', '-')}"
        if isinstance(value, Mapping):
            value = [f"{key}={json.dumps(part)}" for key, part in value.items()]
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is True:
                arguments.append(flag)
            elif one is False:
                arguments += [negative] if negative in off else []
            elif one is not None:
                arguments += [flag, str(one)]
    return arguments


def score(run: Runs, rules: str = "upstream") -> dict[str, Score]:
    """Judge a run again from its stored generations; nothing on disk changes.

    Args:
        run: The run.
        rules: `upstream` or `strict`.

    Returns:
        Category -> score.
    """
    from harness.running.rejudging import rejudged

    folder = run.folder if isinstance(run, Run) else store.find_run(str(run))
    return dict(rejudged(folder, rules, lambda _: None)[0].scores)


def compare(baseline: Runs, *runs: Runs, rules: str | None = None, **options: Any) -> list[Comparison]:
    """Compare runs with a baseline, item by item.

    Args:
        baseline: A.
        *runs: One or more Bs.
        rules: Judge both sides again by these rules first.
        **options: Fields of `harness.analysis.comparison.Options`: alpha, resamples, seed, cluster, force.

    Returns:
        A comparison for each B.
    """
    from harness.analysis.comparison import Options
    from harness.analysis.comparison import compare as pair
    from harness.analysis.sides import read

    sides = [read(_path(side), rules) for side in (baseline, *runs)]
    return pair(sides[0], sides[1:], Options(**options))


def gate(
    run: Runs,
    policy: Mapping[str, Any] | Path | str,
    baseline: Runs | None = None,
    base: Runs | None = None,
    force: bool = False,
) -> Gate:
    """Hold a run against a release policy.

    Args:
        run: The candidate.
        policy: A YAML file, or what it would hold.
        baseline: What `max_drop` rules are measured against.
        base: The model before fine-tuning, for `forgetting` rules; the baseline where it is None.
        force: Go on in spite of different data, checker or rules.

    Returns:
        The gate: `verdict`, `passed` and the `findings`.
    """
    from harness.analysis.gating import gate as hold
    from harness.analysis.policy import load, parse
    from harness.analysis.sides import read

    demands = parse(policy, "policy") if isinstance(policy, Mapping) else load(Path(policy), {}, {})
    against, before = (None if side is None else read(_path(side)) for side in (baseline, base))
    return hold(read(_path(run)), demands, against, before, force)


def _path(run: Runs) -> Path:
    return run.folder if isinstance(run, Run) else Path(run)

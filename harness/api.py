"""The commands as functions: `from harness import run, score, compare, gate`.

    from harness import run, compare, gate

    base, = run(model="base-7b", tasks="simple_python", limit=100)
    tuned, = run(model="tuned-7b", tasks="simple_python", limit=100)
    print(compare(base, tuned)[0].rows[0].difference)
    assert gate(tuned, {"max_drop": {"simple_python": 0.05}}, baseline=base).passed

Names, defaults and errors are those of the command line (`harness run --help`); nothing is printed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from harness.errors import unknown_name
from harness.flags.doors import takes
from harness.results import store
from harness.running.settings import Rules, RunSettings
from harness.types import RunRecord, Score

if TYPE_CHECKING:
    from harness.analysis.comparison import Comparison
    from harness.analysis.gating import Gate
    from harness.analysis.leaderboard import Board
    from harness.analysis.outcomes import Outcomes

LACKS = {"base": "Run each model by itself, and compare the runs."} | dict.fromkeys(
    ("dry_run", "check", "as_json", "json", "progress", "quiet", "fail_on_error", "log_samples", "config"),
    "It is for the command line only: nothing is printed here, and `record` tells what is left.",
)
"""What only the command has."""


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


@takes(RunSettings, LACKS)
def run(asked: RunSettings) -> list[Run]:
    """Measure a model; the same call continues a run that was stopped.

    Args:
        asked: Given as keywords: the fields of `harness.running.settings.RunSettings`, which are the flags of
            `harness run` with underscores. A flag that is repeated takes a list, one of `K=V` pairs a mapping.

    Returns:
        One run for each benchmark that the tasks belong to.

    Raises:
        UsageProblem: A keyword is unknown, or cannot be honoured here.
    """
    from harness.commands.run import open_sandbox
    from harness.running.budget import Budget
    from harness.running.options import specs
    from harness.running.plan import SharedEngine
    from harness.running.runner import run as measure

    wanted, _ = specs(asked)
    open_sandbox(wanted, asked)
    engine, budget = SharedEngine(wanted[0].engine, wanted[0].settings), Budget(wanted[0].cost_limit)
    try:
        records = [(spec.output, measure(spec, engine, budget=budget)) for spec in wanted]
    finally:
        engine.close()
    return [Run(store.path_of(output, record), record) for output, record in records]


def score(run: Runs, rules: Rules = "upstream") -> dict[str, Score]:
    """Judge a run again from its stored generations; nothing on disk changes.

    Args:
        run: The run.
        rules: `upstream` or `strict`.

    Returns:
        Category -> score.
    """
    from harness.running.rejudging import rejudged

    folder = run.folder if isinstance(run, Run) else store.find_run(str(run))
    return dict(rejudged(folder, _known(rules), lambda _: None)[0].scores)


def compare(
    baseline: Runs,
    *runs: Runs,
    rules: Rules | None = None,
    alpha: float = 0.05,
    resamples: int = 10_000,
    seed: int = 0,
    cluster: str | None = None,
    force: bool = False,
) -> list[Comparison]:
    """Compare runs with a baseline, item by item.

    Args:
        baseline: A.
        *runs: One or more Bs.
        rules: Judge both sides again by these rules first.
        alpha: What p or q must be below to count as beyond noise.
        resamples: Random draws of each interval.
        seed: Of these draws.
        cluster: Regular expression over the id, whose match names a cluster; the repeats of one item by default.
        force: Compare in spite of different data, checker or rules.

    Returns:
        A comparison for each B.
    """
    from harness.analysis.comparison import Options
    from harness.analysis.comparison import compare as pair
    from harness.analysis.sides import read

    sides = [read(_path(side), rules and _known(rules)) for side in (baseline, *runs)]
    return pair(sides[0], sides[1:], Options(alpha, resamples, seed, cluster, force))


def gate(
    run: Runs,
    policy: Mapping[str, Any] | Path | str,
    baseline: Runs | None = None,
    base: Runs | None = None,
    force: bool = False,
    rules: Rules | None = None,
    anchor: Runs | None = None,
) -> Gate:
    """Hold a run against a release policy.

    Args:
        run: The candidate.
        policy: A YAML file, the name of a shipped policy, or what the file would hold.
        baseline: What `max_drop` rules are measured against.
        base: The model before fine-tuning, for `forgetting` rules; the baseline where it is None.
        force: Go on in spite of different data, checker or rules.
        rules: Judge the recorded replies again by these rules first.
        anchor: A second baseline for `max_drop`; the policy's where it is None.

    Returns:
        The gate: `verdict`, `passed` and the `findings`.
    """
    from harness.analysis.gating import gate as hold
    from harness.analysis.policy import load, parse
    from harness.analysis.sides import read

    def side_of(side: Runs) -> Outcomes:
        return read(_path(side), rules and _known(rules))

    demands = parse(policy, "policy") if isinstance(policy, Mapping) else load(Path(policy), {}, {})
    if anchor is not None:
        demands = replace(demands, anchor=_path(anchor))
    against, before, second = (None if side is None else side_of(side) for side in (baseline, base, demands.anchor))
    return hold(side_of(run), demands, against, before, force, second)


def leaderboard(
    *runs: Runs,
    views: Sequence[str | Path] = (),
    base: str | None = None,
    sort: str | None = None,
    upstream_missing: bool = False,
) -> list[Board]:
    """Runs beside published numbers.

    Args:
        *runs: Runs, or folders above them.
        views: Views (`v4`, `funreason`, ...) or `.toml` files; by default those that hold something of the runs.
        base: Model that forgetting differences are measured against.
        sort: Column to sort by, best first; each view's first one by default.
        upstream_missing: Count missing categories as 0, like the official evaluator.

    Returns:
        A board for each view.

    Raises:
        UsageProblem: There is no run, or a name is unknown.
    """
    from harness.analysis.entries import entries, load
    from harness.analysis.leaderboard import build
    from harness.stats.views import AUTOMATIC, load_view

    folders = [path if (path := _path(run)).exists() else store.find_run(str(path)) for run in runs]
    found = entries(load(folders, logging.getLogger(__name__).warning))
    chosen = [load_view(name) for name in views or AUTOMATIC]
    columns = {column for view in chosen for column in view.columns}
    if sort is not None and sort not in columns:
        raise unknown_name("column", sort, columns)
    built = [
        build(view, found, base=base, upstream_missing=upstream_missing, sort=sort if sort in view.columns else None)
        for view in chosen
    ]
    return built if views else [board for board in built if any(block.measured for block in board.blocks)]


def _known(rules: str) -> str:
    if rules not in get_args(Rules):
        raise unknown_name("rules", rules, get_args(Rules))
    return rules


def _path(run: Runs) -> Path:
    return run.folder if isinstance(run, Run) else Path(run)

"""`harness gate`: may this model be released?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import UsageProblem

if TYPE_CHECKING:
    from harness.analysis.gating import Gate


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--baseline", type=click.Path(path_type=Path), help="Run or frozen file that drops are measured against.")
@click.option(
    "--base",
    type=click.Path(exists=True, path_type=Path),
    help="Run of the model before fine-tuning, for forgetting. [default: --baseline]",
)
@click.option(
    "--policy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML or JSON with the rules."
)
@click.option(
    "--min", "minimum", multiple=True, metavar="NAME=X", help="As minimum in the policy: accuracy that must be shown."
)
@click.option(
    "--max-drop", multiple=True, metavar="NAME=X", help="As max_drop in the policy: a larger drop must be ruled out."
)
@click.option("--alpha", type=click.FloatRange(0, 0.5, True, True), help="1 - confidence, in place of the policy's.")
@click.option(
    "--allow-missing", is_flag=True, default=None, help="A category that was not run is inconclusive, not failed."
)
@click.option("--rules", help="Judge the recorded replies again by these rules first (upstream, strict).")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML.")
@click.option(
    "--summary",
    default="auto",
    metavar="auto|none|FILE",
    help="Append a Markdown summary. [default: auto, GitHub's if there is one]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--update-baseline", is_flag=True, help="Freeze the run as --baseline FILE if it passes.")
@click.option(
    "--fail-exit-code",
    type=click.IntRange(1, 125),
    default=1,
    show_default=True,
    help="Exit code of a gate that fails.",
)
@click.option("--force", is_flag=True, help="Go on in spite of different data, checker or rules; marked.")
def command(
    run: Path,
    baseline: Path | None,
    base: Path | None,
    policy: Path | None,
    minimum: tuple[str, ...],
    max_drop: tuple[str, ...],
    alpha: float | None,
    allow_missing: bool | None,
    rules: str | None,
    junit: Path | None,
    summary: str,
    as_json: bool,
    update_baseline: bool,
    fail_exit_code: int,
    force: bool,
) -> None:
    """Hold RUN against a release policy.

    Pass, fail or inconclusive, with a reason for each rule.

    Exit code 0: the release may go on. 1 (or --fail-exit-code): it may not. 2: the policy or the runs cannot be used.
    A NAME is a category, view/column (funreason/overall), or * for every category of the baseline. A policy:

    \b
      confidence: 0.95
      minimum: {simple_python: 0.70, funreason/overall: 0.75}
      max_drop: {"*": 0.05}
      forgetting: {humaneval: 0.03}
      limits: {coverage: 1.0, faults: 0.0, truncated: 0.01, latency_p95: 10}

    \b
      harness gate results/tuned-7b --policy gate.yaml --baseline results/base-7b
      harness gate results/tuned-7b --min simple_python=0.7 --junit gate.xml
      harness gate results/tuned-7b --policy gate.yaml \\
        --baseline baseline.json --update-baseline
    """
    from harness import files
    from harness.analysis.gating import gate
    from harness.analysis.policy import load
    from harness.analysis.sides import freeze, read
    from harness.reports import gates

    settings = {"confidence": None if alpha is None else 1 - alpha, "allow_missing": allow_missing}
    given = {name: value for name, value in settings.items() if value is not None}
    extra = {"minimum": minimum, "max_drop": max_drop}
    demands = load(policy, {name: texts for name, texts in extra.items() if texts}, given)  # type: ignore[misc]
    _check(baseline, update_baseline)
    candidate = read(run, rules)
    first = baseline is not None and not baseline.exists()
    against = candidate if first else read(baseline, rules) if baseline else None
    result = gate(candidate, demands, against, read(base, rules) if base else None, force)
    width = shutil.get_terminal_size().columns
    click.echo(gates.dumped(result) if as_json else gates.terminal(result, width), nl=not as_json)
    if junit:
        junit.write_text(gates.junit(result), encoding="utf-8")
    _tell_github(result, summary, as_json)
    if update_baseline and baseline is not None:
        passes = result.verdict == "pass" or (first and result.verdict != "fail")
        if passes:
            files.write_atomic(baseline, freeze(candidate))
        click.echo(f"{baseline}: {'written' if passes else 'kept, the gate did not pass'}", err=True)
    if not result.passed:
        raise click.exceptions.Exit(fail_exit_code)


def _check(baseline: Path | None, update: bool) -> None:
    if update and (baseline is None or baseline.is_dir()):
        raise UsageProblem("--update-baseline needs --baseline FILE", "Name the file to freeze the run in.")
    if baseline is not None and not baseline.exists() and not update:
        raise UsageProblem(f"{baseline}: no such run or file", "Give --update-baseline to freeze this run there.")


def _tell_github(result: Gate, summary: str, as_json: bool) -> None:
    """Job summary and annotations; with --json, annotations stay out of the output."""
    from harness.reports import gates

    path = os.environ.get("GITHUB_STEP_SUMMARY") if summary == "auto" else None if summary == "none" else summary
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(gates.summary(result))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in gates.workflow_commands(result):
            click.echo(line, err=as_json)

"""`harness gate`: may this model be released?"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import HarnessError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.analysis.gating import Gate
    from harness.analysis.outcomes import Outcomes
    from harness.analysis.policy import Policy

PATH = click.Path(path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


class GateCommand(click.Command):
    """Tells a mistake on its own command line where it tells its verdicts, so that no earlier one stays there."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and on an error write it as the verdict."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            from harness.reports.gate_files import tell_misuse

            tell_misuse(given, error.format_message())
            raise


@click.command(cls=GateCommand)
@click.argument("run", type=PATH, required=False)
@click.option("--baseline", type=PATH, help="Run or frozen file that drops are measured against.")
@click.option("--base", type=PATH, help="Run of the model before fine-tuning, for forgetting. [default: --baseline]")
@click.option("--anchor", type=PATH, help="Second baseline for every max_drop, in place of the policy's.")
@click.option("--policy", type=PATH, help="YAML or JSON with the rules, or strict, usual or smoke.")
@click.option(
    "--min", "minimum", multiple=True, metavar="NAME=X", help="As minimum in the policy: accuracy that must be shown."
)
@click.option(
    "--max-drop", multiple=True, metavar="NAME=X", help="As max_drop in the policy: a larger drop must be ruled out."
)
@click.option("--alpha", type=click.FloatRange(0, 0.5, True, True), help="1 - confidence, in place of the policy's.")
@click.option("--override", is_flag=True, help="Flags may loosen what the policy file demands.")
@click.option(
    "--allow-missing", is_flag=True, default=None, help="A category that was not run is inconclusive, not failed."
)
@click.option(
    "--allow-incomplete", is_flag=True, default=None, help="An incomplete run may pass; what is missing does not count."
)
@click.option("--rules", help="Judge the recorded replies again by these rules first (upstream, strict).")
@click.option("--junit", type=FILE, help="Write JUnit XML.")
@click.option("--report", type=FILE, help="Write JSON.")
@click.option(
    "--summary",
    default="auto",
    metavar="auto|none|FILE",
    help="Append a Markdown summary. [default: auto, GitHub's if there is one]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--update-baseline", is_flag=True, help="Freeze the run as --baseline FILE if it passes.")
@click.option("--first", is_flag=True, help="There is no --baseline yet: accept drops against it unseen.")
@click.option(
    "--fail-exit-code",
    type=click.IntRange(1, 125),
    default=1,
    show_default=True,
    help="Exit code of a gate that fails.",
)
@click.option("--force", is_flag=True, help="Go on in spite of different data, checker or rules; marked.")
@click.option(
    "--plan", is_flag=True, help="Say what the rules can show at their numbers of items; RUN may be left away."
)
@click.option(
    "--disagreement",
    type=click.FloatRange(0, 1, True, True),
    metavar="X",
    help="For --plan: share of items that two versions have differently. [default: of RUN and --baseline, or 0.1]",
)
@click.option(
    "--equal-pass",
    type=click.FloatRange(0, 1, True, True),
    default=0.9,
    show_default=True,
    metavar="X",
    help="For --plan: how often models that are equal are to pass.",
)
def command(
    run: Path | None,
    baseline: Path | None,
    base: Path | None,
    anchor: Path | None,
    policy: Path | None,
    minimum: tuple[str, ...],
    max_drop: tuple[str, ...],
    alpha: float | None,
    override: bool,
    allow_missing: bool | None,
    allow_incomplete: bool | None,
    rules: str | None,
    junit: Path | None,
    report: Path | None,
    summary: str,
    as_json: bool,
    update_baseline: bool,
    first: bool,
    fail_exit_code: int,
    force: bool,
    plan: bool,
    disagreement: float | None,
    equal_pass: float,
) -> None:
    """Check RUN against a release policy.

    Pass, fail or inconclusive, with a reason for each rule. What was planned and not judged counts against the run.

    Exit code 0: the release may go on. 1 (or --fail-exit-code): it may not. 2 or 4: the policy or the runs cannot be
    used; reports then say error. A NAME is a category, view/column (funreason/overall), or * for every category that
    was planned or that the baseline has. A policy:

    \b
      confidence: 0.95
      minimum: {simple_python: 0.70, funreason/overall: 0.75}
      max_drop: {funreason/overall: 0.03}
      forgetting: {humaneval: 0.05}
      limits: {coverage: 1.0, faults: 0.0, truncated: 0.01, latency_p95: 10}

    \b
      harness gate results/tuned-7b --policy usual --baseline results/base-7b
      harness gate results/tuned-7b --min simple_python=0.7 --junit gate.xml
      harness gate results/tuned-7b --policy gate.yaml \\
        --baseline baseline.json --update-baseline
      harness gate --plan --policy usual
    """
    from harness.reports import gates
    from harness.reports.gate_files import Outputs

    outputs = Outputs(junit, report, summary, as_json)
    settings = {
        "confidence": None if alpha is None else 1 - alpha,
        "allow_missing": allow_missing,
        "allow_incomplete": allow_incomplete,
        "anchor": str(anchor) if anchor else None,
    }
    try:
        outputs.prepare([run, baseline, base, anchor, policy])
        given = {name: value for name, value in settings.items() if value is not None}
        demands = _demands(policy, {"minimum": minimum, "max_drop": max_drop}, given, override)
        width = shutil.get_terminal_size().columns
        if plan:
            click.echo(_plan(demands, (run, baseline), (disagreement, equal_pass), None if as_json else width))
            return
        if run is None:
            raise UsageProblem("RUN is missing", "Give the folder of a run; only --plan goes without.")
        sides = _Sides(run, baseline, base, anchor, rules, update_baseline, first)
        candidate, against, result = sides.hold(demands, force)
        click.echo(gates.dumped(result) if as_json else gates.terminal(result, width), nl=not as_json)
        outputs.tell(result)
        if update_baseline:
            sides.update(candidate, against, result)
    except (HarnessError, OSError) as error:
        outputs.fail(str(error), type(error).__name__)
        raise
    if not result.passed:
        raise click.exceptions.Exit(fail_exit_code)


def _demands(
    policy: Path | None, extra: Mapping[str, tuple[str, ...]], given: Mapping[str, object], override: bool
) -> Policy:
    from harness.analysis.policy import load

    texts = {name: values for name, values in extra.items() if values}
    return load(policy, texts, given, override)  # type: ignore[arg-type]


def _plan(
    demands: Policy, sides: tuple[Path | None, Path | None], rates: tuple[float | None, float], width: int | None
) -> str:
    """What the rules can show at the sizes of the run or baseline that is there, else of the official data."""
    from harness.analysis import margins
    from harness.analysis.sides import read
    from harness.reports import plans

    there = [read(path) for path in sides if path is not None]
    sizes = margins.sizes_of(there[0]) if there else margins.official_sizes()
    disagreement, probability = rates
    differ = margins.disagreement_of(*there) if len(there) == 2 and disagreement is None else {}
    if disagreement is not None:
        differ = dict.fromkeys(sizes, disagreement)
    found = margins.outlook(demands, sizes, differ, probability)
    return plans.dumped(found) if width is None else plans.terminal(found, width)


@dataclass(frozen=True, slots=True)
class _Sides:
    """What is held against what, as the user named it."""

    run: Path
    baseline: Path | None
    base: Path | None
    anchor: Path | None
    rules: str | None
    update_baseline: bool
    first: bool

    def hold(self, demands: Policy, force: bool) -> tuple[Outcomes, Outcomes | None, Gate]:
        """Read the sides and apply the policy: the candidate, its baseline, and what became of it."""
        from harness.analysis.gating import gate
        from harness.analysis.sides import read

        self._check()
        if self.baseline and demands.anchor and self.baseline.resolve() == (self.anchor or demands.anchor).resolve():
            raise UsageProblem(
                f"the anchor is the baseline {self.baseline}", "An anchor is a file that is not updated."
            )
        candidate = read(self.run, self.rules)
        there = self.baseline is not None and self.baseline.exists()
        against = read(self.baseline, self.rules) if self.baseline and there else None
        base = read(self.base, self.rules) if self.base else None
        anchor = read(self.anchor or demands.anchor, self.rules) if demands.anchor else None
        first = None if self.baseline is None or there else self.first
        return candidate, against, gate(candidate, demands, against, base, force, anchor, first)

    def _check(self) -> None:
        from harness.results import store

        baseline = self.baseline
        if self.update_baseline and (
            baseline is None or baseline.is_dir() or baseline.name in (store.RUN, store.SAMPLES)
        ):
            raise UsageProblem("--update-baseline needs --baseline FILE", "Name the file to freeze the run in.")
        if self.first and (baseline is None or baseline.exists()):
            what = "needs --baseline FILE" if baseline is None else f"is given, and {baseline} is there"
            raise UsageProblem(f"--first {what}", "It is for a baseline that is to be made; else leave it away.")
        if baseline is not None and not baseline.exists() and not (self.update_baseline or self.first):
            remedy = "Give --update-baseline and --first to freeze this run there."
            raise UsageProblem(f"{baseline}: no such run or file", remedy)

    def update(self, candidate: Outcomes, against: Outcomes | None, result: Gate) -> None:
        """Freeze the candidate in the baseline's place, unless something speaks against it."""
        from harness import files
        from harness.analysis.baselines import kept
        from harness.analysis.sides import freeze

        assert self.baseline is not None
        why = kept(candidate, against, result)
        if not why:
            self.baseline.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomic(self.baseline, freeze(candidate))
        click.echo(f"{self.baseline}: {f'kept, {why}' if why else 'written'}", err=True)

"""`harness score`: judge again what is already generated."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import _sandbox_flags
from harness.errors import RunIncomplete, UsageProblem
from harness.flags.doors import options
from harness.running.settings import SANDBOX, RunSettings

if TYPE_CHECKING:
    from harness.protocols import Report
    from harness.results.tally import Tallies

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
SAMPLES = click.Path(exists=True, path_type=Path)
GOES_WITH = {
    "--from-bfcl": ("--mode", "--dialect", "--tasks", "--underscore-names", "--rules", "-o"),
    "--from-evalplus": ("-o", "--base-only"),
    "--from-acebench": ("--rules",),
    "--from-apibank": (),
    "RUN": ("--rules", "--write"),
}
"""What is judged -> the flags that say how, besides --partial, --json and the sandbox's."""
KEPT = 1000
"""Problems that JSON output holds; all are printed."""


@click.command()
@click.argument("run", required=False)
@click.option("--from-bfcl", type=FOLDER, help="Judge a folder of official result files instead of a run.")
@click.option("--from-evalplus", type=SAMPLES, help="Judge programs of an EvalPlus sample file or folder.")
@click.option("--base-only", is_flag=True, help="With --from-evalplus: the original tests alone.")
@click.option("--from-acebench", type=FOLDER, help="Judge a folder of ACEBench's official result files.")
@click.option("--from-apibank", type=SAMPLES, help="Judge a prediction file of API-Bank's official evaluators.")
@click.option(
    "--mode",
    "--handler",
    type=click.Choice(["auto", "prompt", "fc"]),
    help="How the model of --from-bfcl was asked. [default: told by its replies]",
)
@click.option("--dialect", metavar="NAME", help="Format of calls in text of --from-bfcl; see `harness list dialects`.")
@click.option("-t", "--tasks", "--test-category", multiple=True, help="Only these categories of --from-bfcl.")
@click.option("--underscore-names", is_flag=True, help="Tools were sent with dots in names replaced by underscores.")
@click.option(
    "--rules",
    type=click.Choice(["upstream", "strict", "both"]),
    help="Rules to judge by. [default: the run's, or upstream]",
)
@click.option(
    "--partial", "--partial-eval", is_flag=True, help="Items without a verdict are not a failure (exit 0, not 3)."
)
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Write the other tool's score files here."
)
@click.option("--write", is_flag=True, help="Replace the verdicts stored in the run.")
@options(RunSettings, *SANDBOX)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    run: str | None,
    from_bfcl: Path | None,
    from_evalplus: Path | None,
    base_only: bool,
    from_acebench: Path | None,
    from_apibank: Path | None,
    mode: str | None,
    dialect: str | None,
    tasks: tuple[str, ...],
    underscore_names: bool,
    rules: str | None,
    partial: bool,
    output: Path | None,
    write: bool,
    as_json: bool,
    sandbox: str,
    sandbox_workers: int | None,
    sandbox_memory: float,
) -> None:
    """Judge a run again, or official result files.

    RUN is a folder, or the start of a run's id; its stored generations are judged. Exit code 3: items are missing or
    could not be judged.

    \b
      harness score results/qwen/bfcl/20261121T0312Z-1a2b3c --rules both
      harness score --from-bfcl result/gpt-4o-2024-11-20-FC --mode fc \\
        --underscore-names -o score
      harness score --from-bfcl result/Qwen_Qwen3-8B-FC --dialect hermes
      harness score --from-evalplus samples.jsonl
      harness score --from-acebench result_all/result_en/gpt-4o --rules both
      harness score --from-apibank level-1-predictions.jsonl
    """
    from harness.reports import scores
    from harness.text import one_line

    sources = {
        "--from-bfcl": from_bfcl,
        "--from-evalplus": from_evalplus,
        "--from-acebench": from_acebench,
        "--from-apibank": from_apibank,
        "RUN": run,
    }
    flags: dict[str, object] = {"--mode": mode, "--dialect": dialect, "--tasks": tasks or None}
    flags |= {"--underscore-names": underscore_names, "--rules": rules, "-o": output, "--write": write}
    flags["--base-only"] = base_only
    kind = _what_is_judged(sources, {name for name, value in flags.items() if value not in (None, False, "upstream")})
    if kind in ("RUN", "--from-evalplus"):
        _sandbox_flags.configure(sandbox, sandbox_workers, sandbox_memory)
    problems: list[str] = []

    def report(problem: str) -> None:
        click.echo(one_line(problem, 500), err=True)
        if len(problems) < KEPT:
            problems.append(problem)

    if from_bfcl:
        said = (None if mode == "auto" else mode, dialect, underscore_names)
        tallies = _score_folder(from_bfcl, said, (tasks, rules or "upstream"), output, report)
    elif from_evalplus:
        tallies = _score_programs(from_evalplus, output, report, base_only=base_only)
    elif from_acebench:
        tallies = _score_results(from_acebench, rules or "upstream", report)
    elif from_apibank:
        tallies = _score_predictions(from_apibank, report)
    else:
        assert run is not None
        tallies = _score_run(run, rules, write, report)
    click.echo(json.dumps(scores.as_json(tallies, problems), indent=1) if as_json else scores.text(tallies))
    if tallies.lost and not partial:
        remedy = "They count neither as right nor as wrong; --partial accepts that."
        raise RunIncomplete(f"{tallies.lost} items have no verdict", remedy)


def _what_is_judged(sources: Mapping[str, object], flags: set[str]) -> str:
    """The one source given, after a look at whether the flags given say anything about it."""
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise UsageProblem("give one of RUN, --from-bfcl, --from-evalplus, --from-acebench and --from-apibank")
    fit = GOES_WITH[given[0]]
    if others := sorted(flags - set(fit)):
        remedy = f"{given[0]} goes with {', '.join((*fit, '--partial'))} and --json only."
        raise UsageProblem(f"{others[0]} does not go with {given[0]}", remedy)
    return given[0]


def _score_folder(
    folder: Path,
    said: tuple[str | None, str | None, bool],
    chosen: tuple[tuple[str, ...], str],
    output: Path | None,
    report: Report,
) -> Tallies:
    from harness.exchange.bfcl import convention_of, score
    from harness.results.tally import RULES
    from harness.running.pairs import split
    from harness.running.selection import resolve
    from harness.text import one_line

    tasks, rules = chosen
    categories = resolve(split(tasks)).get("bfcl", ()) if tasks else ()
    convention = convention_of(folder, *said, lambda note: click.echo(one_line(note, 500), err=True))
    return score(folder, convention, RULES[rules], report, output, categories)


def _score_programs(samples: Path, output: Path | None, report: Report, *, base_only: bool) -> Tallies:
    from harness import sandbox
    from harness.benchmarks.evalplus.expected import PARTS
    from harness.exchange.evalplus import score

    sandbox.warm(lambda chosen: click.echo(f"sandbox: {chosen}", err=True))  # while the samples are read
    results = output / f"{samples.stem}_eval_results.json" if output else None
    parts = PARTS[:1] if base_only else PARTS
    return score(samples, report, results, _with_bar if sys.stderr.isatty() else None, parts=parts)


def _score_results(folder: Path, rules: str, report: Report) -> Tallies:
    from harness.exchange.acebench import score
    from harness.results.tally import RULES

    return score(folder, RULES[rules], report)


def _score_predictions(file: Path, report: Report) -> Tallies:
    from harness.exchange.apibank import score

    return score(file, report)


def _with_bar(judged: Iterable[Any], count: int) -> Iterator[Any]:
    with click.progressbar(judged, count, label="programs", file=sys.stderr, show_pos=True) as shown:
        yield from shown


def _score_run(name: str, rules: str | None, write: bool, report: Report) -> Tallies:
    from harness.results import store
    from harness.results.tally import RULES
    from harness.running.rejudging import rewrite, tally

    folder = store.find_run(name)
    recorded = store.read_run(folder).rules
    if write and rules not in (None, recorded):
        remedy = "Without --write the verdicts are printed only; for a run under other rules replay it."
        raise UsageProblem(f"the run was judged by {recorded!r}, --write keeps its rules", remedy)
    if write:
        return rewrite(folder, report)
    return tally(folder, RULES[rules] if rules else (recorded,), report)

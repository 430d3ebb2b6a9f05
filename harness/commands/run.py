"""`harness run`: measure a model."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import click

from harness.commands import _sandbox_flags
from harness.errors import RunIncomplete
from harness.flags.doors import config_option, options, read_file
from harness.flags.fields import FILE, Flag, settings
from harness.running.settings import RunSettings

if TYPE_CHECKING:
    from harness.running.budget import Budget
    from harness.running.plan import RunPlan, RunSpec
    from harness.types import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags(RunSettings):
    """The settings of a run, and what the command adds to them."""

    base: Annotated[str | None, Flag(section="What is measured", metavar="MODEL")] = None
    """Run this model too and compare: what did training win and lose?"""
    log_samples: Annotated[bool, Flag(section="What is kept, and what counts as done", hidden=True)] = False
    """Always on."""
    fail_on_error: str = "0"
    """Exit 3 above this many errors, or fraction."""
    dry_run: Annotated[bool, Flag(section="How it is told")] = False
    """Say what would be done; load nothing."""
    check: Annotated[int | None, Flag(metavar="N", least=1)] = None
    """Ask N items of each category, show prompt, reply and reading, say what does not fit; keep nothing."""
    as_json: Annotated[bool, Flag(own="--json")] = False
    """Print records as JSON."""
    progress: Literal["auto", "plain", "none"] = "auto"
    """A bar in a terminal, lines elsewhere, or nothing."""
    quiet: Annotated[bool, Flag("-q")] = False
    """As --progress none."""


class _Command(click.Command):
    """A command whose help lists options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {each.section: [] for each in settings(Flags).values()}
        *_, last = sections
        for param in self.get_params(ctx):
            found = settings(Flags).get(param.name or "")
            if record := param.get_help_record(ctx):
                sections[found.section if found else last].append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def _elsewhere(ctx: click.Context, param: click.Parameter, value: object) -> None:
    from harness.errors import UsageProblem

    if value not in (None, False, ()):
        raise UsageProblem(f"{param.opts[0]} is a flag of another command line", OFFICIAL[param.opts[0]])


OFFICIAL = {
    "--local-model-path": "Give the folder as --model.",
    "--skip-server-setup": "Name the running server with --base-url.",
    "--include-input-log": "Prompts are not stored; `harness show RUN ID` and `harness view` make them again.",
    "--lora-modules": "Give the adapter's folder as --adapter; of a running server, its name as --model.",
    "--enable-lora": "Give the adapter's folder as --adapter.",
    "--max-lora-rank": "Give it to vLLM by --model-args max_lora_rank=N.",
}
"""Flags of the official BFCL command, and what says the same here."""


def _official_flags(command: Any) -> Any:
    for name in OFFICIAL:
        flag = name in ("--skip-server-setup", "--include-input-log", "--enable-lora")
        shape: dict[str, Any] = {"is_flag": True} if flag else {"multiple": name == "--lora-modules"}
        command = click.option(name, hidden=True, expose_value=False, callback=_elsewhere, **shape)(command)
    return command


@click.command(cls=_Command)
@_official_flags
@options(Flags)
@config_option(
    partial(read_file, Flags),
    type=FILE,
    help="YAML or JSON of flags. Flags count before HARNESS_RUN_* variables, those before the file.",
)
def command(**values: Any) -> None:
    """Measure a model on benchmark tasks. The same command continues a run that was stopped.

    \b
      harness run --model tiny --tasks simple_python --limit 20
      harness run --model Qwen/Qwen2.5-Coder-7B-Instruct --tasks single_turn
      harness run --model NAME --base-url http://host:8000/v1 --tasks live
      harness run --model tuned --base original --tasks forgetting
    """
    from harness.reports import runs
    from harness.running.budget import Budget
    from harness.running.flag_checks import fault_limit, misspelt_variables
    from harness.running.options import as_base, specs

    # A preempted job is asked to stop by SIGTERM: end it as Ctrl-C does. A job in the background ignores SIGINT itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    flags = Flags(**values)
    fault_limit(flags.fail_on_error, 0)
    wanted, notes = specs(flags)
    for note in (*notes, *misspelt_variables(param.name for param in command.params)):
        click.echo(note, err=True)
    sides = [as_base(wanted, flags.base, flags.prices), wanted] if flags.base else [wanted]
    _warn_of_conventions(sides)
    output = Path(flags.output)
    if flags.dry_run:
        plans = [plan for side in sides for plan in _plans(side)]
        click.echo(json.dumps(runs.plans_json(plans)) if flags.as_json else runs.plans_text(plans))
        return
    if description := open_sandbox(wanted, flags):
        click.echo(f"sandbox: {description}", err=True)
    if flags.check is not None:
        click.echo(_tried(sides, flags))
        return
    budget = Budget(flags.cost_limit)
    with redirect_stdout(sys.stderr):  # ray and vLLM print there, and would end up between our JSON
        found = [_measure(side, flags, budget) for side in sides]
    records = [record for side in found for record in side]
    click.echo(json.dumps(runs.records_json(records, output)) if flags.as_json else runs.records_text(records, output))
    left, n = (sum(getattr(record.benchmark, name) for record in records) for name in ("left", "n"))
    budget.hold(left, n)
    if flags.base and not (flags.as_json or flags.predict_only):
        click.echo(runs.comparison_text(found[0], found[1], output))
    if left > fault_limit(flags.fail_on_error, n):
        raise RunIncomplete(f"{left} of {n} items ended in an error or are left", _remedy(records, output))


def _remedy(records: Sequence[RunRecord], output: Path) -> str:
    """What to do about items without a verdict: the command that shows the first fault, where there is one."""
    from harness.results import store

    folders = [store.path_of(output, record) for record in records if record.benchmark.left]
    faults = ((folder, line) for folder in folders for line in store.read_samples(folder) if line.fault is not None)
    for folder, line in faults:
        repeat = ["--repeat", str(line.repeat)] if line.repeat else []
        shown = shlex.join(["harness", "show", str(folder), line.id, *repeat])
        return f"`{shown}` tells why; the same command tries them again."
    return "The same command tries them again."


def open_sandbox(specs: Sequence[RunSpec], asked: RunSettings) -> str | None:
    """Find out whether programs can be judged before a model is loaded to write them.

    Args:
        specs: The runs.
        asked: Where programs run, and whether they are judged at all.

    Returns:
        What holds programs here; None where no run has any.

    Raises:
        SandboxUnavailable: Nothing can hold them.
        UsageProblem: No sandbox has this name.
    """
    from harness import plugins, sandbox

    _sandbox_flags.configure(asked.sandbox, asked.sandbox_workers, asked.sandbox_memory)
    benchmarks = [plugins.load("benchmarks", spec.benchmark) for spec in specs]
    if asked.predict_only or not any(benchmark.runs_programs for benchmark in benchmarks):
        return None
    return sandbox.shared().description


def _plans(specs: Sequence[RunSpec]) -> list[RunPlan]:
    from harness.running.plan import SharedEngine, plan

    engine = SharedEngine(specs[0].engine, specs[0].settings)
    return [plan(spec, engine) for spec in specs]


def _warn_of_conventions(sides: Sequence[Sequence[RunSpec]]) -> None:
    """Say it before anything is paid for where the base is asked in another way than the model."""
    from harness.running.asking import difference
    from harness.running.plan import SharedEngine, asked_by

    firsts = [side[0] for side in sides]
    if len(firsts) > 1:
        found = [asked_by(spec, SharedEngine(spec.engine, spec.settings))[1] for spec in firsts]
        if told := difference(found):
            click.echo(f"warning: {told}", err=True)


def _tried(sides: Sequence[Sequence[RunSpec]], flags: Flags) -> str:
    """A few items of each run, played and shown."""
    from harness.reports import trials
    from harness.running.plan import SharedEngine
    from harness.running.trial import trial

    assert flags.check is not None
    found = []
    for specs in sides:
        engine = SharedEngine(specs[0].engine, specs[0].settings)
        try:
            with redirect_stdout(sys.stderr):
                found += [trial(spec, engine, flags.check) for spec in specs]
        finally:
            engine.close()
    return json.dumps(trials.as_json(found), default=str) if flags.as_json else trials.text(found)


def _measure(specs: Sequence[RunSpec], flags: Flags, budget: Budget) -> list[RunRecord]:
    """Run one model on all its benchmarks, loading it once."""
    from harness.reports.runs import episode_seconds, size_text
    from harness.running.plan import SharedEngine, plan
    from harness.running.progress import progress
    from harness.running.runner import execute

    engine = SharedEngine(specs[0].engine, specs[0].settings)
    telling = progress("none" if flags.quiet else flags.progress)
    try:
        plans = [plan(spec, engine) for spec in specs]
        for model, file in dict.fromkeys((plan.record.model.name, plan.record.model.gguf) for plan in plans):
            if file:
                click.echo(f"model: {model} (weights dequantised from {file})", err=True)
        for run in plans:
            if told := size_text(run, len(run.left()), episode_seconds(run)):
                click.echo(told, err=True)
        for handler, why in dict.fromkeys((plan.handler.name, plan.why) for plan in plans):
            if why != "as asked":
                click.echo(f"handler: {handler} ({why})", err=True)
        return [execute(plan, engine, telling, budget) for plan in plans]
    finally:
        engine.close()

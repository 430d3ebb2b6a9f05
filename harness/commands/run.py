"""`harness run`: measure a model."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands import _sandbox_flags
from harness.errors import RunIncomplete, UsageProblem

if TYPE_CHECKING:
    from harness.budget import Budget
    from harness.plan import Plan, RunSpec
    from harness.types import RunRecord

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _defaults_from(ctx: click.Context, _: click.Parameter, file: Path | None) -> None:
    from harness.options import read_config

    if file is None:
        return
    known = {param.name: param for param in ctx.command.params if param.name}
    values = read_config(file, known)
    for name, value in values.items():
        if known[name].multiple and isinstance(value, Mapping):
            values[name] = [f"{key}={json.dumps(part)}" for key, part in value.items()]
        elif known[name].multiple and not isinstance(value, list):
            values[name] = [str(value)]
        elif not known[name].multiple and isinstance(value, Mapping | list):
            raise UsageProblem(f"--config {file}: {name} cannot be {value!r}", "Give one value.")
    ctx.default_map = {**(ctx.default_map or {}), **values}


OPTIONS: Mapping[str, Sequence[Callable[..., Any]]] = {
    "What is measured": (
        click.option("-m", "--model", help="Folder, hub id, a server's name of it, or `tiny`."),
        click.option("-t", "--tasks", "--test-category", "--datasets", multiple=True, help="See `harness list tasks`."),
        click.option("--limit", "--max-samples", help="Of each category: 20, 0.1 or 11-20."),
        click.option("--sample-id", "sample_ids", multiple=True, help="Only these samples."),
        click.option("--ids", "--run-ids", type=FILE, help="File of sample ids: lines or JSON."),
        click.option(
            "--rules",
            type=click.Choice(["upstream", "strict"]),
            default="upstream",
            show_default=True,
            help="Judge as the official evaluator does, or with its quirks mended.",
        ),
        click.option("--base", metavar="MODEL", help="Run this model too and compare: what did training win and lose?"),
    ),
    "How the model is asked": (
        click.option("--handler", "--mode", default="auto", show_default=True, help="See `harness list handlers`."),
        click.option(
            "--dialect", metavar="NAME", help="Format of calls in text; auto by default, see `harness list dialects`."
        ),
        click.option("--think-prefix", help="Text that replies are forced to start with; \\n is a line break."),
        click.option("--answer-delimiter", help="The answer is what follows its last occurrence."),
        click.option("--chat-template", type=FILE, help="Jinja file instead of the tokenizer's template."),
        click.option("--chat-template-kwargs", multiple=True, metavar="K=V", help="Passed to the template."),
        click.option(
            "--thinking", type=click.Choice(["auto", "on", "off"]), default="auto", help="Of Qwen3's template."
        ),
    ),
    "Sampling": (
        click.option("--temperature", type=float, help="0, the default, is greedy."),
        click.option("--top-p", type=float, help="Nucleus sampling. [default: 1]"),
        click.option("--max-tokens", type=int, help="Of one reply. [default: 4096]"),
        click.option("--seed", type=int, help="Repeat k uses seed + k."),
        click.option("--stop", multiple=True, help="Text that ends a reply."),
        click.option("--gen-kwargs", multiple=True, metavar="K=V", help="The same as pairs."),
        click.option(
            "--preset",
            type=click.Choice(["greedy", "upstream"]),
            default="greedy",
            show_default=True,
            help="upstream: temperature 0.001, as the official evaluator asks.",
        ),
        click.option(
            "--repeats",
            "--epochs",
            "--n-samples",
            type=click.IntRange(1),
            default=1,
            show_default=True,
            help="Replies to each sample.",
        ),
    ),
    "How the model is served": (
        click.option("--engine", "--backend", default="auto", show_default=True, help="See `harness list engines`."),
        click.option("-M", "--model-args", multiple=True, metavar="K=V,...", help="Options of the engine."),
        click.option("--adapter", help="LoRA adapter."),
        click.option("--revision", help="Of a hub id."),
        click.option("--tokenizer", help="Instead of the model's own."),
        click.option("--dtype", default="auto", show_default=True, help="Of the weights: bfloat16, float16, float32."),
        click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, ..."),
        click.option("--batch-size", help="auto or a number."),
        click.option(
            "--concurrency", "--num-threads", "--max-connections", type=click.IntRange(1), help="Requests in flight."
        ),
        click.option(
            "--tp", "--num-gpus", "--tensor-parallel-size", type=click.IntRange(1), help="GPUs of one replica."
        ),
        click.option("--dp", type=click.IntRange(1), help="Copies of a model that is loaded here."),
        click.option(
            "--runner",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="Where the copies live: this machine or a ray cluster.",
        ),
        click.option("--ray-address", help="Of the cluster. [default: RAY_ADDRESS, or one on this machine]"),
        click.option("--gpu-memory-utilization", type=float, help="Share that vLLM may take."),
        click.option("--base-url", "base_urls", multiple=True, help="OpenAI-compatible server; repeat for several."),
        click.option("--api-key-env", default="OPENAI_API_KEY", show_default=True, help="Variable that holds the key."),
        click.option("--request-timeout", type=float, default=600.0, show_default=True, help="Seconds."),
        click.option("--trust-remote-code", is_flag=True, help="Run code that the model's folder brings."),
        click.option("--offline", is_flag=True, help="Use no network; also by HF_HUB_OFFLINE=1."),
    ),
    "Where programs run that the model wrote": _sandbox_flags.OPTIONS,
    "What is kept, and what counts as done": (
        click.option(
            "-o",
            "--output",
            "--output-path",
            "--result-dir",
            "--log-dir",
            "--work-dir",
            type=FOLDER,
            default="results",
            show_default=True,
            help="Results folder.",
        ),
        click.option(
            "--resume/--no-resume", default=True, help="Continue a run of the same configuration. [default: on]"
        ),
        click.option(
            "--retry-errors/--no-retry-errors", default=True, help="On resume, play faults again. [default: on]"
        ),
        click.option("--overwrite", "--allow-overwrite", is_flag=True, help="Play everything again."),
        click.option("--predict-only", "--no-score", is_flag=True, help="Store replies without judging them."),
        click.option("--log-samples", is_flag=True, hidden=True, help="Always on."),
        click.option("--sample-timeout", type=float, help="Seconds for one sample, all its turns together."),
        click.option("--fail-on-error", default="0", help="Exit 3 above this many faults, or fraction. [default: 0]"),
        click.option("--prices", metavar="IN,OUT", help="USD for a million prompt and completion tokens."),
        click.option("--cost-limit", type=float, metavar="USD", help="Start no further sample once this is spent."),
    ),
    "How it is told": (
        click.option("--dry-run", is_flag=True, help="Say what would be done; load nothing."),
        click.option("--json", "as_json", is_flag=True, help="Print records as JSON."),
        click.option(
            "--progress",
            type=click.Choice(["auto", "plain", "none"]),
            default="auto",
            show_default=True,
            help="A bar in a terminal, lines elsewhere, or nothing.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="As --progress none."),
        click.option(
            "--config",
            type=FILE,
            is_eager=True,
            expose_value=False,
            callback=_defaults_from,
            help="YAML or JSON of flags. Flags count before HARNESS_RUN_* variables, those before the file.",
        ),
    ),
}
"""Decorators by section of the help."""


class _Command(click.Command):
    """A command whose help lists options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        params = iter(self.get_params(ctx))
        for title, options in OPTIONS.items():
            last = title == list(OPTIONS)[-1]
            shown = [param.get_help_record(ctx) for param in (params if last else islice(params, len(options)))]
            with formatter.section(title):
                formatter.write_dl([record for record in shown if record])


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed([option for options in OPTIONS.values() for option in options]):
        command = option(command)
    return command


@click.command(cls=_Command)
@_with_options
def command(**flags: Any) -> None:
    """Measure a model on benchmark tasks. The same command continues a run that was stopped.

    \b
      harness run --model tiny --tasks simple_python --limit 20
      harness run --model Qwen/Qwen2.5-Coder-7B-Instruct --tasks single_turn
      harness run --model NAME --base-url http://host:8000/v1 --tasks live
      harness run --model tuned --base original --tasks forgetting
    """
    from harness import options, summary
    from harness.budget import Budget
    from harness.flag_checks import fault_limit, misspelt_variables

    # A preempted job is asked to stop by SIGTERM: end it as Ctrl-C does. A job in the background ignores SIGINT itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    specs, notes = options.specs(flags)
    for note in (*notes, *misspelt_variables(param.name for param in command.params)):
        click.echo(note, err=True)
    sides = [options.as_base(specs, flags["base"]), specs] if flags["base"] else [specs]
    as_json, output = flags["as_json"], flags["output"]
    if flags["dry_run"]:
        plans = [plan for side in sides for plan in _plans(side)]
        click.echo(json.dumps(summary.plans_json(plans)) if as_json else summary.plans_text(plans))
        return
    if description := open_sandbox(specs, flags):
        click.echo(f"sandbox: {description}", err=True)
    budget = Budget(flags["cost_limit"])
    with redirect_stdout(sys.stderr):  # ray and vLLM print there, and would end up between our JSON
        found = [_measure(side, flags, budget) for side in sides]
    records = [record for side in found for record in side]
    click.echo(json.dumps(summary.records_json(records, output)) if as_json else summary.records_text(records, output))
    left, n = (sum(record.benchmark[name] for record in records) for name in ("left", "n"))
    budget.hold(left, n)
    if flags["base"] and not (as_json or flags["predict_only"]):
        click.echo(summary.comparison_text(found[0], found[1], output))
    if left > fault_limit(flags["fail_on_error"], n):
        remedy = "`harness show RUN ID` tells why; the same command tries them again."
        raise RunIncomplete(f"{left} of {n} items faulted or are left", remedy)


def open_sandbox(specs: Sequence[RunSpec], flags: Mapping[str, Any]) -> str | None:
    """Find out whether programs can be judged before a model is loaded to write them.

    Args:
        specs: The runs.
        flags: Values of `harness run`'s flags by name.

    Returns:
        What holds programs here; None where no run has any.

    Raises:
        SandboxUnavailable: Nothing can hold them.
        UsageProblem: No sandbox has this name.
    """
    from harness import plugins, sandbox

    _sandbox_flags.configure(flags)
    benchmarks = [plugins.load("benchmarks", spec.benchmark) for spec in specs]
    if flags["predict_only"] or not any(getattr(benchmark, "runs_programs", False) for benchmark in benchmarks):
        return None
    return sandbox.shared().description


def _plans(specs: Sequence[RunSpec]) -> list[Plan]:
    from harness.plan import Engine, plan

    engine = Engine(specs[0].engine, specs[0].settings)
    return [plan(spec, engine) for spec in specs]


def _measure(specs: Sequence[RunSpec], flags: Mapping[str, Any], budget: Budget) -> list[RunRecord]:
    """Run one model on all its benchmarks, loading it once."""
    from harness.plan import Engine, plan
    from harness.progress import progress
    from harness.runner import execute

    engine = Engine(specs[0].engine, specs[0].settings)
    telling = progress("none" if flags["quiet"] else flags["progress"])
    try:
        plans = [plan(spec, engine) for spec in specs]
        for handler, why in dict.fromkeys((plan.handler.name, plan.why) for plan in plans):
            if why != "as asked":
                click.echo(f"handler: {handler} ({why})", err=True)
        return [execute(plan, engine, telling, budget) for plan in plans]
    finally:
        engine.close()

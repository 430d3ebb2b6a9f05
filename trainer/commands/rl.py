"""`trainer rl`: train a model by reinforcement."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from harness.errors import UsageProblem
from harness.flags import doors
from trainer.config import read_recipe
from trainer.rl.config import RLConfig

EXPORT = "export"


@click.command("rl")
@click.argument("action", required=False, type=click.Choice([EXPORT]), metavar="[export]")
@doors.config_option(
    partial(read_recipe, record=RLConfig),
    metavar="FILE",
    help="Recipe: YAML of these settings, or a shipped one by name. Flags count before TRAINER_RL_* variables, those "
    "before the recipe.",
)
@doors.options(RLConfig, negatable=True)
@click.option(
    "--probe",
    type=click.IntRange(1),
    is_flag=False,
    flag_value=100,
    metavar="[N]",
    help="Train nothing: ask N questions (100) and print which are too easy or too hard to teach anything.",
)
@click.option("--probe-keep", type=click.Path(dir_okay=False, path_type=Path), help="Write what teaches to this file.")
@click.option("--probe-range", default="0.1-0.9", show_default=True, help="Pass rates of what --probe-keep writes.")
@click.option("--json", "as_json", is_flag=True, help="Print the probe as JSON.")
@click.option("--to", type=click.Choice(["verl"]), help="Of export: the engine that will train.")
def command(
    action: str | None,
    to: str | None,
    probe: int | None,
    probe_keep: Path | None,
    probe_range: str,
    as_json: bool,
    **flags: Any,
) -> None:
    """Train a model by reinforcement: GRPO or EGPO.

    EGPO adds a bonus for the entropy of thinking. Replies are rewarded by the checker that evaluates. Start from a
    model that keeps the format. Killed at any moment, the same command continues from its last checkpoint.

    \b
      trainer rl --model tuned --data kept.jsonl -o policy --probe
      trainer rl --model tuned --data kept.jsonl --method egpo -o policy
      trainer rl --config egpo-qwen2.5-coder-7b --model tuned --data d.jsonl -o p
      trainer rl export --to verl --model tuned --data kept.jsonl -o cluster
    """
    config = RLConfig(**flags).check()
    if (action == EXPORT) != (to is not None):
        raise UsageProblem("export and --to belong together", "For example: trainer rl export --to verl ...")
    if action == EXPORT:
        from trainer.rl.export import export

        click.echo(f"exported: {export(config)}")
        return
    if probe is not None:
        _probe(config, probe, probe_keep, probe_range, as_json)
        return
    if probe_keep or as_json:
        raise UsageProblem("--probe-keep and --json are for --probe", "Add --probe.")
    from trainer.rl.run import learn

    click.echo(f"trained: {learn(config)}")


def _probe(config: RLConfig, count: int, kept: Path | None, between: str, as_json: bool) -> None:
    import json

    low, high = _range(between)
    from trainer.rl import probe

    items, rows = probe.probe(config, count, lambda line: click.echo(line, err=True))
    found = probe.summary(rows, config.num_generations)
    click.echo(json.dumps(found, indent=1) if as_json else probe.text(found))
    if kept:
        number = probe.keep(items, rows, low, high, kept)
        click.echo(f"{number} questions with pass rates from {low:g} to {high:g}: {kept}", err=as_json)


def _range(text: str) -> tuple[float, float]:
    """Two numbers with a dash between them.

    Raises:
        UsageProblem: It is something else.
    """
    low, _, high = text.partition("-")
    try:
        found = float(low), float(high)
    except ValueError:
        found = (1.0, 0.0)
    if not 0 <= found[0] <= found[1] <= 1:
        raise UsageProblem(f"--probe-range {text} is not two pass rates", "For example: --probe-range 0.2-0.6")
    return found

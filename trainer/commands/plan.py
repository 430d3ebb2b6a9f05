"""`trainer plan`: steps, tokens and memory of a run, before any weight is loaded."""

from __future__ import annotations

from typing import Any

import click

from trainer.commands import options
from trainer.config import TrainConfig


@click.command("plan")
@options
@click.option("--devices", default=1, show_default=True, type=click.IntRange(1), help="Ranks that will train.")
@click.option("--tflops", type=click.FloatRange(0, min_open=True), help="TFLOP/s that a device sustains: gives hours.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(devices: int, tflops: float | None, as_json: bool, **flags: Any) -> None:
    """Say how long a run is and what it needs.

    Reads the data and the model's config and tokenizer, not its weights.
    """
    import json

    config = TrainConfig(**{**flags, "output_dir": flags["output_dir"] or "-"}).check()
    from trainer.estimate import estimate

    plan = estimate(config, devices)
    if tflops:
        plan["hours"] = float(f"{plan['compute, PFLOP'] / (devices * tflops / 1e3) / 3600:.3g}")
    if as_json:
        click.echo(json.dumps(plan, indent=2))
        return
    for name, value in plan.items():
        if isinstance(value, dict):
            click.echo(f"{name}:")
            for key, part in value.items():
                click.echo(f"  {key}: {part:,}" if isinstance(part, (int, float)) else f"  {key}: {part}")
        else:
            click.echo(f"{name}: {value:,}" if isinstance(value, (int, float)) else f"{name}: {value}")

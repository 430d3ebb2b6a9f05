"""`refine synth walk`: walks without a model, to be looked at before anything is paid for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from refine.commands._synth_environment import environment_flags, found_graph, opened, values_of
from refine.commands._synth_plan import plan_flags, plan_settings


@click.command("walk")
@environment_flags
@click.option(
    "--conversations", "-n", "count", default=10, show_default=True, type=click.IntRange(1), help="Plans to walk."
)
@click.option("--graph", "file", type=click.Path(path_type=Path, dir_okay=False), help="graph.json, maybe edited.")
@plan_flags
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="JSONL file of walks.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def walk(
    name: str,
    options: tuple[str, ...],
    benchmarks: bool,
    values: Path | None,
    seed: int,
    count: int,
    file: Path | None,
    output: Path | None,
    as_json: bool,
    **plan: Any,
) -> None:
    """Walk plans in ENV and print what was called; asks no model.

    The same seed gives the same walks.

    \b
    Example:
      refine synth walk examples/environments/library_desk.py:Desk -n 5
    """
    from refine.synth.plan import Planner, weights_from
    from refine.synth.tally import Tally
    from refine.synth.walk import Unwalkable, Walker

    environment = opened(name, options, benchmarks)
    tally = Tally([tool["name"] for tool in environment.tools()])
    try:
        given = values_of(values)
        graph = found_graph(environment, file, given, seed)
        settings = plan_settings({"seed": seed, **plan})
        if run := plan["targets_from"]:
            settings = replace(settings, weights=weights_from(run, [tool["name"] for tool in environment.tools()]))
        planner = Planner(environment, graph, settings)
        walker = Walker(environment, graph, given)

        def walks() -> Iterator[dict[str, Any]]:
            from refine.synth.types import to_json

            for number in range(count):
                try:
                    trace = walker.walk(planner.plan(number))
                except Unwalkable as error:
                    tally.failed(number, error)
                    continue
                tally.walked(trace)
                if not as_json:
                    click.echo(tally.shown(trace))
                yield to_json(trace)

        if output:
            from refine.ledger import write_lines

            write_lines(walks(), output)
        else:
            for _ in walks():
                pass
    finally:
        environment.close()
    click.echo(json.dumps(tally.to_json()) if as_json else tally.told())

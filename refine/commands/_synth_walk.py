"""`refine synth walk`: walks without a model, to be looked at before anything is paid for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from refine.commands._synth_environment import environment_flags, found_graph, opened, values_of


@click.command("walk")
@environment_flags
@click.option(
    "--conversations", "-n", "count", default=10, show_default=True, type=click.IntRange(1), help="Plans to walk."
)
@click.option("--graph", "file", type=click.Path(path_type=Path, dir_okay=False), help="graph.json, maybe edited.")
@click.option("--turns", default="1-3", show_default=True, metavar="N|A-B", help="Turns of a conversation.")
@click.option("--calls", default="2-5", show_default=True, metavar="N|A-B", help="Calls of a turn.")
@click.option("--kinds", multiple=True, metavar="KIND=SHARE", help="Kinds of turns: plain=1,missing_parameter=0.5,...")
@click.option("--tools", default=0, type=click.IntRange(0), help="Tools shown; all where not given.")
@click.option(
    "--targets-from", type=click.Path(path_type=Path, file_okay=False), help="Weigh tools by a run's failures."
)
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
    from refine.synth.plan import Planner
    from refine.synth.tally import Tally
    from refine.synth.walk import Unwalkable, Walker

    environment = opened(name, options, benchmarks)
    tally = Tally([tool["name"] for tool in environment.tools()])
    try:
        given = values_of(values)
        graph = found_graph(environment, file, given, seed)
        planner = Planner(environment, graph, _settings(seed, plan, environment))
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


def _settings(seed: int, plan: dict[str, Any], environment: Any) -> Any:
    from harness.running.pairs import pairs
    from refine.synth.plan import PlanSettings, shares_of, weights_from

    settings: dict[str, Any] = {"seed": seed, "tools": plan["tools"]}
    settings["turns"], settings["calls"] = _range("--turns", plan["turns"]), _range("--calls", plan["calls"])
    if plan["kinds"]:
        settings["shares"] = shares_of({kind: float(share) for kind, share in pairs("--kinds", plan["kinds"]).items()})
    if plan["targets_from"]:
        settings["weights"] = weights_from(plan["targets_from"], [tool["name"] for tool in environment.tools()])
    return PlanSettings(**settings)


def _range(flag: str, text: str) -> tuple[int, int]:
    from harness.errors import UsageProblem

    first, dash, last = text.partition("-")
    if not first.isdigit() or not (last.isdigit() or not dash) or not 1 <= int(first) <= int(last or first):
        raise UsageProblem(f"{flag} {text!r} is not a number or a range", f"For example {flag} 2-4.")
    return int(first), int(last or first)

"""`refine synth graph`: what depends on what among an environment's tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from refine.commands._synth_environment import environment_flags, found_graph, opened, values_of


@click.command("graph")
@environment_flags
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Folder for JSON and HTML.")
@click.option("--worlds", default=6, show_default=True, type=click.IntRange(1), help="That every tool is tried in.")
@click.option("--overwrite", is_flag=True, help="Find the graph anew, whatever the folder holds.")
@click.option("--json", "as_json", is_flag=True, help="Print the graph as JSON.")
def graph(
    name: str,
    options: tuple[str, ...],
    benchmarks: bool,
    values: Path | None,
    seed: int,
    output: Path | None,
    worlds: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Find what the tools of ENV need from one another.

    By the names in documents and by calling them.

    Writes graph.json, which may be edited, and graph.html into the output folder. A graph.json that is there already
    is read and drawn again.

    \b
    Example:
      refine synth graph examples/environments/library_desk.py:Desk -o desk
    """
    from refine.synth import graph as graphs
    from refine.synth.drawing import write_page

    environment = opened(name, options, benchmarks)
    try:
        file = output / "graph.json" if output else None
        old = file if file and file.exists() and not overwrite else None
        found = found_graph(environment, old, values_of(values), seed, worlds)
        if file and output:
            if not old:
                graphs.write(found, file)
            write_page(found, output / "graph.html")
    finally:
        environment.close()
    click.echo(json.dumps(found.to_json()) if as_json else _told(found, output))


def _told(found: Any, output: Path | None) -> str:
    from harness.text import one_line

    lines = [f"{found.environment}: {len(found.tools)} tools, {len(found.reached)} carried out"]
    if missing := [name for name in found.tools if name not in found.reached]:
        lines.append(f"never carried out: {', '.join(missing)}")
    lines.append(f"{len(found.state_edges)} state edges")
    lines += [f"  {edge.source} -> {edge.target}: {one_line(edge.error, 90)}" for edge in found.state_edges]
    executed = [edge for edge in found.value_edges if edge.executed]
    lines.append(f"{len(found.value_edges)} value edges, {len(executed)} of them executed")
    lines += [f"  {e.source} [{'.'.join(e.place)}] -> {e.target}({e.parameter})" for e in executed]
    lines.append(f"{len(found.state_values)} parameters' places in the state")
    if output:
        lines.append(f"{output / 'graph.json'}, {output / 'graph.html'}")
    return "\n".join(one_line(line) if not line.startswith(" ") else f"  {one_line(line)}" for line in lines)

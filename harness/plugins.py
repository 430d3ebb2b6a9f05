"""The folder is the registry: a module in `harness/<kind>/` that exports `PLUGIN` is a plug-in.

Third parties add theirs by entry point in the group `harness.benchmarks`, `harness.handlers`, `harness.engines` or
`harness.dialects` (whose folder is `harness/handlers/dialects/`).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Literal

from harness.errors import UsageProblem, unknown_name
from harness.protocols import Benchmark, Dialect, Engine, Handler, Session
from harness.types import EngineSettings

Kind = Literal["benchmarks", "handlers", "engines", "dialects"]
CONTRACTS: Mapping[Kind, type[Any]] = {
    "benchmarks": Benchmark,
    "handlers": Handler,
    "engines": Engine,
    "dialects": Dialect,
}


def names(kind: Kind) -> list[str]:
    """All plug-in names of a kind, sorted. Imports none of them."""
    inside = {name for name in modules(_package(kind)) if f"harness.{kind}.{name}" != _package("dialects")}
    return sorted({*inside, *points(f"harness.{kind}")})


@cache
def points(group: str) -> Mapping[str, EntryPoint]:
    """Entry points of a group by name: what third parties add. Reading every package's metadata takes some 30 ms."""
    return {point.name: point for point in entry_points(group=group)}


def _package(kind: Kind) -> str:
    return "harness.handlers.dialects" if kind == "dialects" else f"harness.{kind}"


def modules(package: str) -> list[str]:
    """Names of the public modules of a package, sorted. Imports none of them."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(module.name for module in found if not module.name.startswith("_"))


@cache
def load(kind: Kind, name: str) -> Any:
    """Import one plug-in.

    Args:
        kind: The folder.
        name: The module's name; `-`, `.` and `_` are alike. A dialect also goes by the names of its families.

    Returns:
        Its `PLUGIN`, with every member that its protocol has.

    Raises:
        UsageProblem: The name is unknown (near matches are offered), or the plug-in lacks a member without a default.
    """
    asked, name, known = name, _plain(name), names(kind)
    if kind == "dialects" and name not in known:
        name = _families().get(name, name)
    if name not in known:
        raise unknown_name(kind.removesuffix("s"), asked, known)
    theirs = points(f"harness.{kind}").get(name)
    plugin = theirs.load() if theirs else importlib.import_module(f"{_package(kind)}.{name}").PLUGIN
    return complete(plugin, CONTRACTS[kind], f"{kind.removesuffix('s')} {name}")


def members(contract: type[Any]) -> list[str]:
    """Names of what a protocol asks for, sorted."""
    return sorted(name for name in {*contract.__annotations__, *vars(contract)} if not name.startswith("_"))


def complete(plugin: Any, contract: type[Any], title: str) -> Any:
    """Give an object the members of its protocol that it lacks and that have a default there.

    Args:
        plugin: The object.
        contract: One of `harness.protocols`.
        title: What it is called in the message.

    Returns:
        The object.

    Raises:
        UsageProblem: It lacks a member without a default.
    """
    for name in members(contract):
        if hasattr(plugin, name):
            continue
        if name not in contract.__annotations__ or not hasattr(contract, name):
            raise UsageProblem(f"{title} has no `{name}`", f"See {contract.__name__} in harness/protocols.py.")
        # On the class, which takes it even where the object is frozen.
        setattr(plugin if isinstance(plugin, ModuleType) else type(plugin), name, getattr(contract, name))
    return plugin


def open_engine(name: str, settings: EngineSettings) -> Session:
    """Open an engine.

    Args:
        name: The engine's module.
        settings: How the model is served.

    Returns:
        The session, with every member that its protocol has.

    Raises:
        UsageProblem: The settings cannot be honoured.
    """
    session: Session = complete(load("engines", name).open(settings), Session, f"a session of engine {name}")
    return session


@cache
def _families() -> dict[str, str]:
    """The dialect of each family of models."""
    return {_plain(family): name for name in names("dialects") for family in load("dialects", name).families}


def _plain(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


GIVEN = ("name", "rules")
"""Fields of handlers that are not options of the user's."""


def handler(name: str, options: Mapping[str, Any], rules: str = "upstream") -> Any:
    """A handler with some of its fields replaced, as a run records it.

    Args:
        name: The handler's module.
        options: Values by field, for example `think_prefix`.
        rules: By which rules replies are read, for handlers that have several.

    Returns:
        The handler.

    Raises:
        UsageProblem: It has no such field.
    """
    plugin = load("handlers", name)
    everything = {item.name for item in fields(plugin)} if is_dataclass(plugin) else set()
    known = everything.difference(GIVEN)
    for option in options:
        if option not in known:
            flag = option.replace("_", "-")
            remedy = f"It has: {', '.join(sorted(known)) or 'no options'}."
            raise UsageProblem(f"handler {name} has no --{flag}", remedy)
    given = {"rules": rules} if "rules" in everything else {}
    return replace(plugin, **options, **given) if options or given else plugin

"""Environments: tools that can be carried out again and again from a state that is known. The folder is the registry.

An adapter is a module here that exports `PLUGIN`, an `Adapter`; third parties add theirs by entry point in the group
`refine.environments`. `open_environment("python:desk.py:Desk")` names the adapter before the first colon.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from harness import plugins
from harness.errors import UsageProblem, unknown_name
from harness.types import FunctionCall, Tool

GROUP = "refine.environments"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave."""

    text: str
    """The result as the model will see it."""
    error: bool = False
    """The environment refused the call or failed in it; `text` says so in its own words."""


class World(Protocol):
    """One instance of an environment. What is done in it changes no other world."""

    def execute(self, call: FunctionCall) -> Outcome:
        """Carry out a call. Whatever the call does wrong is an outcome, never an exception.

        Raises:
            HarnessError: The environment itself is gone (a server that died); nothing is known of the call.
        """

    def state(self) -> Any:
        """A snapshot as JSON values, equal for equal states; None where the environment shows none."""

    def close(self) -> None:
        """Free what it holds. Safe to call twice."""


class Environment(Protocol):
    """Tools, and worlds in which they can be carried out."""

    name: str
    """What was asked for, for example `python:desk.py:Desk`."""
    digest: str
    """sha256 in hex of everything that decides what worlds do: documents, code, the reset hook's name."""
    benchmark: str = ""
    """The benchmark whose own environment this is; data from it is marked with the name."""
    shows_state: bool = True
    """Whether `state` sees every effect of a call; else only results tell what a call did."""
    values: Mapping[str, Sequence[Any]] = MappingProxyType({})
    """Values to try where documents name none, by `tool.parameter` or by `parameter`."""

    def tools(self) -> tuple[Tool, ...]:
        """Documents with `name`, `description`, `parameters` and, where known, `response` (both JSON Schema)."""

    def fresh(self, seed: int) -> World:
        """A new world in a generated state; the same seed gives the same state.

        Raises:
            HarnessError: None can be made.
        """

    def close(self) -> None:
        """End every world, server and process of it. Safe to call twice."""


class Adapter(Protocol):
    """Makes environments of one kind."""

    name: str

    def open(self, target: str, options: Mapping[str, Any]) -> Environment:
        """Open an environment.

        Args:
            target: What follows `NAME:` in the environment's name.
            options: From `--env-args`.

        Returns:
            The environment.

        Raises:
            UsageProblem: It cannot be reset, an option is unknown, or it is not there.
        """


def names() -> list[str]:
    """All adapters, sorted. Imports none of them."""
    return sorted({*plugins.modules(GROUP), *plugins.points(GROUP)})


def open_environment(name: str, options: Mapping[str, Any] | None = None, benchmarks: bool = True) -> Environment:
    """Open an environment by its name.

    Args:
        name: `ADAPTER:TARGET`; `desk.py:Desk` alone is a Python class.
        options: Of the adapter.
        benchmarks: Whether it may be a benchmark's own environment.

    Returns:
        The environment, with every member that its protocol has.

    Raises:
        UsageProblem: No adapter has that name (near names are offered), or it refuses.
    """
    kind, colon, target = name.partition(":")
    if kind.endswith(".py"):
        kind, target = "python", name
    if not (colon and target):
        remedy = f"Write ADAPTER:TARGET with one of {', '.join(names())}, for example python:desk.py:Desk."
        raise UsageProblem(f"{name!r} names no environment", remedy)
    if kind not in names():
        raise unknown_name("kind of environment", kind, names())
    theirs = plugins.points(GROUP).get(kind)
    adapter = theirs.load() if theirs else importlib.import_module(f"{GROUP}.{kind}").PLUGIN
    plugins.complete(adapter, Adapter, f"environment adapter {kind}")
    opened: Environment = adapter.open(target, options or {})
    complete: Environment = plugins.complete(opened, Environment, f"environment {name}")
    if complete.benchmark and not benchmarks:
        complete.close()
        raise UsageProblem(
            f"{name} is an environment of the benchmark {complete.benchmark} itself",
            "A model trained on data from it knows the test's tools. If that is meant, add --benchmark-environments: "
            "data and leaderboard rows then say so.",
        )
    return complete


def check_options(adapter: str, options: Mapping[str, Any], known: Mapping[str, str]) -> None:
    """Refuse options that an adapter does not have.

    Args:
        adapter: Its name.
        options: What was given.
        known: What each does, by name.

    Raises:
        UsageProblem: One is unknown.
    """
    for option in options:
        if option not in known:
            remedy = "; ".join(f"{name}: {text}" for name, text in known.items()) or "none"
            raise UsageProblem(f"environments of kind {adapter} have no option {option!r}", f"They have {remedy}.")

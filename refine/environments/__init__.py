"""Environments: tools that can be carried out again and again from a state that is known. The folder is the registry.

An adapter is a module here that exports `PLUGIN`, an `Adapter`; third parties add theirs by entry point in the group
`refine.environments`. `open_environment("python:desk.py:Desk")` names the adapter before the first colon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from harness.types import FunctionCall, Tool


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

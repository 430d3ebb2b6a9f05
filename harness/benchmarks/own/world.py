"""A user's environments with call strings for requests, as BFCL's own have them: the classes live in the sandbox.

    OwnWorld(environments, {"Desk": {}}, ["open_ticket"]).execute("open_ticket(title='Lamp')") -> '{"id": 1}'

What a model wrote is read here, by the reader of BFCL's call strings, into names and plain values; only documented
functions can be called.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from harness.benchmarks.bfcl.multi_turn.calls import plan
from harness.sandbox.pool import SandboxFault
from harness.sandbox.worlds import BrokenEnvironment, Call, Chain, Environment, World

ERROR = "Error during execution:"
"""How the result of a call begins that was not carried out."""
MAX_CALLS = 500
"""Calls of one item; each is carried out again for each later one."""


class OwnWorld:
    """One item's environments.

    Args:
        environments: Files and the classes that are involved.
        states: What each begins with, by class.
        functions: Names that can be called.
    """

    def __init__(
        self, environments: Sequence[Environment], states: Mapping[str, Any], functions: Collection[str]
    ) -> None:
        self.world = World(environments, states)
        self._functions = functions
        self._calls = 0

    def execute(self, call: str) -> str:
        """Carry out one call string.

        Args:
            call: What a model wrote, as `call_strings` gives it.

        Returns:
            Its result; errors are results too.

        Raises:
            RuntimeError: The environment cannot be used or the sandbox failed: the item has no verdict.
        """
        ((results, _),) = self.turns([[call]], look=False)
        return results[0]

    def turns(self, turns: Sequence[Sequence[str]], *, look: bool = True) -> list[tuple[list[str], Mapping[str, Any]]]:
        """Carry out the calls of several turns at once.

        Args:
            turns: Call strings by turn.
            look: Whether states are wanted, too.

        Returns:
            By turn the results, and the states after it as `World.carry_out` gives them.

        Raises:
            RuntimeError: As of `execute`.
        """
        read = [[self._read(call) for call in turn] for turn in turns]
        steps: list[Chain | None] = []
        for turn in read:
            steps += [made for made in turn if not isinstance(made, str)]
            steps += [None] if look else []
        try:
            answers = iter(self.world.carry_out(steps))
        except (BrokenEnvironment, SandboxFault) as error:
            raise RuntimeError(str(error)) from error
        return [
            ([made if isinstance(made, str) else next(answers) for made in turn], next(answers) if look else {})
            for turn in read
        ]

    def _read(self, call: str) -> Chain | str:
        self._calls += 1
        if self._calls > MAX_CALLS:
            return f"{ERROR} the item has used up its {MAX_CALLS} calls"
        return chain(call, self._functions)


def chain(call: str, functions: Collection[str]) -> Chain | str:
    """Read a call string.

    Args:
        call: Source of a call; its arguments may be calls.
        functions: Names that can be called.

    Returns:
        The calls in the order in which Python would make them, or the error text that is the call's result.
    """
    made: list[Call] = []

    def find(name: str) -> Callable[..., Any] | None:
        def note(*args: Any, **kwargs: Any) -> Any:
            made.append((name, args, kwargs))
            return ..., len(made) - 1

        return note if name in functions else None

    try:
        result = plan(call)(find)
        marshal.dumps(made, 2)
    except Exception as error:  # noqa: BLE001  # whatever goes wrong is what the model is told
        return f"{ERROR} {error}"
    return made if made and result == (..., len(made) - 1) else f"{ERROR} not a call of a function"

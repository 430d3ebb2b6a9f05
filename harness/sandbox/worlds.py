"""Objects of classes that a user wrote, living in the sandbox: calls go in as plain values, texts and states come out.

    world = World((Environment("desk.py", code, ("Desk",)),), {"Desk": {"tickets": []}})
    world.carry_out([[("open_ticket", (), {"title": "Printer"})], None])
    -> ['{"id": 1}', {"Desk": {"tickets": [{"id": 1, "title": "Printer"}]}}]

Between two requests nothing of a world exists but the calls so far: each request is a job of its own, which carries
them out again from the start. So no process waits for a model, a conversation goes on after a crash, and a world can be
copied by copying its calls. It asks of the classes that the same calls give the same results: in each job `random`
starts from the same seed and the clock stands still, and a class that gives others all the same is refused by name.

The classes are as hostile as a model's programs: nothing of them is imported or run in this process. Who calls this
decides by plain values; a class cannot reach the world that it is compared with, which lives in a job of its own.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError
from harness.sandbox import shared, values
from harness.sandbox.pool import Program, Result

CALL_SECONDS = 5.0
"""Effective seconds of one call, and of making all objects."""
JOB_SECONDS = 30.0
"""Effective seconds of all calls so far together."""
MOST_ENDED = 3
"""Calls that may end their job; those after them are not carried out."""
LONGEST_STATE = 4_000_000
"""Bytes of all states together; of longer ones only the digest is compared."""
_ERROR = "Error during execution:"
_REMEDY = "A class must run by itself and give the same results for the same calls: no clock, no network."

Call = tuple[str, Sequence[Any], Mapping[str, Any]]
"""Method, positional and keyword arguments: plain values. `(..., n)` stands for the result of the chain's call `n`."""
Chain = Sequence[Call]
"""Calls of which later ones use the results of earlier ones; the last one's result is what the chain gives."""


class Environment(NamedTuple):
    """A file with classes."""

    file: str
    """Its name, for messages."""
    code: str
    classes: tuple[str, ...]
    """Those that are wanted, in the order in which a method's name is looked up from the last."""


class BrokenEnvironment(DataError):
    """A class cannot be used: its file does not run, or it gives other results for the same calls."""


class World:
    """One object of each class.

    Args:
        environments: Files with classes.
        states: What each object begins with, by the name of its class: given to `_load_scenario` where the class has
            it, as BFCL's have, else to the class as keyword arguments.
    """

    def __init__(self, environments: Sequence[Environment], states: Mapping[str, Any]) -> None:
        self._environments, self._states = tuple(environments), dict(states)
        self._done: list[tuple[Chain, str]] = []
        self._ended = 0

    def methods(self) -> Sequence[str]:
        """Names of all public methods.

        Raises:
            BrokenEnvironment: The objects cannot be made.
        """
        return self._job([])[1]

    def carry_out(self, steps: Sequence[Chain | None]) -> list[Any]:
        """Go on from where the world is.

        Args:
            steps: Chains of calls; None for a look at all states.

        Returns:
            For each chain its result as BFCL writes it, errors included (`Error during execution: ...`); for each look
            the public attributes of each object by the name of its class, as plain values: an object among them is
            `{"<Class>": {its public attributes}}`.

        Raises:
            BrokenEnvironment: The objects cannot be made, or the classes do not give the same results again.
            SandboxFault: The sandbox failed.
            SandboxUnavailable: Nothing here can hold a program.
        """
        answers: dict[int, Any] = {}
        while True:
            left = [place for place in range(len(steps)) if place not in answers]
            if self._ended > MOST_ENDED:
                text = f"{_ERROR} nothing more is carried out: {self._ended} calls ended their program"
                answers |= {place: text for place in left if steps[place] is not None}
                left = [place for place in left if steps[place] is None]
            found, _ = self._job([steps[place] for place in left])
            if len(found) == len(left) and not isinstance(found[-1] if found else None, Result):
                break
            place, ended = left[len(found) - 1], found[-1]
            if steps[place] is None:
                raise self._broken(f"its state cannot be read ({ended.kind}: {ended.note})")
            self._ended += 1
            answers[place] = f"{_ERROR} {'it took too long' if ended.kind == 'timeout' else ended.note or ended.kind}"
        for place, answer in zip(left, found, strict=True):
            step = steps[place]
            if not isinstance(answer, dict if step is None else str):
                raise self._broken("it writes to the channel of the sandbox itself")
            answers[place] = answer
            if step is not None:
                self._done.append((step, str(answer)))
        return [answers[place] for place in range(len(steps))]

    def _job(self, steps: Sequence[Chain | None]) -> tuple[list[Any], Sequence[str]]:
        """Carry out everything so far and these; up to the first that ended the job, which is a `Result`."""
        wanted: list[tuple[str, Chain | None]] = [("call", chain) for chain, _ in self._done]
        wanted += [("look", None) if step is None else ("call", step) for step in steps]
        found = _answers(self._environments, self._states, wanted)
        methods = found[0]
        if isinstance(methods, Result):
            raise self._broken(f"its objects cannot be made: {methods.note or methods.kind}")
        if not isinstance(methods, list):
            raise BrokenEnvironment(str(methods), _REMEDY)
        before = len(self._done)
        for (chain, expected), got in zip(self._done, found[1:], strict=False):
            if got != expected:
                problem = f"{chain[-1][0]} gave another result when the same calls were carried out again"
                raise self._broken(f"{problem}: {str(got)[:200]!r} after {expected[:200]!r}")
        return found[1 + before :], methods

    def _broken(self, problem: str) -> BrokenEnvironment:
        files = ", ".join(environment.file for environment in self._environments)
        return BrokenEnvironment(f"{files}: {problem}", _REMEDY)


def _answers(environments: Sequence[Environment], states: Mapping[str, Any], wanted: Sequence[Any]) -> list[Any]:
    """What one job answers, the objects' methods first; the `Result` that ended it last, if one did."""
    inputs = [["open", dict(states)], *([action, given] for action, given in wanted)]
    files = [(environment.file, environment.code, list(environment.classes)) for environment in environments]
    program = Program(
        code=f"{_inside()}\nFILES += {files!r}\n",
        entry_point="respond",
        inputs=marshal.dumps(inputs, 2),
        limits=[CALL_SECONDS] * len(inputs),
        budget=JOB_SECONDS,
        body_limit=LONGEST_STATE,
    )
    found: list[Any] = []
    with shared().run(program) as results:
        for result in results:
            if result.kind not in ("value", "converted") or result.call < 0:
                return [*found, result]
            found.append(_value(result))
    return found


def _value(result: Result) -> Any:
    if not result.body:
        return {"<too long>": result.digest.hex()}
    try:
        return values.decode(result.body)
    except values.Unreadable as error:
        return f"{_ERROR} {error}"


@cache
def _inside() -> str:
    return Path(__file__).with_name("inside.py").read_text("utf-8")

"""A user's Python class: its public methods are the tools, and it runs in the sandbox, a process a world.

    class Desk:
        @classmethod
        def fresh(cls, seed: int) -> "Desk": ...        # or a parameter `seed` of the class
        def lend(self, card: str, copy: int) -> dict:   # documented by its signature and docstring
            \"\"\"Lend a copy. ...\"\"\"

A class attribute `VALUES` may name values that only a user can know: `{"find_books.subject": ["moths", ...]}`.
A method that raises, or returns a dictionary with `error`, has refused the call. The state is what `state()` returns,
else all attributes. The file is one module; what it imports must be installed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageProblem, unknown_name
from harness.types import FunctionCall, Tool
from refine.environments import Outcome, check_options
from refine.environments._worlds import RepeatableWorld, WorldLost, Worlds

if TYPE_CHECKING:
    from harness.sandbox.pool import Sandbox

OPTIONS = {
    "documents": "JSON file with the tools' documents",
    "seconds": "effective seconds that one call may take (5)",
    "worlds": "processes that may live at once (2)",
}
MEMORY = 1 << 30
FUTURE = "from __future__ import annotations\n"
"""Stands at the beginning of a program only."""


class PythonClass:
    """A class in a file."""

    shows_state = True
    benchmark = ""

    def __init__(self, target: str, options: Mapping[str, Any]) -> None:
        check_options("python", options, OPTIONS)
        file, _, self._class = target.rpartition(":")
        self.name = f"python:{target}"
        self._seconds = float(options.get("seconds", 5.0))
        most = int(options.get("worlds", 2))
        self._program = _program(Path(file), self._class, "_inside.py")
        self._describing = _program(Path(file), self._class, "_inside.py", "_describe.py")
        self._sandbox = _sandbox(most)
        try:
            self._tools, self.values = self._documents(options.get("documents"))
        except BaseException:
            self._sandbox.close()
            raise
        described = json.dumps([self._program, self._tools], sort_keys=True)
        self.digest = hashlib.sha256(described.encode()).hexdigest()
        self._worlds = Worlds(self._start, most)

    def tools(self) -> tuple[Tool, ...]:
        """The public methods."""
        return self._tools

    def fresh(self, seed: int) -> RepeatableWorld:
        """An instance from `fresh(seed)`, or from the class with `seed`."""
        return self._worlds.fresh(seed)

    def close(self) -> None:
        """End all processes."""
        self._worlds.close()
        self._sandbox.close()

    def _start(self, seed: int) -> _Process:
        process = _Process(self._sandbox, self._program, self._seconds)
        try:
            process.ask("fresh", seed=seed)
        except WorldLost as error:
            process.close()
            raise UsageProblem(f"{self.name}: no world with seed {seed}: {error.args[0]}", "Mend `fresh`.") from None
        return process

    def _documents(self, file: str | None) -> tuple[tuple[Tool, ...], Mapping[str, Sequence[Any]]]:
        try:
            process = _Process(self._sandbox, self._describing, self._seconds)
        except WorldLost as error:
            remedy = "It runs in the sandbox: what it imports must be installed, and files are out of its reach."
            raise UsageProblem(f"{self.name} cannot be loaded: {error.args[0]}", remedy) from None
        try:
            found = process.ask("documents")
        finally:
            process.close()
        if not found["fresh"]:
            remedy = f"Add a class method `fresh(cls, seed: int)` to {self._class}: an instance in a generated state."
            raise UsageProblem(f"{self.name} cannot be made from a seed", remedy)
        if not found["tools"]:
            raise UsageProblem(f"{self.name} has no public method", "Its public methods are the tools.")
        tools = _written(file, [tool["name"] for tool in found["tools"]]) if file else tuple(found["tools"])
        return tools, found["values"]


class _Process:
    """One instance in a sandboxed process."""

    def __init__(self, sandbox: Sandbox, program: str, seconds: float) -> None:
        from harness.sandbox.session import Session, SessionEnded

        self._ended, self._seconds = SessionEnded, seconds
        try:
            self._session = Session(sandbox, program, "answer")
        except SessionEnded as error:
            raise WorldLost(error.args[0]) from None

    def ask(self, what: str, **request: Any) -> Any:
        """One request to the program around the class."""
        try:
            return json.loads(self._session.ask(json.dumps({"do": what, **request}), self._seconds))
        except (self._ended, ValueError) as error:
            raise WorldLost(str(error.args[0])) from None

    def execute(self, call: FunctionCall) -> Outcome:
        """Carry out a call."""
        text, error = self.ask("execute", name=call.name, arguments=dict(call.arguments))
        return Outcome(str(text), bool(error))

    def state(self) -> Any:
        """The state as JSON values."""
        return self.ask("state")

    def close(self) -> None:
        """End the process."""
        self._session.close()


def _program(file: Path, name: str, *around: str) -> str:
    if not name.isidentifier():
        raise UsageProblem(f"python:{file}:{name} names no class", "Write FILE.py:CLASS, for example desk.py:Desk.")
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(
            f"{file} cannot be read: {error}", "Write FILE.py:CLASS, for example desk.py:Desk."
        ) from None
    parts = [Path(__file__).with_name(part).read_text(encoding="utf-8") for part in around]
    parts[1:] = [part.replace(FUTURE, "") for part in parts[1:]]
    return "\n".join(parts) + f"\n\nload({source!r}, {file.name!r}, {name!r})\n"


def _sandbox(workers: int) -> Sandbox:
    from harness.sandbox.pool import Sandbox

    return Sandbox(workers=workers, memory=MEMORY)


def _written(file: str, methods: list[str]) -> tuple[Tool, ...]:
    try:
        documents = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageProblem(f"documents={file}: {error}", "Give a JSON list of tool documents.") from None
    if not isinstance(documents, list) or not all(isinstance(each, dict) and "name" in each for each in documents):
        raise UsageProblem(f"documents={file} is not a list of tool documents", 'Each has "name" and "parameters".')
    for document in documents:
        if document["name"] not in methods:
            raise unknown_name(f"method (in {file})", document["name"], methods)
    return tuple(documents)


class _Python:
    name = "python"

    def open(self, target: str, options: Mapping[str, Any]) -> PythonClass:
        """Open `FILE.py:CLASS`."""
        return PythonClass(target, options)


PLUGIN = _Python()

"""An MCP server (https://modelcontextprotocol.io) as an environment, over stdio or streamable HTTP.

    mcp:npx -y @modelcontextprotocol/server-memory       with --env-args reset=process
    mcp:http://127.0.0.1:8000/mcp                        with --env-args reset=reset_all,state=dump
    mcp:uvx mcp-server-time                              with --env-args read_only=true

What is done in one world must not be seen in the next, so a server is only used where it can be reset, or read from: a
call to production cannot be taken back. `{folder}` in a command or in `env` is an empty folder of the world's own,
`{seed}` its seed.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

from harness.errors import UsageProblem, unknown_name
from harness.types import FunctionCall, Tool
from refine.environments import Outcome, World, check_options
from refine.environments._connection import Connection
from refine.environments._worlds import Worlds

OPTIONS = {
    "reset": "`process`: a new process is a new world; or the tool that resets the server (it is given `seed`)",
    "read_only": "`true`: only the tools that the server says change nothing",
    "state": "the tool that shows the whole state, without arguments",
    "env": "NAME=VALUE for the process, several separated by spaces",
    "seconds": "for one call (30)",
}


class McpServer:
    """A server and its tools."""

    benchmark = ""
    values: Mapping[str, Any] = {}

    def __init__(self, target: str, options: Mapping[str, Any]) -> None:
        check_options("mcp", options, OPTIONS)
        _installed()
        self.name, self._target, self._options = f"mcp:{target}", target, dict(options)
        self._remote = target.startswith(("http://", "https://"))
        self._seconds = float(options.get("seconds", 30))
        self._read_only = str(options.get("read_only", "")).lower() == "true"
        self._reset, self._state = str(options.get("reset", "")), str(options.get("state", ""))
        self._check()
        self.shows_state = bool(self._state) or self._read_only
        first = _Server(self, seed=0)
        try:
            self._tools = self._documents(first.connection.tools)
        except BaseException:
            first.close()
            raise
        self._shared = None if self._reset == "process" else first
        if not self._shared:
            first.close()
        self.digest = hashlib.sha256(json.dumps([self._tools, self._options], sort_keys=True).encode()).hexdigest()
        self._worlds = Worlds(self._start, 1 if self._shared else 2)

    def tools(self) -> tuple[Tool, ...]:
        """The server's tools, without those that reset it and show its state."""
        return self._tools

    def fresh(self, seed: int) -> World:
        """A world: the server reset, or a process of its own."""
        return _Lent(self._shared) if self._shared and self._read_only else self._worlds.fresh(seed)

    def close(self) -> None:
        """End every process and connection."""
        self._worlds.close()
        if self._shared:
            self._shared.close()

    def _check(self) -> None:
        if self._read_only:
            return
        if not self._reset or (self._remote and self._reset == "process"):
            raise UsageProblem(
                f"{self.name} cannot be reset, so what a call does there would stay",
                "Add --env-args reset=TOOL (a tool that resets the server), reset=process (a command that keeps no "
                "state outside its process or {folder}), or read_only=true. Never use a server in production.",
            )

    def _documents(self, tools: list[Any]) -> tuple[Tool, ...]:
        names = [tool.name for tool in tools]
        hidden = [name for name in (self._reset, self._state) if name and name != "process"]
        for name in hidden:
            if name not in names:
                raise unknown_name(f"tool of {self.name}", name, names)
        self.reset_takes_seed = any(
            tool.name == self._reset and "seed" in (tool.input_schema.get("properties") or {}) for tool in tools
        )
        found = [_document(tool) for tool in tools if tool.name not in hidden]
        if self._read_only:
            found = [tool for tool in found if tool["annotations"].get("readOnlyHint")]
        if not found:
            raise UsageProblem(
                f"{self.name} has no tool that it says is read-only", "Add --env-args reset=... for the others."
            )
        return tuple(found)

    def _start(self, seed: int) -> World:
        if self._shared is None:
            return _Server(self, seed)
        self._shared.reset(seed)
        return _Lent(self._shared)

    def parameters(self, folder: str, seed: int) -> Any:
        """What the SDK connects to."""
        if self._remote:
            return self._target
        from mcp import StdioServerParameters

        def filled(text: str) -> str:
            return text.replace("{folder}", folder).replace("{seed}", str(seed))

        command, *arguments = map(filled, shlex.split(self._target))
        pairs = (pair.partition("=") for pair in shlex.split(str(self._options.get("env", ""))))
        env = {name: filled(value) for name, _, value in pairs}
        return StdioServerParameters(command=command, args=arguments, env=env or None)

    @property
    def hooks(self) -> tuple[str, str, float]:
        """The tool that resets (or nothing), the one that shows the state, and the seconds of a call."""
        return ("" if self._reset == "process" else self._reset), self._state, self._seconds


class _Server:
    """A connection as a living world."""

    def __init__(self, environment: McpServer, seed: int) -> None:
        self._reset, self._state, seconds = environment.hooks
        self._environment = environment
        self._folder = tempfile.mkdtemp(prefix="synth-mcp-")
        try:
            self.connection = Connection(environment.parameters(self._folder, seed), seconds)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def reset(self, seed: int) -> None:
        """Bring the server into the state of a seed."""
        arguments = {"seed": seed} if self._environment.reset_takes_seed else {}
        outcome = self.connection.call(FunctionCall(self._reset, arguments))
        if outcome.error:
            raise UsageProblem(
                f"{self._environment.name}: {self._reset} failed: {outcome.text}", "Mend the reset tool."
            )

    def execute(self, call: FunctionCall) -> Outcome:
        """Carry out a call."""
        return self.connection.call(call)

    def state(self) -> Any:
        """What the state's tool shows, read as JSON where it is."""
        if not self._state:
            return None
        text = self.connection.call(FunctionCall(self._state, {})).text
        try:
            return json.loads(text)
        except ValueError:
            return text

    def close(self) -> None:
        """End the connection and the process."""
        self.connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Lent:
    """A world on a connection that others had before, or have, too."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    def execute(self, call: FunctionCall) -> Outcome:
        """Carry out a call."""
        return self._server.execute(call)

    def state(self) -> Any:
        """What the state's tool shows."""
        return self._server.state()

    def close(self) -> None:
        """The connection stays."""


def _document(tool: Any) -> dict[str, Any]:
    said = tool.annotations and tool.annotations.read_only_hint
    document = {
        "name": tool.name,
        "description": tool.description or "",
        "parameters": tool.input_schema,
        "annotations": {} if said is None else {"readOnlyHint": said},
    }
    return document | ({"response": tool.output_schema} if tool.output_schema else {})


def _installed() -> None:
    try:
        import mcp  # noqa: F401
    except ImportError:
        raise UsageProblem("an MCP server needs the SDK", "pip install 'funreason-harness[mcp]'") from None


class _Mcp:
    name = "mcp"

    def open(self, target: str, options: Mapping[str, Any]) -> McpServer:
        """Open a command or a URL."""
        return McpServer(target, options)


PLUGIN = _Mcp()

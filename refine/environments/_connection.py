"""A connection to an MCP server by the official SDK, for callers without an event loop: one thread a connection."""

from __future__ import annotations

import asyncio
import queue
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from harness.errors import UsageProblem
from harness.text import first_line, one_line
from harness.types import FunctionCall
from refine.environments import Outcome
from refine.environments._worlds import WorldLost

START_SECONDS = 60.0
"""A server that is started by npx may be fetched first."""
_Request = tuple[str, Mapping[str, Any], "Future[Any]"]


class Connection:
    """A server that is talked to, started where it is a command.

    Args:
        server: A URL, or the SDK's parameters of a process.
        seconds: For one call.

    Raises:
        UsageProblem: The SDK is not installed, or the server does not answer.
    """

    def __init__(self, server: Any, seconds: float) -> None:
        self._seconds = seconds
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # as long as the connection
        self._asked: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        ready: Future[Any] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(server, ready)), daemon=True)
        self._thread.start()
        try:
            self.tools: list[Any] = ready.result(START_SECONDS)
        except Exception as error:  # noqa: BLE001  # whatever a server or its transport does wrong
            said = self._last_words()
            self.close()
            remedy = "Start it, or name its command: mcp:npx -y SERVER."
            raise UsageProblem(f"the MCP server does not answer: {_told(error)}{said}", remedy) from None

    def call(self, call: FunctionCall) -> Outcome:
        """Call a tool.

        Raises:
            WorldLost: The server ended, or took too long.
        """
        future: Future[Outcome] = Future()
        self._asked.put((call.name, call.arguments, future))
        try:
            return future.result(self._seconds)
        except FutureTimeout:
            raise WorldLost(f"the server took longer than {self._seconds:.3g} s") from None
        except ConnectionError as error:
            raise WorldLost(_told(error)) from None

    def close(self) -> None:
        """End the connection, and the server where it was started here."""
        self._asked.put(None)
        self._thread.join(START_SECONDS / 4)
        self._said.close()

    def _last_words(self) -> str:
        """The end of what a server wrote for people."""
        self._said.seek(0)
        lines = [line for line in self._said.read().splitlines() if line.strip()]
        return f" (it said: {one_line(lines[-1], 300)})" if lines else ""

    async def _serve(self, server: Any, ready: Future[Any]) -> None:
        from mcp import Client
        from mcp.client.stdio import stdio_client

        try:
            async with Client(server if isinstance(server, str) else stdio_client(server, self._said)) as client:
                ready.set_result(await _all_tools(client))
                while request := await asyncio.to_thread(self._asked.get):
                    name, arguments, future = request
                    try:
                        future.set_result(await _called(client, name, arguments))
                    except Exception as error:  # noqa: BLE001
                        future.set_exception(ConnectionError(_told(error)))
        except BaseException as error:  # noqa: BLE001  # exception groups of the transport, too
            if not ready.done():
                ready.set_exception(ConnectionError(_told(error)))


async def _all_tools(client: Any) -> list[Any]:
    found, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if not cursor:
            return found


async def _called(client: Any, name: str, arguments: Mapping[str, Any]) -> Outcome:
    from mcp import MCPError

    try:
        result = await client.call_tool(name, dict(arguments))
    except MCPError as error:  # refused before the tool was called: unknown tool, arguments that do not fit
        return Outcome(f"Error: {_told(error)}", error=True)
    texts = [getattr(part, "text", f"[{part.type}]") for part in result.content]
    return Outcome("\n".join(texts), bool(result.is_error))


def _told(error: BaseException) -> str:
    """What went wrong first, out of groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return first_line(error)

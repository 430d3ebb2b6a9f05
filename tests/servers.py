"""A loopback HTTP server whose every reply a test decides: late, broken, cut short, or never."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    body: Any = None
    """Sent as JSON, or as it is where it is bytes."""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    """Seconds until the first byte."""
    cut: int | None = None
    """Bytes of the body after which the connection is closed."""


@dataclass(slots=True)
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class Loopback:
    """A running server."""

    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)
    """POST requests in the order in which they came."""
    port: int = 0
    most: int = 0
    """Most requests under way at once."""
    now: int = 0

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (f.partition(": ") for f in fields) if name}
                content = await reader.readexactly(int(headers.get("content-length", 0)))
                asked = Asked(line.split()[1], headers, json.loads(content) if content else None)
                if line.startswith("POST"):
                    self.asked.append(asked)
                if not await self._write(writer, asked):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, asked: Asked) -> bool:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            reply = self.answer(asked)
            await asyncio.sleep(reply.delay)
        finally:
            self.now -= 1
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        writer.write(f"HTTP/1.1 {reply.status} X\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode())
        writer.write(body[: reply.cut])
        await writer.drain()
        return reply.cut is None


@contextmanager
def loopback(answer: Callable[[Asked], Answer]) -> Iterator[Loopback]:
    """Run a server on a free port until the block ends.

    Args:
        answer: Decides each reply; called in the server's thread.

    Yields:
        The server.
    """
    state = Loopback(answer)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(state.serve, "127.0.0.1", 0))
    state.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def stop() -> None:
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        yield state
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def chat(text: str | None = "[f(a=1)]", finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    """A chat completion as servers write it."""
    return {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 5},
    }

"""Requests over several servers: the least loaded first, a dead one's requests to the others, retries with back-off."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from harness.engines._wire import BadReply, excerpt, read
from harness.types import Generation

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds of back-off; what a server asks for by `Retry-After` is obeyed up to `LONGEST_OBEYED`."""
LONGEST_OBEYED = 300.0
CONNECT = 10.0
"""Seconds for connecting; the whole attempt is bounded by the session's own time-out."""
RETRIED = {408, 409, 425, 429}
REST = 5.0
"""Seconds for which a server that could not be reached is passed over while others can."""


class Refused(Exception):
    """The server will not answer this request however often it is asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Failed(Exception):
    """An attempt that may succeed if repeated."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(slots=True, eq=False)
class Server:
    """One base URL."""

    url: str
    busy: int = 0
    """Requests under way."""
    rests_until: float = 0.0
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    """Idle ones. A client serves one request at a time: httpx searches its pool in time linear in its connections."""


class Servers:
    """A pool of servers that answer alike.

    Args:
        urls: Base URLs, up to and including `/v1`.
        key: API key, or empty. It is sent and never shown.
        timeout: Seconds for one attempt.
        retries: Attempts after the first.
    """

    def __init__(self, urls: Sequence[str], key: str, timeout: float, retries: int) -> None:
        self.servers = [Server(url) for url in urls]
        self._key = key
        self._timeout = timeout
        self._retries = retries
        self._tls = httpx.create_ssl_context() if any(url.startswith("https") for url in urls) else False
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})

    async def ask(self, path: str, body: bytes) -> Generation:
        """Get one reply.

        Args:
            path: Below the base URL.
            body: JSON.

        Returns:
            The reply.

        Raises:
            Refused: A 4xx that repetition will not change.
            Failed: Every attempt failed; the message says how the last one did.
        """
        started, attempt, hung = time.monotonic(), 0, 0
        while True:
            server = self._pick()
            try:
                return read(await self._post(server, path, body), time.monotonic() - started)
            except (Failed, BadReply) as error:
                attempt += 1
                # A hang costs its whole time-out: it gets one more chance, not five.
                hung += isinstance(error.__cause__, TimeoutError)
                if attempt > self._retries or hung > 1:
                    raise Failed(f"{error} ({attempt} attempts)") from error
                if not (isinstance(error, Failed) and server.rests_until and self._awake(server)):
                    await asyncio.sleep(_wait(attempt, error))

    async def models(self, server: Server) -> list[str]:
        """Names of the models a server says it has; empty where it does not say.

        Raises:
            Refused: The server wants another key.
            Failed: It cannot be reached.
        """
        client = self._client()
        try:
            response = await client.get(f"{server.url}/models", timeout=min(CONNECT, self._timeout))
            if response.status_code in (401, 403):
                raise Refused(response.status_code, self._shown(response.content))
            return [str(entry["id"]) for entry in response.json()["data"]] if response.status_code == 200 else []
        except httpx.ConnectError as error:
            raise Failed(str(error)) from error
        except (httpx.HTTPError, ValueError, TypeError, LookupError):
            return []
        finally:
            await client.aclose()

    async def close(self) -> None:
        """Close all idle connections."""
        for server in self.servers:
            for client in server.clients:
                await client.aclose()

    def _pick(self) -> Server:
        """The least busy server that is not resting; the one that has rested longest if all are."""
        now = time.monotonic()
        awake = [server for server in self.servers if server.rests_until <= now]
        return min(awake, key=lambda server: server.busy) if awake else min(self.servers, key=lambda s: s.rests_until)

    def _awake(self, server: Server) -> bool:
        now = time.monotonic()
        return any(other is not server and other.rests_until <= now for other in self.servers)

    async def _post(self, server: Server, path: str, body: bytes) -> bytes:
        server.busy += 1
        client = server.clients.pop() if server.clients else self._client()
        try:
            async with asyncio.timeout(self._timeout):
                response = await client.post(f"{server.url}/{path}", content=body)
        except (httpx.HTTPError, TimeoutError) as error:
            if isinstance(error, httpx.TransportError):
                server.rests_until = time.monotonic() + REST
            reason = f"no reply in {self._timeout:g} s" if isinstance(error, TimeoutError) else str(error)
            raise Failed(f"{server.url}: {type(error).__name__} {reason}".rstrip()) from error
        else:
            server.clients.append(client)
            server.rests_until = 0.0
        finally:
            server.busy -= 1
            if client not in server.clients:
                # Its connection is in an unknown state: it is not used again.
                await client.aclose()
        return self._accepted(server, response)

    def _accepted(self, server: Server, response: httpx.Response) -> bytes:
        status = response.status_code
        if status == 200:
            return response.content
        message = f"{server.url}: HTTP {status} {self._shown(response.content)}"
        if status in RETRIED or status >= 500:
            raise Failed(message, _asked_for(response.headers.get("retry-after")))
        raise Refused(status, message)

    def _shown(self, content: bytes) -> str:
        """The start of a body without the key, which some servers quote."""
        return excerpt(content.replace(self._key.encode(), b"***") if self._key else content)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(headers=self._headers, timeout=httpx.Timeout(None, connect=CONNECT), verify=self._tls)


def _wait(attempt: int, error: Exception) -> float:
    """Seconds until the next attempt: what the server asked for, or exponential; jittered so that requests spread."""
    asked = error.wait if isinstance(error, Failed) else None
    if asked is not None:
        return min(asked, LONGEST_OBEYED) + random.uniform(0.0, 0.1 + 0.1 * asked)
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def _asked_for(header: str | None) -> float | None:
    """`Retry-After` in seconds; it may be a number or a date."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())

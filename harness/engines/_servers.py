"""Requests over several servers: the least loaded first, a dead one's requests to the others, retries with back-off."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from harness.engines._http import Address, BadHttp, Connection, Response, Stale
from harness.engines._wire import BadReply, excerpt, read
from harness.types import Generation

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds of back-off; what a server asks for by `Retry-After` is obeyed up to `LONGEST_OBEYED`."""
LONGEST_OBEYED = 300.0
PROBE = 10.0
"""Seconds for asking which models there are."""
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
    address: Address
    busy: int = 0
    """Requests under way."""
    rests_until: float = 0.0
    idle: list[Connection] = field(default_factory=list)

    def connection(self) -> Connection:
        """An idle connection, or a new one that is not yet made."""
        while self.idle:
            if (known := self.idle.pop()).alive:
                return known
            known.close()
        return Connection(self.address)


class Servers:
    """A pool of servers that answer alike.

    Args:
        urls: Base URLs, up to and including `/v1`.
        key: API key, or empty. It is sent and never shown.
        timeout: Seconds for one attempt.
        retries: Attempts after the first.
    """

    def __init__(self, urls: Sequence[str], key: str, timeout: float, retries: int) -> None:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        self.servers = [Server(url, Address(url, headers)) for url in urls]
        self._key = key
        self._timeout = timeout
        self._retries = retries

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
        try:
            response = await self._request(server, "GET", "models", b"", min(PROBE, self._timeout))
            if response.status in (401, 403):
                raise Refused(response.status, self._shown(response.content))
            return [str(entry["id"]) for entry in json.loads(response.content)["data"]]
        except Failed as error:
            if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, TimeoutError):
                raise
            return []
        except (ValueError, TypeError, LookupError, RecursionError):
            return []

    def close(self) -> None:
        """Close all idle connections."""
        for server in self.servers:
            while server.idle:
                server.idle.pop().close()

    def _pick(self) -> Server:
        """The least busy server that is not resting; the one that has rested longest if all are."""
        now = time.monotonic()
        awake = [server for server in self.servers if server.rests_until <= now]
        return min(awake, key=lambda server: server.busy) if awake else min(self.servers, key=lambda s: s.rests_until)

    def _awake(self, server: Server) -> bool:
        now = time.monotonic()
        return any(other is not server and other.rests_until <= now for other in self.servers)

    async def _post(self, server: Server, path: str, body: bytes) -> bytes:
        response = await self._request(server, "POST", path, body, self._timeout)
        if response.status == 200:
            return response.content
        message = f"{server.url}: HTTP {response.status} {self._shown(response.content)}"
        if response.status in RETRIED or response.status >= 500:
            raise Failed(message, _asked_for(response.headers.get("retry-after")))
        raise Refused(response.status, message)

    async def _request(self, server: Server, method: str, path: str, body: bytes, seconds: float) -> Response:
        while True:
            connection = server.connection()
            try:
                return await self._attempt(server, connection, connection.request(method, path, body), seconds)
            except Stale:
                continue

    async def _attempt(
        self, server: Server, connection: Connection, request: Coroutine[None, None, Response], seconds: float
    ) -> Response:
        server.busy += 1
        try:
            async with asyncio.timeout(seconds):
                response = await request
        except TimeoutError as error:
            raise Failed(f"{server.url}: no reply in {seconds:g} s") from error
        except OSError as error:
            server.rests_until = time.monotonic() + REST
            raise Failed(f"{server.url}: {error}") from error
        except Stale:
            raise
        except BadHttp as error:
            raise Failed(f"{server.url}: {error}") from error
        else:
            server.rests_until = 0.0
            return response
        finally:
            server.busy -= 1
            if connection.alive:
                server.idle.append(connection)
            else:
                connection.close()

    def _shown(self, content: bytes) -> str:
        """The start of a body without the key, which some servers quote."""
        return excerpt(content.replace(self._key.encode(), b"***") if self._key else content)


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

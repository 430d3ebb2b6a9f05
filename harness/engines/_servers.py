"""Requests over several servers: the least loaded first, a dead one's requests to the others, retries with back-off."""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

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
IDLE = 4.0
"""Seconds that an idle connection is kept: less than servers do (uvicorn: 5), which so close none under a request."""
LONGEST = 256 << 20
"""Bytes of a body; a server that sends more is broken."""


class Refused(Exception):
    """The server will not answer this request however often it is asked."""

    def __init__(self, status: int, message: str, content: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.content = content
        """The response's body."""


class Failed(Exception):
    """An attempt that may succeed if repeated."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(slots=True, eq=False)
class Server:
    """One base URL."""

    url: str
    proxy: str | None
    busy: int = 0
    """Requests under way."""
    rests_until: float = 0.0


class Servers:
    """A pool of servers that answer alike. Proxies are those of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.

    Args:
        urls: Base URLs, up to and including `/v1`.
        key: API key, or empty. It is sent and never shown.
        timeout: Seconds for one attempt.
        retries: Attempts after the first.
    """

    def __init__(self, urls: Sequence[str], key: str, timeout: float, retries: int) -> None:
        self.servers = [Server(url, _proxy(url)) for url in urls]
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        self._client: aiohttp.ClientSession | None = None
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
            status, content, _ = await self._request(server, "GET", "models", b"", min(PROBE, self._timeout))
            if status in (401, 403):
                raise Refused(status, self._shown(content))
            return [str(entry["id"]) for entry in json.loads(content)["data"]]
        except Failed as error:
            if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, TimeoutError):
                raise
            return []
        except (ValueError, TypeError, LookupError, RecursionError):
            return []

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    def _pick(self) -> Server:
        """The least busy server that is not resting; the one that has rested longest if all are."""
        now = time.monotonic()
        awake = [server for server in self.servers if server.rests_until <= now]
        return min(awake, key=lambda server: server.busy) if awake else min(self.servers, key=lambda s: s.rests_until)

    def _awake(self, server: Server) -> bool:
        now = time.monotonic()
        return any(other is not server and other.rests_until <= now for other in self.servers)

    async def _post(self, server: Server, path: str, body: bytes) -> bytes:
        status, content, retry_after = await self._request(server, "POST", path, body, self._timeout)
        if status == 200:
            return content
        message = f"{server.url}: HTTP {status} {self._shown(content)}"
        if status in RETRIED or status >= 500:
            raise Failed(message, _asked_for(retry_after))
        raise Refused(status, message, content)

    async def _request(
        self, server: Server, method: str, path: str, body: bytes, seconds: float
    ) -> tuple[int, bytes, str | None]:
        """Status, content and `Retry-After` of a response."""
        if self._client is None:  # here, because it belongs to the loop that runs
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        url = f"{server.url}/{path}"
        server.busy += 1
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.request(method, url, data=body, proxy=server.proxy, allow_redirects=False) as response,
            ):
                content = await _bounded(response.content)
        except TimeoutError as error:
            raise Failed(f"{server.url}: no reply in {seconds:g} s") from error
        except OSError as error:
            server.rests_until = time.monotonic() + REST
            raise Failed(f"{server.url}: {error}") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise Failed(f"{server.url}: a broken response ({type(error).__name__}: {error})") from error
        else:
            server.rests_until = 0.0
            return response.status, content, response.headers.get("retry-after")
        finally:
            server.busy -= 1

    def _shown(self, content: bytes) -> str:
        """The start of a body without the key, which some servers quote."""
        return excerpt(content.replace(self._key.encode(), b"***") if self._key else content)


def _proxy(url: str) -> str | None:
    """The environment's proxy for a URL; found once, because aiohttp's `trust_env` looks for it at each request."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    parts, size = [], 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > LONGEST:
            raise ValueError(f"a body of more than {LONGEST} bytes")
    return b"".join(parts)


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

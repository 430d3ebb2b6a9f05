"""The HTTP client: every way in which a response may be framed, kept, cut or proxied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.engines._http import Address, BadHttp, Connection, Response, Stale

OK = b"HTTP/1.1 200 OK\r\n"


class Script:
    """A server that answers each request of a connection with the next piece of bytes, then closes it."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.heads: list[str] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            for piece in self.pieces:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                length = [line for line in head.lower().split("\r\n") if line.startswith("content-length: ")]
                await reader.readexactly(int(length[0].partition(": ")[2]) if length else 0)
                writer.write(piece)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def at(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def ask(*pieces: bytes, requests: int = 1) -> tuple[list[Response], bool, Script]:
    script = Script(*pieces)

    async def go() -> tuple[list[Response], bool]:
        async with script.at() as url:
            connection = Connection(Address(url, {"x-test": "1"}))
            try:
                replies = [await connection.request("POST", "chat", b"{}") for _ in range(requests)]
                return replies, connection.alive
            finally:
                connection.close()

    return *asyncio.run(asyncio.wait_for(go(), 5)), script


@pytest.mark.parametrize(
    ("response", "content", "kept"),
    [
        (OK + b"Content-Length: 3\r\n\r\nabc", b"abc", True),
        (OK + b"content-length:3\r\n\r\nabc", b"abc", True),
        (OK + b"Content-Length: 0\r\n\r\n", b"", True),
        (OK + b"Content-Length: 3\r\nConnection: close\r\n\r\nabc", b"abc", False),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", b"abc", True),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n", b"abc", True),
        (OK + b"\r\nuntil the end", b"until the end", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na", b"a", True),
        (b"HTTP/1.1 204\x20\r\nContent-Length: 0\r\n\r\n", b"", True),
    ],
)
def test_responses_are_read_whole(response: bytes, content: bytes, kept: bool) -> None:
    # The second piece keeps the connection open: nobody asks for it.
    replies, alive, script = ask(response, *([b""] if kept else []))
    assert replies[0].content == content
    assert alive == kept
    head = script.heads[0]
    assert head.startswith("POST /v1/chat HTTP/1.1\r\n")
    assert "x-test: 1\r\n" in head
    assert "content-length: 2\r\n" in head


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"\r\n\r\n",
        OK + b"Content-Length: 9\r\n\r\nabc",
        OK + b"Content-Length: -1\r\n\r\nabc",
        OK + b"Content-Length: 99999999999999\r\n\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nab\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"x" * 200_000,
    ],
)
def test_what_is_not_a_whole_response_is_an_error(response: bytes) -> None:
    with pytest.raises(BadHttp) as caught:
        ask(response)
    assert not isinstance(caught.value, Stale)


def test_a_connection_is_kept_and_its_end_is_noticed() -> None:
    reply = OK + b"Content-Length: 1\r\n\r\na"
    replies, _, script = ask(reply, reply, reply, requests=3)
    assert [reply.content for reply in replies] == [b"a"] * 3
    assert script.connections == 1
    with pytest.raises(Stale):
        ask(reply, requests=2)


def test_a_server_that_is_not_there() -> None:
    async def go() -> None:
        async with Script().at() as url:
            pass
        await Connection(Address(url, {})).request("GET", "models")

    with pytest.raises(OSError, match=r"refused|Connect"):
        asyncio.run(go())


def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Script(OK + b"Content-Length: 1\r\n\r\na")

    async def go() -> Response:
        async with proxy.at() as url:
            monkeypatch.setenv("http_proxy", url.replace("//", "//me:s%20t@").removesuffix("/v1"))
            monkeypatch.setenv("https_proxy", url.removesuffix("/v1"))
            monkeypatch.setenv("no_proxy", "10.0.0.1")
            assert Address("http://10.0.0.1/v1", {}).proxy is None
            plain = Connection(Address("http://gpu.example:8000/v1", {}))
            reply = await plain.request("GET", "models")
            plain.close()
            proxy.pieces = (b"HTTP/1.1 407 No\r\n\r\n",)
            with pytest.raises(ConnectionError, match=r"refuses a tunnel to api.example:443: HTTP 407"):
                await Connection(Address("https://api.example/v1", {})).request("GET", "models")
            return reply

    assert asyncio.run(go()).content == b"a"
    assert proxy.heads[0].startswith("GET http://gpu.example:8000/v1/models HTTP/1.1\r\nhost: gpu.example:8000\r\n")
    assert "proxy-authorization: Basic bWU6cyB0\r\n" in proxy.heads[0]
    assert proxy.heads[1].startswith("CONNECT api.example:443 HTTP/1.1\r\n")


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "\x00"])
def test_no_header_can_be_smuggled_in(value: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        Address("http://localhost/v1", {"authorization": value})

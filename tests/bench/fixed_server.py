"""A loopback OpenAI-compatible server in a process of its own: every reply after the same time, and next to no work."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SERVER = """
import asyncio, sys
latency, body = float(sys.argv[1]), sys.argv[2].encode()
reply = b"HTTP/1.1 200 OK\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(body) + body

class Fixed(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""
    def data_received(self, data):
        self.data += data
        head, found, rest = self.data.partition(b"\\r\\n\\r\\n")
        size = int(dict(l.lower().split(b": ", 1) for l in head.split(b"\\r\\n")[1:]).get(b"content-length", 0))
        if found and len(rest) >= size:
            self.data = rest[size:]
            delay = 0 if head.startswith(b"GET") else latency
            asyncio.get_running_loop().call_later(delay, self.transport.write, reply)

async def main():
    server = await asyncio.get_running_loop().create_server(Fixed, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@contextmanager
def fixed_server(latency: float, text: str) -> Iterator[str]:
    """Run the server.

    Args:
        latency: Seconds until each reply.
        text: Content of each reply.

    Yields:
        Its base URL.
    """
    body = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(latency), body], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.wait()

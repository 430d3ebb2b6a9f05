"""Serve pages to this machine's browser and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
"""What is not HTML; a picture may run no script."""


class PageServer(ThreadingHTTPServer):
    """Answers `GET` on the loopback address.

    Args:
        pages: Path -> page, None where there is none.
        port: Where; 0 for a free one.
    """

    daemon_threads = True

    def __init__(self, pages: Callable[[str], bytes | None], port: int = 0) -> None:
        self.pages = pages
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """Where the first page is."""
        return f"http://{HOST}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        """A page, asked for by this machine's own name; another name is a site that had itself resolved to us."""
        port, path = self.server.server_port, urlsplit(self.path).path
        known = self.headers.get("Host") in (f"{HOST}:{port}", f"localhost:{port}")
        page = (self.server.pages(path) if known else None) or b""
        kind = TYPES.get(PurePosixPath(path).suffix)
        self.send_response(200 if page else 404 if known else 403)
        self.send_header("Content-Type", kind or "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if kind:
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

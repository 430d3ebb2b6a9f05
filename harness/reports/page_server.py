"""Serve one page to this machine's browser and to nobody else."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"


class PageServer(ThreadingHTTPServer):
    """Answers `GET /` on the loopback address with one page.

    Args:
        html: The page.
        port: Where; 0 for a free one.
    """

    daemon_threads = True

    def __init__(self, html: bytes, port: int = 0) -> None:
        self.html = html
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        """The page, asked for by this machine's own name; another name is a site that had itself resolved to us."""
        port = self.server.server_port
        known = self.headers.get("Host") in (f"{HOST}:{port}", f"localhost:{port}")
        page = self.server.html if known and self.path == "/" else b""
        self.send_response(200 if page else 404 if known else 403)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

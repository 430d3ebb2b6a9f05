"""llama.cpp's server, from the package xllamacpp: `python llama.py FILE.gguf [TEMPLATE]` prints its address."""

from __future__ import annotations

import sys
from pathlib import Path

import xllamacpp


def main(file: str, template: str | None = None) -> None:
    """Serve a file on a free port of this machine until standard input ends."""
    settings = xllamacpp.CommonParams()
    settings.model.path = file
    settings.n_ctx, settings.n_parallel = 8192, 2
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    if template:
        settings.chat_template = Path(template).read_text()
    server = xllamacpp.Server(settings)
    print("at", server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])

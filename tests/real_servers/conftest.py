"""Servers that people run, with a real model, on the loopback interface; each is started once."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import models
from harness.chat import CHATML
from harness.data import datasets
from harness.errors import DataError, UsageProblem

MODEL = "smollm2"
PATIENCE = 300.0
"""Seconds that a server may take to come up."""
HERE = importlib.util.find_spec("xllamacpp") is not None


@dataclass(frozen=True)
class Served:
    """A running server."""

    kind: str
    url: str
    model: str
    """The model as the server calls it."""
    with_tools: str
    """The same with a chat template that takes tools."""
    with_tools_url: str
    tokenizer: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings of the servers' packages are not ours to mend; the hook sees every test of the session."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))
            item.add_marker(pytest.mark.skipif(not HERE, reason="real servers are tried by: make test-servers"))


@pytest.fixture(scope="session")
def folder() -> Path:
    """The model's folder; fetched where it is not there, skipped where it cannot be."""
    try:
        return models.locate(MODEL).folder
    except (DataError, UsageProblem) as error:
        pytest.skip(f"no {MODEL}: {error}")


@pytest.fixture(scope="session")
def with_tools(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights with a chat template that takes tools."""
    copy = tmp_path_factory.mktemp("models") / "with-tools"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).symlink_to(file)
    (copy / "chat_template.jinja").unlink()
    (copy / "chat_template.jinja").write_text(CHATML)
    return copy


@pytest.fixture(scope="session", params=["llama.cpp", "transformers"])
def served(request: pytest.FixtureRequest, folder: Path, with_tools: Path) -> Iterator[Served]:
    """Each server in turn."""
    if request.param == "llama.cpp":
        file = datasets.path(MODEL)
        with _llama(file) as bare, _llama(file, with_tools / "chat_template.jinja") as telling:
            yield Served("llama.cpp", bare, "m", "m", telling, folder)
        return
    if importlib.util.find_spec("uvicorn") is None:
        pytest.skip("`transformers serve` needs: pip install 'transformers[serving]'")
    with _transformers() as url:
        yield Served("transformers", url, str(folder), str(with_tools), url, folder)


@contextmanager
def _process(command: list[str | Path], **more: object) -> Iterator[subprocess.Popen[str]]:
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "NO_PROXY": "127.0.0.1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, env=env, text=True, **more) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _llama(file: Path, template: Path | None = None) -> Iterator[str]:
    command = [sys.executable, Path(__file__).with_name("llama.py"), file, *([template] if template else [])]
    with _process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        address = next(line.split()[1] for line in process.stdout if line.startswith("at "))
        yield f"{address}/v1"


@contextmanager
def _transformers() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("transformers")
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with _process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/health", process)
        yield f"{url}/v1"


def _wait(url: str, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended with exit code {process.returncode}"
        try:
            with opener.open(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer at {url} in {PATIENCE} s")

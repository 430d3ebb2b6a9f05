"""Starting, asking and stopping a server, with a stand-in for vLLM's; the real one is tested in `tests/vllm`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engines import _vllm, vllm_server
from harness.engines.vllm_server import PLUGIN, VllmServerSession, flags
from harness.errors import UsageProblem
from harness.models import locate
from harness.types import Completion, EngineSettings, Prompt, RequestKey, Sampling
from tests.test_supervisor import gone
from tests.tinymodels import make_tiny_lora, make_tiny_qwen2

ARGUMENTS = """
class EngineArgs:
    model: str = ""
    dtype: str = "auto"
    enforce_eager: bool = False
    gpu_memory_utilization: float = 0.9
    hf_overrides: dict = None
"""
SERVER = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if "--enforce-eager" in sys.argv:
    sys.exit("ValueError: enforce_eager is not for this server")
port = int(sys.argv[sys.argv.index("--port") + 1])

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply({"data": [{"id": "base"}, {"id": "adapter"}]})
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tuned = body["model"] == "adapter" and not os.environ.get("DEAF_ADAPTER")
        choice = {"finish_reason": "stop", "text": f"{body['model']} {os.getpid()} " + body["prompt"][-12:]}
        self.reply({"choices": [choice | {"logprobs": {"top_logprobs": [{"a": -0.5 if tuned else -1.0}]}}]})
    def reply(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
ASK = Prompt(({"role": "user", "content": "Hi"},), prefix="<think>\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2(tmp_path_factory.mktemp("server") / "base")


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "site" / "vllm"
    for name in ("engine", "entrypoints/openai"):
        (package / name).mkdir(parents=True)
    for name in (".", "engine", "entrypoints", "entrypoints/openai"):
        (package / name / "__init__.py").write_text("")
    (package / "engine" / "arg_utils.py").write_text(ARGUMENTS)
    (package / "entrypoints" / "openai" / "api_server.py").write_text(SERVER)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    _vllm.argument_names.cache_clear()
    yield
    _vllm.argument_names.cache_clear()
    sys.modules.pop("vllm", None)


def opened(model: Path, **settings: Any) -> VllmServerSession:
    return PLUGIN.open(EngineSettings(str(model), **settings))


def one(session: VllmServerSession) -> Completion:
    session.submit(RequestKey("a", 0, 0), ASK, Sampling())
    [completion] = session.collect()
    return completion


def test_it_is_started_asked_with_the_rendered_text_and_stopped(folder: Path) -> None:
    session = opened(folder)
    done = one(session)
    assert done.generation, done.fault
    model, pid, end = done.generation.text.split(" ", 2)
    assert (model, end) == ("base", "ant\n<think>\n")
    session.close()
    session.close()
    assert gone([int(pid)])


def test_an_adapter_is_asked_by_its_own_name_and_proved(folder: Path, tmp_path: Path) -> None:
    lora = make_tiny_lora(tmp_path / "lora", folder)
    session = opened(lora)
    done = one(session)
    session.close()
    assert done.generation
    assert done.generation.text.startswith("adapter ")


def test_an_adapter_that_changes_nothing_stops_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora = make_tiny_lora(tmp_path / "lora", folder)
    monkeypatch.setenv("DEAF_ADAPTER", "1")
    with pytest.raises(UsageProblem, match="changes nothing"):
        opened(lora)


def test_a_server_that_does_not_come_up_shows_its_log(folder: Path) -> None:
    began = time.monotonic()
    with pytest.raises(UsageProblem, match=r"ended while starting\n(.*\n)*ValueError: enforce_eager is not"):
        opened(folder, options={"enforce_eager": True})
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"options": {"gpu_memory_utilisation": 0.5}}, "Did you mean gpu_memory_utilization"),
        ({"options": {"model": "other"}}, "set by this program"),
        ({"device": "cuda:1"}, "CUDA_VISIBLE_DEVICES"),
        ({"base_urls": ("http://localhost",)}, "--engine openai"),
    ],
)
def test_settings_that_cannot_be_honoured_are_refused(folder: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        opened(folder, **settings)


def test_without_vllm_the_install_line_is_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageProblem, match=r"what top_k means\)\npip install 'vllm>="):
        opened(folder, options={"top_k": 1})


def test_arguments_become_flags(folder: Path) -> None:
    found = locate(str(folder))
    settings = EngineSettings(str(folder), batch_size=7, options={"hf_overrides": {"a": 1}, "enforce_eager": False})
    line = " ".join(flags(_vllm.arguments(settings, found), found, 1234))
    assert line.startswith(
        "--host 127.0.0.1 --port 1234 --enable-prompt-tokens-details --served-model-name base --model "
    )
    assert line.endswith('--generation-config vllm --max-num-seqs 7 --hf-overrides {"a": 1}')
    assert "--enable-prefix-caching" in line
    assert "eager" not in line


def test_ports_are_free() -> None:
    assert len({vllm_server._free_port() for _ in range(5)}) > 1

"""A real vLLM server: same replies, same tokens behind a think prefix, and no orphan after kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.chat import render
from harness.engines.hf import HfSession
from harness.engines.openai import PLUGIN as OPENAI
from harness.engines.vllm_server import PLUGIN, VllmServerSession
from harness.types import EngineSettings, Sampling
from tests.vllm.conftest import answers, prompts, said, settings

STARTER = """
import os, sys
from pathlib import Path
from harness import plugins
from harness.supervisor import descendants
from tests.vllm.conftest import settings

if __name__ == "__main__":
    session = plugins.load("engines", sys.argv[2]).open(settings(Path(sys.argv[1])))
    print("pids", *descendants(os.getpid()), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server(base: Path) -> Iterator[VllmServerSession]:
    session = PLUGIN.open(settings(base))
    yield session
    session.close()
    assert session._supervisor.returncode is not None


def url_of(server: VllmServerSession) -> str:
    assert server._session is not None
    return server._session._servers.servers[0].url


def test_greedy_replies_equal_the_hf_engines(server: VllmServerSession, hf: HfSession) -> None:
    asked = prompts(40)
    ours, theirs = (said(answers(session, asked, Sampling(max_tokens=24)), whole=False) for session in (server, hf))
    assert ours == theirs


def test_a_continued_message_gives_the_tokens_of_the_rendered_text(server: VllmServerSession, hf: HfSession) -> None:
    tokenizer = hf._tokenizer
    for prompt in [prompt for prompt in prompts(16) if prompt.prefix]:
        messages = [*prompt.messages, {"role": "assistant", "content": prompt.prefix}]
        body = {
            "model": "base",
            "messages": messages,
            "add_generation_prompt": False,
            "continue_final_message": True,
        }
        theirs = post(url_of(server).removesuffix("/v1") + "/tokenize", body)["tokens"]
        assert theirs == tokenizer.encode(render(prompt, tokenizer), add_special_tokens=False)


def test_the_openai_engine_gets_the_same_replies_by_continuation(server: VllmServerSession, hf: HfSession) -> None:
    client = OPENAI.open(EngineSettings("base", base_urls=(url_of(server),)))
    asked = prompts(16)
    ours, theirs = (said(answers(session, asked, Sampling(max_tokens=24)), whole=False) for session in (client, hf))
    client.close()
    assert ours == theirs


@pytest.mark.parametrize("engine", ["vllm", "vllm_server"])
def test_nothing_is_left_after_kill_9(base: Path, tmp_path: Path, engine: str) -> None:
    # vLLM starts its processes anew from the main module: it has to be a file.
    (tmp_path / "starter.py").write_text(STARTER)
    command = [sys.executable, tmp_path / "starter.py", base, engine]
    pipe, path = subprocess.PIPE, str(Path(__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env) as starter:
        assert starter.stdout is not None
        pids = next(line for line in starter.stdout if line.startswith("pids "))
        family = [int(pid) for pid in pids.split()[1:]]
        assert len(family) > 2
        starter.send_signal(signal.SIGKILL)
    end = time.monotonic() + 40
    while time.monotonic() < end and any(map(running, family)):
        time.sleep(0.2)
    assert [pid for pid in family if running(pid)] == []


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False

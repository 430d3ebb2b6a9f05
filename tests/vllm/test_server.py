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

from harness.chat import CHATML, render
from harness.engines.hf import HfSession
from harness.engines.openai import PLUGIN as OPENAI
from harness.engines.vllm_server import PLUGIN, VllmServerSession
from harness.types import EngineSettings, Sampling
from tests.vllm.conftest import answers, prompts, said, settings

STARTER = """
import sys
from pathlib import Path
from harness.engines.vllm_server import PLUGIN
from tests.vllm.conftest import settings
session = PLUGIN.open(settings(Path(sys.argv[1])))
print(session._keeper.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server(base: Path) -> Iterator[VllmServerSession]:
    session = PLUGIN.open(settings(base))
    yield session
    session.close()
    assert session._keeper.returncode is not None


def url_of(server: VllmServerSession) -> str:
    assert server._session is not None
    return server._session._servers.servers[0].url


def test_greedy_replies_equal_the_hf_engines(server: VllmServerSession, hf: HfSession) -> None:
    asked = prompts(40)
    ours, theirs = (said(answers(session, asked, Sampling(max_tokens=24))) for session in (server, hf))
    assert ours == theirs


def test_a_continued_message_gives_the_tokens_of_the_rendered_text(server: VllmServerSession, hf: HfSession) -> None:
    tokenizer = hf._tokenizer
    for prompt in [prompt for prompt in prompts(16) if prompt.prefix]:
        messages = [*prompt.messages, {"role": "assistant", "content": prompt.prefix}]
        body = {
            "model": "base",
            "messages": messages,
            "chat_template": CHATML,
            "add_generation_prompt": False,
            "continue_final_message": True,
        }
        theirs = post(url_of(server).removesuffix("/v1") + "/tokenize", body)["tokens"]
        assert theirs == tokenizer.encode(render(prompt, tokenizer), add_special_tokens=False)


def test_the_openai_engine_gets_the_same_replies_by_continuation(server: VllmServerSession, hf: HfSession) -> None:
    client = OPENAI.open(EngineSettings("base", base_urls=(url_of(server),), chat_template=CHATML))
    asked = prompts(16)
    ours, theirs = (said(answers(session, asked, Sampling(max_tokens=24))) for session in (client, hf))
    client.close()
    assert ours == theirs


def test_nothing_is_left_after_kill_9(base: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        keeper = int(starter.stdout.readline())
        family = descendants(keeper)
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


def descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False

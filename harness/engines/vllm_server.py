"""`vllm-server`: a vLLM server of our own: started on a free local port, waited for, asked, and stopped.

It lives exactly as long as the run: a supervisor process stops it when the run ends in any way, kill -9 included. What
the server prints goes to a log file whose end is shown if it does not come up. `--model-args` are vLLM's own
`EngineArgs`, and `startup_timeout` (seconds, default 900). `--dp` is vLLM's `data_parallel_size`: it balances the load
between the copies by itself.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from harness import machine, supervisor
from harness.engines import _vllm
from harness.engines.openai import PLUGIN as OPENAI
from harness.engines.openai import OpenAISession
from harness.engines.vllm import PROBE
from harness.errors import UsageProblem
from harness.models import Located, locate
from harness.types import Completion, EngineSettings, Prompt, RequestKey, Sampling

BASE, ADAPTER = "base", "adapter"
"""Names under which the server offers the model and its adapter."""
STARTUP = 900.0


class VllmServerEngine:
    """Starts a server and asks it."""

    name = "vllm_server"
    requires = ("vllm", "transformers")
    extra = "vllm"
    flags: ClassVar = _vllm.FLAGS | {"dp": "data_parallel_size"}
    layout = (*_vllm.LAYOUT, "startup_timeout")

    def open(self, settings: EngineSettings) -> VllmServerSession:
        """Start the server and wait until it is ready.

        Args:
            settings: `options` are vLLM's own arguments and `startup_timeout`.

        Returns:
            The session.

        Raises:
            UsageProblem: A setting cannot be honoured, the server does not come up, or the adapter changes nothing.
        """
        _vllm.refuse(settings, ("startup_timeout",))
        options = dict(settings.options)
        patience = float(options.pop("startup_timeout", STARTUP))
        found = locate(settings.model, adapter=settings.adapter, revision=settings.revision, offline=settings.offline)
        arguments = _vllm.arguments(replace(settings, options=options), found)
        return VllmServerSession(settings, found, arguments, patience)


class VllmServerSession:
    """A server and the connections to it."""

    def __init__(self, settings: EngineSettings, found: Located, arguments: Mapping[str, Any], patience: float) -> None:
        self.version = _vllm.version()
        copies = int(settings.options.get("data_parallel_size") or 1)
        self.gpus = _vllm.gpus(settings) * copies if machine.description()["gpus"] else None
        port = _free_port()
        self._log = tempfile.NamedTemporaryFile(prefix="vllm-server-", suffix=".log")  # noqa: SIM115 - closed in close
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *flags(arguments, found, port)]
        self._supervisor = subprocess.Popen(
            supervisor.supervised(command),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"VLLM_NO_USAGE_STATS": "1", **os.environ},
        )
        self._session: OpenAISession | None = None
        url = f"http://127.0.0.1:{port}"
        try:
            self._wait(url, patience)
            if found.adapter:
                _prove_adapter(url)
            self._session = OPENAI.open(_as_client(settings, found, url))
        except BaseException:
            self.close()
            raise
        self.slots = self._session.slots

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Send a request."""
        assert self._session is not None
        self._session.submit(key, prompt, sampling)

    def collect(self) -> Sequence[Completion]:
        """Wait for a reply."""
        assert self._session is not None
        return self._session.collect()

    def close(self) -> None:
        """Disconnect and stop the server."""
        if self._session is not None:
            self._session.close()
        if self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
        self._supervisor.wait()
        self._log.close()

    def _wait(self, url: str, patience: float) -> None:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self._supervisor.poll() is not None:
                raise UsageProblem("the vllm server ended while starting", self._last_lines())
            try:
                with urllib.request.urlopen(f"{url}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.5)
        raise UsageProblem(f"the vllm server was not ready in {patience:g} s", self._last_lines())

    def _last_lines(self) -> str:
        lines = Path(self._log.name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(["Its log ends:", *lines[-20:]])


def flags(arguments: Mapping[str, Any], found: Located, port: int) -> list[str]:
    """vLLM's arguments as a command line.

    Args:
        arguments: Values by the names of `EngineArgs`.
        found: The model's folders.
        port: On the loopback interface.

    Returns:
        Flags: a true value is a bare flag, a false one `--no-...`, an object JSON.
    """
    line = ["--host", "127.0.0.1", "--port", str(port), "--enable-prompt-tokens-details", "--served-model-name", BASE]
    if found.adapter:
        line += ["--lora-modules", f"{ADAPTER}={found.adapter}"]
    for name, value in arguments.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            # vLLM's own false is said by leaving a flag out; not every flag has a --no- form.
            line += [f"--{flag}"] if value else [f"--no-{flag}"] if name == "enable_prefix_caching" else []
        else:
            line += [f"--{flag}", json.dumps(value) if isinstance(value, dict | list) else str(value)]
    return line


def _as_client(settings: EngineSettings, found: Located, url: str) -> EngineSettings:
    """Prompts are rendered here and sent as text, so that the tokens are those of every other engine."""
    return replace(
        settings,
        model=ADAPTER if found.adapter else BASE,
        adapter=None,
        tokenizer=settings.tokenizer or str(found.tokenizer),
        base_urls=(f"{url}/v1",),
        options={"api": "completions"},
    )


def _prove_adapter(url: str) -> None:
    """See that the adapter changes what the model says, by the log probabilities of a probe."""
    pair = []
    for model in (BASE, ADAPTER):
        body = {"model": model, "prompt": PROBE, "max_tokens": 1, "temperature": 0, "logprobs": 5}
        request = urllib.request.Request(
            f"{url}/v1/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=300) as response:
                pair.append(json.load(response)["choices"][0]["logprobs"]["top_logprobs"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UsageProblem(f"the adapter cannot be probed: {error}", "Does vllm support its kind?") from error
    if pair[0] == pair[1]:
        raise UsageProblem(
            "the adapter changes nothing: a probe's log probabilities equal the base's",
            "Its weights are zero or were not applied; scoring it would score the base.",
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PLUGIN = VllmServerEngine()

"""`openai`: any OpenAI-compatible server (vLLM, SGLang, llama.cpp, OpenAI), any model name, one or several base URLs.

    OPENAI_API_KEY=… harness run --model my-model --base-url http://gpu1:8000/v1 --base-url http://gpu2:8000/v1

A forced start of the reply goes as an assistant message that the server continues, which vLLM and SGLang honour and
OpenAI's own service does not. A chat template that rewrites think blocks of assistant messages (Qwen3, DeepSeek-R1)
can lose it there: `--model-args api=completions --tokenizer FOLDER` renders here and sends text.

Before the first request with tools two short ones, with and without a tool, show whether the server's chat template
takes tools: where both cost as many prompt tokens it drops them, and the requests are faults instead of wrong answers.

`--model-args`: `api` (`chat`, `completions`, or `auto`: chat, and completions from the first refused continuation on
where a tokenizer is named), `retries` (default 5), `extra_body` (an object merged into every request), `check_tools`
(default true).
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from harness.chat import render
from harness.engines._overflow import overflow, overflows
from harness.errors import UsageProblem, unknown_name
from harness.machine import is_offline
from harness.models import locate, missing, outline
from harness.types import Completion, EngineSettings, Generation, ModelInfo, Prompt, RequestKey, Sampling

LOG = logging.getLogger(__name__)
OPTIONS = ("api", "retries", "extra_body", "check_tools")
APIS = ("auto", "chat", "completions")
LOCAL = ("localhost", "127.0.0.1", "::1")
DEFAULT_URL = "https://api.openai.com/v1"
A_SERVER = 64
"""Requests in flight at each server, unless `concurrency` says otherwise."""

T = TypeVar("T")


class OpenAIEngine:
    """Asks servers."""

    name = "openai"
    layout = ("retries", "check_tools")

    def describe(self, settings: EngineSettings) -> ModelInfo:
        """The name is all that is known of a model behind a server, and what is said of its tokenizer and template."""
        if settings.tokenizer:
            about = outline(settings.model, locate(settings.tokenizer, offline=settings.offline))
            remote = settings.options.get("api") != "completions"
            template = settings.chat_template or about.chat_template
            return replace(about, path=None, architectures=(), revision=None, remote=remote, chat_template=template)
        return ModelInfo(name=settings.model, remote=True, chat_template=settings.chat_template)

    def open(self, settings: EngineSettings) -> OpenAISession:
        """Connect.

        Args:
            settings: `options` may hold the names in this module's docstring.

        Returns:
            The session.

        Raises:
            UsageProblem: A setting cannot be honoured, no server answers, or the key is none or refused.
        """
        _refuse(settings)
        urls = base_urls(settings)
        return OpenAISession(settings, urls, _api_key(settings, urls))


class OpenAISession:
    """Connections to the servers. An event loop in a thread of its own does all the waiting."""

    def __init__(self, settings: EngineSettings, urls: Sequence[str], key: str) -> None:
        from harness.engines._servers import Servers

        self.version = f"openai API at {', '.join(urls)}"
        self.slots = settings.concurrency or A_SERVER * len(urls)
        self._settings = settings
        self._api = str(settings.options.get("api", "auto"))
        self._extra = _extra(settings)
        self._tokenizer = _tokenizer(settings)
        self._servers = Servers(urls, key, settings.request_timeout, int(settings.options.get("retries", 5)))
        self._done: queue.SimpleQueue[Completion] = queue.SimpleQueue()
        self._outstanding = 0
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left_out: set[str] = set()
        """Fields that a server refused."""
        self._tools_drop: asyncio.Task[str] | None = None
        self._room = asyncio.Semaphore(self.slots)
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai engine", daemon=True)
        self._thread.start()
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Send a request as soon as one of `slots` is free."""
        self._outstanding += 1
        self._loop.call_soon_threadsafe(self._start, key, prompt, sampling)

    def collect(self) -> Sequence[Completion]:
        """Wait for a reply; empty where none is outstanding."""
        if not self._outstanding:
            return []
        done = [self._done.get()]
        while not self._done.empty():
            done.append(self._done.get_nowait())
        self._outstanding -= len(done)
        return done

    def close(self) -> None:
        """Give up what is under way and disconnect."""
        if self._loop.is_closed():
            return
        self._wait_for(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _shut(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._servers.close()

    def _start(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        task = self._loop.create_task(self._answer(key, prompt, sampling))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        from harness.engines._servers import Failed, Refused

        async with self._room:
            try:
                completion = Completion(key, await self._ask(prompt, sampling))
            except Refused as error:
                long = overflows(error.status, str(error))
                completion = Completion(key, overflow(str(error))) if long else Completion(key, None, str(error))
            except Failed as error:
                completion = Completion(key, None, str(error))
            except Exception as error:  # noqa: BLE001 - a request that is never answered would hang the run
                completion = Completion(key, None, f"{type(error).__name__}: {error}")
            self._done.put(completion)

    async def _ask(self, prompt: Prompt, sampling: Sampling) -> Generation:
        from harness.engines import _wire
        from harness.engines._servers import Failed, Refused

        model, settings = self._settings.model, self._settings
        if self._api != "completions" and not prompt.raw:
            if prompt.tools and settings.options.get("check_tools", True) and (problem := await self._tools_problem()):
                raise Failed(problem)
            try:
                return await self._chat(prompt, sampling)
            except Refused as error:
                if overflows(error.status, str(error)) or not (prompt.prefix and error.status in (400, 422)):
                    raise
                if self._api == "chat" or self._tokenizer is None:
                    hint = "If it cannot continue a message: --model-args api=completions --tokenizer FOLDER"
                    raise Refused(error.status, f"{error}. {hint}") from error
                LOG.warning("the server does not continue messages: rendering here, /completions from now on")
                self._api = "completions"
        text = render(
            prompt, self._tokenizer, chat_template=settings.chat_template, kwargs=settings.chat_template_kwargs
        )
        body = _wire.completion_body(model, text, prompt, sampling, settings.options.get("extra_body") or {})
        return await self._send("completions", body)

    async def _chat(self, prompt: Prompt, sampling: Sampling) -> Generation:
        from harness.engines import _wire

        body = _wire.chat_body(self._settings.model, prompt, sampling, self._extra)
        generation = await self._send("chat/completions", body)
        return replace(generation, text=_wire.without_echo(generation.text, prompt.prefix))

    async def _send(self, path: str, body: Mapping[str, Any]) -> Generation:
        """Ask, without the fields that a server has refused and that a request can do without."""
        from harness.engines import _wire
        from harness.engines._servers import Refused

        kept = _wire.spared(body, self._left_out)
        if "add_special_tokens" in body and "add_special_tokens" not in kept:
            kept["prompt"] = _wire.unmarked(self._tokenizer, body["prompt"])
        try:
            generation = await self._servers.ask(path, _wire.encode(kept))
            return _wire.stopped(generation, body.get("stop", ()))
        except Refused as error:
            named = _wire.refused_fields(error.content, kept) if error.status in (400, 422) else set()
            if kept == _wire.spared(body, self._left_out | named):
                raise
        if new := named - self._left_out:
            LOG.warning("the server refuses %s: left out from now on", ", ".join(sorted(new)))
        self._left_out |= named
        return await self._send(path, body)

    async def _tools_problem(self) -> str:
        """Why requests with tools would measure nothing; empty where they do. Found out once."""
        from harness.engines import _tool_probe

        if self._tools_drop is None:
            self._tools_drop = asyncio.create_task(_tool_probe.problem(self._chat))
        return await self._tools_drop

    def _check(self) -> None:
        """See that a server is there and takes the key; say so where it does not list the model."""
        from harness.engines._servers import Failed, Refused

        problems = []
        for server in self._servers.servers:
            try:
                names = self._wait_for(self._servers.models(server))
            except Refused as error:
                variable = self._settings.api_key_env
                raise UsageProblem(f"{server.url} refuses the key: {error}", f"Set {variable} to its key.") from error
            except Failed as error:
                problems.append(f"no server at {server.url}: {error}")
                continue
            if names and self._settings.model not in names:
                LOG.warning("%s does not list %r, but: %s", server.url, self._settings.model, ", ".join(names[:10]))
        if len(problems) == len(self._servers.servers):
            raise UsageProblem("\n".join(problems), "Start it, or name another with --base-url.")
        for problem in problems:
            LOG.warning(problem)


def base_urls(settings: EngineSettings) -> list[str]:
    """The servers' addresses, from the flags, `OPENAI_BASE_URL`, or OpenAI's own; `/v1` is added to a bare host.

    Raises:
        UsageProblem: One is not an http address, or is not local although the run is offline.
    """
    urls = []
    for given in settings.base_urls or (os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL,):
        parts = urlsplit(given.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageProblem(f"--base-url {given!r} is not an address", "Write for example http://localhost:8000/v1.")
        if is_offline(settings.offline) and parts.hostname not in LOCAL:
            raise UsageProblem(f"{given} is not on this machine and the run is offline", "Drop --offline.")
        urls.append(parts._replace(path=parts.path or "/v1").geturl())
    return urls


def _refuse(settings: EngineSettings) -> None:
    options = settings.options
    for name in options:
        if name not in OPTIONS:
            raise unknown_name("openai model argument", name, OPTIONS)
    if options.get("api", "auto") not in APIS:
        raise unknown_name("api", str(options["api"]), APIS)
    if options.get("api") == "completions" and not settings.tokenizer:
        raise UsageProblem("api=completions renders the prompt here", "Name the model's tokenizer with --tokenizer.")
    if not isinstance(options.get("extra_body") or {}, Mapping):
        raise UsageProblem("extra_body is not an object", "Write for example --model-args 'extra_body={top_k: 1}'.")
    if settings.adapter:
        raise UsageProblem(
            "the openai engine cannot load an adapter into a running server",
            "Serve it there under a name of its own (vLLM: --lora-modules NAME=PATH) and give that name as --model.",
        )


def _api_key(settings: EngineSettings, urls: Sequence[str]) -> str:
    key = os.environ.get(settings.api_key_env, "").strip()
    if not key.isprintable():
        raise UsageProblem(
            f"{settings.api_key_env} holds a line break or control character", "Set it to the key alone."
        )
    if not key and DEFAULT_URL in urls:
        raise UsageProblem(f"{settings.api_key_env} is not set", "Export the key, or name a server with --base-url.")
    return key


def _extra(settings: EngineSettings) -> dict[str, Any]:
    """Fields of a chat request that only servers with templates know."""
    extra: dict[str, Any] = {}
    if settings.chat_template:
        extra["chat_template"] = settings.chat_template
    if settings.chat_template_kwargs:
        extra["chat_template_kwargs"] = dict(settings.chat_template_kwargs)
    return extra | dict(settings.options.get("extra_body") or {})


def _tokenizer(settings: EngineSettings) -> Any:
    """The tokenizer that renders for `/completions`; None where none is named."""
    if not settings.tokenizer or settings.options.get("api") == "chat":
        return None
    try:
        import transformers
    except ImportError as error:
        raise missing("hf", error) from error
    folder = locate(settings.tokenizer, offline=settings.offline).tokenizer
    return transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=settings.trust_remote_code)


PLUGIN = OpenAIEngine()

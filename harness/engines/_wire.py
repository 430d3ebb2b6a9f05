"""What goes over the wire to an OpenAI-compatible server, and what comes back. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from harness.types import Finish, Generation, NativeCall, Prompt, Sampling

DISPENSABLE = {"add_special_tokens", "seed", "stop"}
"""Fields that a request can do without where a server refuses them: the same is measured, see `unmarked`, `spared`."""
FEW_STOPS = 4
"""Stop strings that OpenAI's own service takes."""
SPOKEN = 1 << 16
"""Bytes of a refusal that are searched for names of fields."""


class BadReply(Exception):
    """A body that is not what the API promises: asked again, and a fault if it stays so."""


def chat_body(model: str, prompt: Prompt, sampling: Sampling, extra: Mapping[str, Any]) -> dict[str, Any]:
    """A request to `/chat/completions`.

    A prefix is sent as the start of an assistant message that the server continues (vLLM, SGLang):
    `continue_final_message` with `add_generation_prompt` off, as both on is refused.
    """
    body: dict[str, Any] = {"model": model, "messages": [dict(message) for message in prompt.messages]}
    if prompt.prefix:
        body["messages"].append({"role": "assistant", "content": prompt.prefix})
        body |= {"add_generation_prompt": False, "continue_final_message": True}
    if prompt.tools:
        body["tools"] = [dict(tool) for tool in prompt.tools]
    return body | _common(prompt, sampling) | dict(extra)


def completion_body(
    model: str, text: str, prompt: Prompt, sampling: Sampling, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """A request to `/completions`. A prompt that was rendered here has its special tokens in the text."""
    rendered = {} if prompt.raw else {"add_special_tokens": False}
    return {"model": model, "prompt": text} | rendered | _common(prompt, sampling) | dict(extra)


def _common(prompt: Prompt, sampling: Sampling) -> dict[str, Any]:
    body: dict[str, Any] = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
    if sampling.top_p != 1:
        body["top_p"] = sampling.top_p
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if prompt.keep_special_tokens:
        body["skip_special_tokens"] = False  # vLLM and SGLang take it; only asked for where a dialect needs it
    if prompt.schema:
        form = {"name": "reply", "schema": prompt.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def without_echo(text: str, prefix: str) -> str:
    """A reply without its forced start, which llama.cpp's server repeats, or a second opening of the same block."""
    start, body = prefix.strip(), text.lstrip()
    if not start or not body.startswith(start):
        return text
    return body.removeprefix(start).removeprefix(prefix[len(prefix.rstrip()) :])


def stopped(generation: Generation, stops: Iterable[str]) -> Generation:
    """A reply up to its first stop string, also from a server that took no notice of some."""
    cuts = [place for stop in stops if (place := generation.text.find(stop)) >= 0]
    return replace(generation, text=generation.text[: min(cuts)], finish="stop") if cuts else generation


def refused_fields(content: bytes, body: Mapping[str, Any]) -> set[str]:
    """Fields that a refusal names and a request can do without.

    Args:
        content: Body of the refusal; its form differs from server to server, so a name anywhere in it counts.
        body: The request.

    Returns:
        Names, empty where the refusal has another reason.
    """
    said = content[:SPOKEN].decode("utf-8", "replace")
    return {name for name in DISPENSABLE & body.keys() if re.search(rf"\b{name}\b", said)}


def spared(body: Mapping[str, Any], refused: Collection[str]) -> dict[str, Any]:
    """A request without what a server has refused; of stop strings as many as any server takes, the run's own first."""
    kept = {name: value for name, value in body.items() if name not in refused or name == "stop"}
    return kept | ({"stop": kept["stop"][:FEW_STOPS]} if "stop" in kept and "stop" in refused else {})


def unmarked(tokenizer: Any, text: str) -> str:
    """A rendered prompt for a server that adds the tokenizer's special tokens: without those that the text begins with.

    Args:
        tokenizer: The model's.
        text: The prompt as its template wrote it.

    Returns:
        A text that such a server reads as the same tokens.

    Raises:
        ValueError: There is none.
    """
    wanted = tokenizer.encode(text, add_special_tokens=False)
    for candidate in (text, text.removeprefix(tokenizer.bos_token or "")):
        if tokenizer.encode(candidate) == wanted:
            return candidate
    raise ValueError("the server refuses add_special_tokens and would add tokens that the chat template does not write")


def encode(body: Mapping[str, Any]) -> bytes:
    """JSON in ASCII, so that lone surrogates survive."""
    return json.dumps(body).encode("ascii")


def read(content: bytes, seconds: float) -> Generation:
    """Read the reply to either request.

    Args:
        content: The body of a successful response.
        seconds: How long the request took.

    Returns:
        The generation. Native calls are None where the reply has none.

    Raises:
        BadReply: It is not JSON, holds no choice, or lacks what the API promises.
    """
    try:
        reply = json.loads(content)
        choice = reply["choices"][0]
        finish = choice["finish_reason"]
        message = choice["message"] if "message" in choice else {"content": choice["text"]}
        text, calls = _text(message.get("content")), _calls(message.get("tool_calls"))
        reasoning = message.get("reasoning_content") or message.get("reasoning") or None
        usage = reply.get("usage") or {}
        asked, answered = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
        cached = _cached(usage)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise BadReply(f"not a completion ({type(error).__name__}: {error}): {excerpt(content)}") from error
    if finish is None or not isinstance(reasoning, str | None):
        raise BadReply(f"an unfinished completion: {excerpt(content)}")
    if finish in ("content_filter", "abort", "error"):
        raise BadReply(f"the server ended the reply: {finish}")
    ended: Finish = "length" if finish == "length" else "stop"
    return Generation(text, ended, calls, reasoning, asked, answered, seconds, cached)


def _cached(usage: Mapping[str, Any]) -> int | None:
    """Prompt tokens from the server's prefix cache; a field of later versions of the API that many servers lack."""
    details = usage.get("prompt_tokens_details")
    told = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return told if isinstance(told, int) else None


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    if not isinstance(content, str):
        raise TypeError("content is not text")
    return content


def _calls(calls: Any) -> tuple[NativeCall, ...] | None:
    if not calls:
        return None
    return tuple(_call(call["function"]) for call in calls)


def _call(function: Mapping[str, Any]) -> NativeCall:
    name, arguments = function["name"], function.get("arguments") or "{}"
    if not isinstance(name, str):
        raise TypeError("a call without a name")
    return NativeCall(name, arguments if isinstance(arguments, str) else json.dumps(arguments))


def excerpt(content: bytes) -> str:
    """The start of a body, for a message: printable ASCII and no more than a line."""
    text = content[:200].decode("utf-8", "replace")
    return repr(text) if len(content) <= 200 else repr(text) + "…"
